//! What the engine wants.

use std::collections::BTreeMap;

use headstart_model::catalog::CatalogPack;
use headstart_model::record::Change;
use headstart_model::{
    AppId, AppVersions, ChannelName, Failure, Language, PackId, PackVersion, ReleaseNumber,
};

use crate::class::Class;
use crate::id::{DownloadId, EffectId, RequestId};
use crate::reason::Reason;
use crate::record::{Bundle, InstallStage, LocalVersion, SwitchItem, Trust};
use crate::time::MonotonicTime;

/// What comes of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// Rows to commit, all in one transaction, before any effect is started. Empty for volatile events.
    pub changes: Vec<Change>,
    /// What to do then, in this order. When the commit fails nothing of it is done: the state is dropped and loaded again.
    pub effects: Vec<Effect>,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Do this and report its end, quoting the id. Issued again with the same id after a restart or when it is to be tried
    /// again; one that is still running under this id is not started twice.
    Order {
        /// Names it and fences its completion.
        id: EffectId,
        /// What.
        order: Order,
    },
    /// End this effect soon, keeping what is staged. It is reported as usual if it was just ending, else as
    /// [`Stopped`](crate::Event::Stopped), also when no effect of this id is running.
    Stop {
        /// The effect.
        id: EffectId,
    },
    /// Answer a call. Each call is answered once, unless its client is gone first.
    Answer {
        /// The call.
        request: RequestId,
        /// The answer.
        outcome: Result<Reply, Failure>,
    },
    /// Tell whoever listens.
    Tell(Notice),
    /// Send [`TimerDue`](crate::Event::TimerDue) at this time. Replaces the time set before.
    SetTimer {
        /// When.
        at: MonotonicTime,
    },
}

/// Work for the performer. Everything in it is owed: it is on record before it is issued and until its end is reported.
///
/// Each is idempotent: a performer that died half-way does it again from the start, or from where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Put the app's own files in place, take its first root over if there is none yet, register it. Ends with
    /// [`AppPrepared`](crate::Event::AppPrepared) or [`PrepareFailed`](crate::Event::PrepareFailed).
    PrepareApp {
        /// The app.
        app: AppId,
        /// The bundle.
        bundle: Bundle,
    },
    /// Fetch the catalog if it is not the one held. Ends with [`CatalogFetched`](crate::Event::CatalogFetched),
    /// [`CatalogUnchanged`](crate::Event::CatalogUnchanged) or [`CatalogFailed`](crate::Event::CatalogFailed).
    FetchCatalog {
        /// The app.
        app: AppId,
        /// Address of the repository.
        repository: String,
        /// The channel.
        channel: ChannelName,
        /// What the installation allows.
        trust: Trust,
        /// The release that is held.
        held: Option<ReleaseNumber>,
    },
    /// Work out what has to be fetched. Ends with [`PlanMade`](crate::Event::PlanMade),
    /// [`TransferFailed`](crate::Event::TransferFailed) or [`Stopped`](crate::Event::Stopped).
    Plan(Delivery),
    /// Fetch, verify and build the version in the staging folder; what is staged already is not fetched again. Ends with
    /// [`TransferFinished`](crate::Event::TransferFinished), [`TransferFailed`](crate::Event::TransferFailed) or
    /// [`Stopped`](crate::Event::Stopped).
    Transfer(Delivery),
    /// Make these versions live in one step, and drop what else is staged for their packs. Ends with
    /// [`Switched`](crate::Event::Switched) or [`SwitchFailed`](crate::Event::SwitchFailed). A version that is live
    /// already, or installed and not live, needs nothing from the staging folder.
    Switch {
        /// The app.
        app: AppId,
        /// What changes.
        items: Vec<SwitchItem>,
    },
    /// Remove a version that is not live. Ends with [`Removed`](crate::Event::Removed),
    /// [`VersionInUse`](crate::Event::VersionInUse) or [`RemovalFailed`](crate::Event::RemovalFailed).
    RemoveVersion {
        /// The app.
        app: AppId,
        /// The pack.
        pack: PackId,
        /// The version.
        version: LocalVersion,
    },
    /// Remove what is staged for a pack. Ends with [`Removed`](crate::Event::Removed) or
    /// [`RemovalFailed`](crate::Event::RemovalFailed).
    Discard {
        /// The app.
        app: AppId,
        /// The pack.
        pack: PackId,
    },
    /// Remove an app's registration, its copied files, its staging folder, its trust, and every installed version but
    /// these. Ends with [`Removed`](crate::Event::Removed) or [`RemovalFailed`](crate::Event::RemovalFailed).
    RemoveAppData {
        /// The app.
        app: AppId,
        /// Versions that stay.
        keep: Vec<(PackId, LocalVersion)>,
    },
}

/// A version on its way to the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The download.
    pub download: DownloadId,
    /// The app.
    pub app: AppId,
    /// Address of the repository.
    pub repository: String,
    /// What the installation allows.
    pub trust: Trust,
    /// The version to fetch.
    pub target: Box<CatalogPack>,
    /// The version to build upon.
    pub local: Option<LocalVersion>,
    /// The class, as it is now.
    pub class: Class,
}

/// The answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The app may be launched.
    Launchable {
        /// Essential packs that it has to do without at first, and why; they are fetched in the background.
        missed: BTreeMap<PackId, Failure>,
        /// Why not even the catalog could be had; it is tried again in the background.
        catalog: Option<Failure>,
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

/// What became of a pack's download. `Spec: concepts 5.4`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackUpdate {
    /// Began or went on.
    Began,
    /// Waits, and for what.
    Paused(Vec<Reason>),
    /// Moved on.
    Downloading {
        /// Bytes done; never falls.
        bytes_done: u64,
        /// Bytes in all.
        bytes_total: u64,
        /// Bytes per second since it last began; none when that is not known yet.
        bytes_per_second: Option<u64>,
    },
    /// Can be read. The last news of this download.
    Finished,
    /// Ended otherwise. The last news of this download.
    Failed(Failure),
}

/// Something to tell whoever listens. Not kept: who connects later asks for the present state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// News of a download.
    Pack {
        /// The app.
        app: AppId,
        /// The pack.
        pack: PackId,
        /// The version on its way.
        version: PackVersion,
        /// The download.
        download: DownloadId,
        /// The news.
        update: PackUpdate,
    },
    /// An installation moved on.
    Installation {
        /// The app.
        app: AppId,
        /// Its progress.
        progress: InstallProgress,
    },
    /// An installation ended: the app may be launched.
    Launchable {
        /// The app.
        app: AppId,
        /// Essential packs that it has to do without at first, and why.
        missed: BTreeMap<PackId, Failure>,
    },
}

/// The one progress of an installation. `Spec: concepts 7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstallProgress {
    /// The phase.
    pub stage: InstallStage,
    /// Bytes of this phase done.
    pub bytes_done: u64,
    /// Bytes of this phase in all; 0 while that is not known.
    pub bytes_total: u64,
    /// Bytes of this phase done in a second, over the last seconds; none while nobody can tell.
    pub bytes_per_second: Option<u64>,
    /// The whole installation, in millionths: 0 to 1,000,000. Never falls in one life of the service.
    pub fraction_ppm: u32,
}
