//! Work for the performer.

use headstart_model::app_bundle::InitialDownloadRestrictions;
use headstart_model::catalog::CatalogPack;
use headstart_model::download::UrlDownload;
use headstart_model::{AppGroupId, AppId, ChannelName, PackId, ReleaseNumber};

use crate::class::Class;
use crate::id::DownloadId;
use crate::record::{Bundle, LocalVersion, Repository, ServerAccess, SwitchItem, Trust};

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
        /// The repository.
        repository: Repository,
        /// The channel.
        channel: ChannelName,
        /// How it is reached.
        access: ServerAccess,
        /// The release that is held.
        held: Option<ReleaseNumber>,
    },
    /// Read the plain download manifest, and the index of every archive in it that is not known. Ends with
    /// [`ManifestRead`](crate::Event::ManifestRead), [`CatalogUnchanged`](crate::Event::CatalogUnchanged) or
    /// [`CatalogFailed`](crate::Event::CatalogFailed).
    ReadManifest {
        /// The app.
        app: AppId,
        /// Address of the manifest.
        url: String,
        /// How it and the archives are reached.
        access: ServerAccess,
        /// What is offered now: an archive that is listed as one of these need not be looked at again.
        known: Vec<ArchivedOffer>,
        /// What the server called the manifest that all of this comes from: it need not be read again.
        held: Option<String>,
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
    /// A repository; its catalog, which names the version, is signed.
    Repository(Repository),
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
    /// How that is reached.
    pub access: ServerAccess,
    /// The version to fetch.
    pub target: Box<CatalogPack>,
    /// The version to build upon.
    pub local: Option<LocalVersion>,
    /// What the app has of other packs, the largest first: content may have moved from one pack to another.
    pub beside: Vec<(PackId, LocalVersion)>,
    /// The class, as it is now.
    pub class: Class,
}
