//! What stands in the way, in words.

use std::fmt;

use headstart_model::{AppId, AppVersions, Failure, Language, PackId, PackVersion};

use crate::time::WallTime;

/// What is being waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fact {
    /// There is no network.
    Offline,
    /// An attempt failed; the next one comes later.
    BackingOff {
        /// Attempts that failed in a row.
        attempts: u32,
        /// Why the last one failed.
        failure: Failure,
    },
    /// The disk is too full.
    NotEnoughDisk {
        /// Bytes needed.
        needed_bytes: u64,
        /// Bytes free for downloads.
        free_bytes: u64,
    },
    /// The repository's metadata does not hold.
    Distrusted {
        /// Why.
        failure: Failure,
    },
    /// As many transfers are running as may run.
    SlotsBusy {
        /// Transfers running.
        running: u32,
        /// Transfers that may run.
        allowed: u32,
    },
    /// Essential packs go first.
    EssentialFirst,
    /// An earlier work on the same pack is coming to its end, or the same version is just being removed.
    WindingDown,
    /// Nobody has asked for the pack, and its policy does not fetch it.
    NotWanted,
    /// It was removed because somebody asked.
    RemovedByRequest,
    /// Somebody has cancelled its download.
    CancelledByRequest {
        /// The app.
        app: AppId,
        /// The pack.
        pack: PackId,
        /// Whether an older version is here.
        update: bool,
    },
    /// It is localized for another language than the app's.
    Localized {
        /// Its language.
        language: Language,
        /// The app's; none when none of those that are offered suits.
        resolved: Option<Language>,
    },
    /// Its policy fetches it at another event of the installation.
    OtherEvent,
    /// The catalog offers no such pack.
    NotOffered,
    /// A version is there for other versions of the app.
    OtherAppVersion {
        /// That version.
        version: PackVersion,
        /// The versions of the app that it is for.
        wanted: AppVersions,
        /// The version of the app.
        present: String,
    },
    /// No catalog has been fetched yet.
    NoCatalog {
        /// Where it is to come from.
        from: Option<String>,
    },
    /// A newer version is offered; it is fetched after the next check.
    NextCheck,
    /// Waits to be made live.
    Switching,
    /// Waits for other packs of the release, to be made live together with them.
    ReleaseIncomplete,
    /// A person has paused it.
    Paused,
    /// The installation that it belongs to has been paused.
    InstallationPaused,
    /// The device saves power.
    LowPower,
    /// Background activity is switched off, for all apps or for this one.
    BackgroundOff,
    /// In-app content is switched off, and the app was never launched.
    InAppContentOff,
    /// It failed.
    Ended {
        /// Why.
        failure: Failure,
    },
    /// It has ended; whoever is to know takes note of it when there is somebody.
    Untold,
    /// It has ended, and somebody is taking note of it.
    BeingTold,
    /// The extension has used the run time of its day.
    ExtensionBudget {
        /// Milliseconds used.
        used_ms: u64,
        /// Milliseconds that it may use in a day.
        allowed_ms: u64,
    },
    /// The extension did not answer; it is asked again later.
    ExtensionFailed {
        /// Calls in a row that it did not answer.
        attempts: u32,
        /// Why the last one.
        failure: Failure,
    },
}

impl Fact {
    /// The fact's name on the socket and the command line, stable.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::BackingOff { .. } => "backingOff",
            Self::NotEnoughDisk { .. } => "notEnoughDisk",
            Self::Distrusted { .. } => "distrusted",
            Self::SlotsBusy { .. } => "slotsBusy",
            Self::EssentialFirst => "essentialFirst",
            Self::WindingDown => "windingDown",
            Self::NotWanted => "notWanted",
            Self::RemovedByRequest => "removedByRequest",
            Self::CancelledByRequest { .. } => "cancelledByRequest",
            Self::Localized { .. } => "localized",
            Self::OtherEvent => "otherEvent",
            Self::NotOffered => "notOffered",
            Self::OtherAppVersion { .. } => "otherAppVersion",
            Self::NoCatalog { .. } => "noCatalog",
            Self::NextCheck => "nextCheck",
            Self::Switching => "switching",
            Self::ReleaseIncomplete => "releaseIncomplete",
            Self::Paused => "paused",
            Self::InstallationPaused => "installationPaused",
            Self::LowPower => "lowPower",
            Self::BackgroundOff => "backgroundOff",
            Self::InAppContentOff => "inAppContentOff",
            Self::Ended { .. } => "failed",
            Self::Untold => "untold",
            Self::BeingTold => "beingTold",
            Self::ExtensionBudget { .. } => "extensionBudget",
            Self::ExtensionFailed { .. } => "extensionFailed",
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offline => f.write_str("there is no network"),
            Self::BackingOff { attempts, failure } => {
                write!(f, "attempt {attempts} failed: {failure}")
            }
            Self::NotEnoughDisk { needed_bytes, free_bytes } => {
                write!(f, "{needed_bytes} bytes are needed on disk and {free_bytes} are free")
            }
            Self::Distrusted { failure } => {
                write!(f, "the repository's metadata does not hold: {failure}")
            }
            Self::SlotsBusy { running, allowed } => {
                write!(f, "{running} transfers are running and {allowed} may run")
            }
            Self::EssentialFirst => f.write_str("essential packs of an installation go first"),
            Self::WindingDown => f.write_str("earlier work on the pack is coming to its end"),
            Self::NotWanted => f.write_str("it is fetched when the app asks for it"),
            Self::RemovedByRequest => f.write_str("it was removed because somebody asked"),
            Self::CancelledByRequest { app, pack, update: false } => write!(
                f,
                "somebody cancelled its download; `headstart packs ensure {pack} --app {app}` begins it again"
            ),
            Self::CancelledByRequest { app, pack, update: true } => write!(
                f,
                "somebody cancelled its update; `headstart packs ensure {pack} --latest --app {app}` begins it again"
            ),
            Self::Localized { language, resolved: Some(resolved) } => {
                write!(
                    f,
                    "it is localized for `{language}`, and the app's language is `{resolved}`"
                )
            }
            Self::Localized { language, resolved: None } => {
                write!(
                    f,
                    "it is localized for `{language}`, and nothing says that the app's language is that"
                )
            }
            Self::OtherEvent => {
                f.write_str("its policy fetches it at another event of the installation")
            }
            Self::NotOffered => f.write_str("the repository does not offer it for this device"),
            Self::OtherAppVersion { version, wanted, present } => write!(
                f,
                "version {version} is for versions {wanted} of the app, and this is version {present}"
            ),
            Self::NoCatalog { from: None } => f.write_str("no catalog has been fetched yet"),
            Self::NoCatalog { from: Some(from) } => {
                write!(f, "no catalog has been fetched yet from {from}")
            }
            Self::NextCheck => f.write_str("a newer version is fetched after the next check"),
            Self::Switching => f.write_str("it is complete and is being put in place"),
            Self::ReleaseIncomplete => {
                f.write_str("it is complete and waits for the other updates of its release")
            }
            Self::Paused => f.write_str("somebody has paused it"),
            Self::InstallationPaused => f.write_str("its installation has been paused"),
            Self::LowPower => f.write_str("the device saves power"),
            Self::BackgroundOff => f.write_str("background activity is switched off"),
            Self::InAppContentOff => {
                f.write_str("in-app content is switched off until the app is launched")
            }
            Self::Ended { failure } => write!(f, "it failed: {failure}"),
            Self::Untold => f.write_str(
                "it has ended, and neither the app nor its extension has taken note of it yet",
            ),
            Self::BeingTold => f.write_str("it has ended, and the app is being told"),
            Self::ExtensionBudget { used_ms, allowed_ms } => write!(
                f,
                "the extension has used {} of the {} seconds that it may run in a day",
                used_ms / 1000,
                allowed_ms / 1000
            ),
            Self::ExtensionFailed { attempts, failure } => {
                write!(f, "call {attempts} of the extension in a row failed: {failure}")
            }
        }
    }
}

/// A fact that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The fact.
    pub fact: Fact,
    /// Since when; none when that is not known.
    pub since: Option<WallTime>,
    /// When it is expected to change; none when that cannot be told.
    pub until: Option<WallTime>,
}

impl Reason {
    pub(crate) const fn new(fact: Fact) -> Self {
        Self { fact, since: None, until: None }
    }

    pub(crate) const fn since(mut self, since: WallTime) -> Self {
        self.since = Some(since);
        self
    }

    pub(crate) const fn until(mut self, until: WallTime) -> Self {
        self.until = Some(until);
        self
    }
}
