//! What stands in the way, in words.

use std::fmt;

use headstart_model::{AppVersions, Failure, Language, PackVersion};

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
    NoCatalog,
    /// A newer version is offered; it is fetched after the next check.
    NextCheck,
    /// Waits to be made live.
    Switching,
    /// Waits for other packs of the release, to be made live together with them.
    ReleaseIncomplete,
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
            Self::Localized { .. } => "localized",
            Self::OtherEvent => "otherEvent",
            Self::NotOffered => "notOffered",
            Self::OtherAppVersion { .. } => "otherAppVersion",
            Self::NoCatalog => "noCatalog",
            Self::NextCheck => "nextCheck",
            Self::Switching => "switching",
            Self::ReleaseIncomplete => "releaseIncomplete",
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
            Self::NoCatalog => f.write_str("no catalog has been fetched yet"),
            Self::NextCheck => f.write_str("a newer version is fetched after the next check"),
            Self::Switching => f.write_str("it is complete and is being put in place"),
            Self::ReleaseIncomplete => {
                f.write_str("it is complete and waits for the other updates of its release")
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
