//! What the engine wants.

mod notice;

use std::collections::BTreeMap;

use headstart_model::app_bundle::InitialDownloadRestrictions;
use headstart_model::catalog::CatalogPack;
use headstart_model::download::UrlDownload;
use headstart_model::protocol::downloads::{ChallengeAnswer, DownloadChallenge};
use headstart_model::protocol::extension::AppExtensionInfo;
use headstart_model::record::Change;
use headstart_model::{
    AppGroupId, AppId, AppVersions, ChannelName, ContentRequest, Failure, Language, PackId,
    PackVersion, ReleaseNumber,
};

use crate::class::Class;
use crate::id::{CallId, ClientId, DownloadId, EffectId, RequestId};
use crate::record::{Bundle, LocalVersion, SwitchItem, Trust};
use crate::time::MonotonicTime;

pub use notice::{FileUpdate, InstallProgress, Notice, PackUpdate};

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
    /// Give a running transfer another class, without interrupting it. One that is not running is let be.
    Reclass {
        /// The effect.
        id: EffectId,
        /// Its class from now on.
        class: Class,
    },
    /// Ask an app or its extension something. One question to each of them at a time.
    Ask(Inquiry),
    /// The answer to this question is not wanted any more, and whoever was asked need not be told.
    Forget {
        /// The app.
        app: AppId,
        /// The question.
        call: CallId,
    },
    /// End the extension of an app, if it is there.
    EndExtension {
        /// The app.
        app: AppId,
        /// Why.
        why: ExtensionEnd,
    },
    /// Let what all transfers together take in a second be this from now on; none for no limit.
    Limit {
        /// Bytes a second.
        bytes_per_second: Option<u64>,
    },
    /// Tell whoever listens.
    Tell(Notice),
    /// Send [`TimerDue`](crate::Event::TimerDue) at this time. Replaces the time set before.
    SetTimer {
        /// When.
        at: MonotonicTime,
    },
}

/// A question to an app or its extension. `Spec: concepts 11`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// The app.
    pub app: AppId,
    /// Fences the answer.
    pub call: CallId,
    /// Who is asked.
    pub receiver: Receiver,
    /// What.
    pub question: Question,
}

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiver {
    /// The connection of a running app that listens.
    Delegate(ClientId),
    /// The app's extension, which is started if it is not there. It may run this long.
    Extension {
        /// Milliseconds that are left of its day.
        budget_ms: u64,
    },
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Which downloads are wanted. Extensions only.
    Downloads {
        /// Why it is asked.
        request: ContentRequest,
        /// The download of the manifest.
        manifest: DownloadId,
        /// The group in whose container the manifest lies.
        group: AppGroupId,
        /// The manifest's file name.
        file_name: String,
        /// What limits the answer.
        info: AppExtensionInfo,
    },
    /// Which of these packs are wanted. Extensions only.
    ShouldDownload {
        /// Why it is asked.
        request: ContentRequest,
        /// The packs.
        packs: Vec<CatalogPack>,
    },
    /// What to tell a server.
    Challenge {
        /// The download.
        download: UrlDownload,
        /// What the server asks.
        challenge: DownloadChallenge,
    },
    /// A download failed.
    Failed {
        /// The download.
        download: UrlDownload,
        /// Why.
        failure: Failure,
    },
    /// A download arrived.
    Finished {
        /// Its number.
        id: DownloadId,
        /// The download.
        download: UrlDownload,
        /// The name of its file.
        file_name: String,
    },
}

/// Why an extension is ended by the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExtensionEnd {
    /// Its app is removed.
    AppRemoved,
    /// Its app is replaced by another version.
    AppUpdated,
    /// The installation has ended: whatever it holds in memory goes with it. `Spec: concepts 4.1`.
    InstallationDone,
    /// Background activity was switched off, or the device saves power.
    NotAllowed,
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
    /// Read the plain download manifest, and the index of every archive in it that is not known. Ends with
    /// [`ManifestRead`](crate::Event::ManifestRead) or [`CatalogFailed`](crate::Event::CatalogFailed).
    ReadManifest {
        /// The app.
        app: AppId,
        /// Address of the manifest.
        url: String,
        /// What the installation allows.
        trust: Trust,
        /// What is offered now: an archive that is listed as one of these need not be looked at again.
        known: Vec<ArchivedOffer>,
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
    /// Fetch a single file and put it where it is handed over. The archive of a pack is compared with its own index, and the version
    /// built in its place, before. Ends with [`FileFetched`](crate::Event::FileFetched), [`ArchiveFetched`](crate::Event::ArchiveFetched),
    /// [`TransferFailed`](crate::Event::TransferFailed) or [`Stopped`](crate::Event::Stopped).
    FetchFile(Box<FileTransfer>),
    /// Remove what is left of a single file: its parts, and the file if nobody has moved it. Ends with
    /// [`Removed`](crate::Event::Removed) or [`RemovalFailed`](crate::Event::RemovalFailed).
    DiscardFile {
        /// The app.
        app: AppId,
        /// The download.
        download: DownloadId,
        /// The group in whose container it was handed over.
        group: AppGroupId,
    },
    /// Remove an app's registration, its copied files, its staging folder, its trust, and every installed version but
    /// these. Ends with [`Removed`](crate::Event::Removed) or [`RemovalFailed`](crate::Event::RemovalFailed).
    RemoveAppData {
        /// The app.
        app: AppId,
        /// Versions that stay.
        keep: Vec<(PackId, LocalVersion)>,
        /// Groups that nobody belongs to any more: what their members shared goes.
        groups: Vec<AppGroupId>,
    },
}

/// A pack as its archive describes it, and where that lies. Only the connection vouches for it. `Spec: packs 4.1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedOffer {
    /// The pack.
    pub pack: CatalogPack,
    /// Address of the archive.
    pub archive: String,
}

/// Where a version is fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Supply {
    /// A repository, at this address; its catalog, which names the version, is signed.
    Repository(String),
    /// The archive of the version, at this address.
    Archive(String),
}

/// A single file on its way to the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTransfer {
    /// The download.
    pub download: DownloadId,
    /// The app.
    pub app: AppId,
    /// What is asked for.
    pub request: UrlDownload,
    /// The name that the file gets.
    pub file_name: String,
    /// What the installation allows.
    pub trust: Trust,
    /// The most bytes to take, and what says so.
    pub limit: FileLimit,
    /// Where it may be redirected to; none when nothing limits that.
    pub restrictions: Option<InitialDownloadRestrictions>,
    /// Whether a failure is told at once instead of being tried again: essential and foreground downloads do not wait long.
    pub class: Class,
    /// If it is the archive of a pack: the version to build upon.
    pub local: Option<LocalVersion>,
}

/// The most bytes that a single file may have, and what says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileLimit {
    /// It has exactly this size.
    Exactly(u64),
    /// What is left of the allowance before the first launch. `Spec: concepts 14`, error 204.
    Allowance(u64),
    /// What the service takes at most.
    Service(u64),
}

/// A version on its way to the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The download.
    pub download: DownloadId,
    /// The app.
    pub app: AppId,
    /// Where it is fetched from.
    pub supply: Supply,
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
    /// It is on record, or was so already.
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
