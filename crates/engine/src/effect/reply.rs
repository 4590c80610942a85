//! Answers to calls.

use std::collections::BTreeMap;

use headstart_model::catalog::CatalogPack;
use headstart_model::protocol::downloads::ChallengeAnswer;
use headstart_model::{AppVersions, Failure, Language, PackId, PackVersion, ServerOrigin};

/// The answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The app may be launched.
    Launchable {
        /// Essential packs that it has to do without at first, and why; they are fetched in the background.
        missed: BTreeMap<PackId, Failure>,
        /// Why not even the catalog could be had; it is tried again in the background.
        catalog: Option<Failure>,
        /// Essential downloads that failed, by identifier.
        downloads: Vec<(String, Failure)>,
    },
    /// The app is gone.
    Uninstalled,
    /// Every pack asked for has concluded. `Spec: api 2`, `LocalAvailabilityError`.
    Ensured {
        /// Packs that can be read.
        available: Vec<PackId>,
        /// Packs that cannot, and why.
        failed: BTreeMap<PackId, Failure>,
    },
    /// The packs were compared with the newest catalog. `Spec: api 2`, `checkForUpdates`.
    Checked {
        /// Packs whose update is on its way.
        updating: Vec<PackId>,
        /// Packs that are no longer offered and are removed.
        removed: Vec<PackId>,
        /// Local packs of which there is a newer version, for other versions of the app.
        withheld: Vec<Withheld>,
    },
    /// The app's language has been set; this is what it comes to among the packs that are offered.
    LanguageResolved(Option<Language>),
    /// The app has the packs of its language.
    Reconciled {
        /// Packs that were missing and can be read now.
        available: Vec<PackId>,
        /// Packs that are missing still, and why. Nothing was removed then.
        failed: BTreeMap<PackId, Failure>,
        /// Packs of other languages that are gone.
        removed: Vec<PackId>,
    },
    /// The pack is no longer local.
    Removed,
    /// The download is cancelled.
    Cancelled,
    /// The downloads are scheduled.
    Scheduled,
    /// It is done.
    Changed,
    /// The headers of this server are on record.
    Server(ServerOrigin),
    /// It is on record.
    Acknowledged,
    /// What to tell the server.
    Challenge(ChallengeAnswer),
    /// The right is the caller's.
    ExclusiveControl,
}

/// A version of a pack that is not for this version of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// The pack.
    pub pack: PackId,
    /// The version.
    pub version: PackVersion,
    /// The versions of the app that it is for.
    pub app_versions: AppVersions,
}

impl Withheld {
    /// What is to be told of an entry that was withheld; none when it is for all versions of the app.
    pub(crate) fn of(newest: &CatalogPack) -> Option<Self> {
        let (pack, version) = (newest.id.clone(), newest.version);
        let app_versions = newest.app_versions.clone()?;
        Some(Self { pack, version, app_versions })
    }
}
