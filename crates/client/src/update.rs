//! What happens to downloads, told to an app.

use headstart_model::PackId;
use headstart_model::protocol::packs::{Cancel, StatusUpdate, StatusUpdateEvent, Withheld};
use headstart_model::protocol::{Progress, Reason};

use crate::error::Error;
use crate::link::Caller;
use crate::{AssetPack, interrupt::Interrupt};

/// Something that happened to the download of a pack. `Spec: concepts 5.4`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum DownloadStatusUpdate {
    /// It began, or went on after a pause.
    Began(AssetPack),
    /// It waits, for these reasons. `Ours:` the specification leaves the reasons out.
    Paused(AssetPack, Vec<Reason>),
    /// Bytes arrived.
    Downloading(AssetPack, DownloadProgress),
    /// The pack can be read.
    Finished(AssetPack),
    /// The download ended without the pack; of kind `cancelled` when somebody cancelled it.
    Failed(AssetPack, Error),
    /// This program reads too slowly, and that many updates were dropped, conclusions of downloads
    /// among them: ask for the states anew. `Ours:` what waits for a program is bounded.
    Missed(u64),
}

impl DownloadStatusUpdate {
    /// The pack that it happened to; none for missed updates.
    #[must_use]
    pub const fn asset_pack(&self) -> Option<&AssetPack> {
        match self {
            Self::Began(pack)
            | Self::Paused(pack, _)
            | Self::Downloading(pack, _)
            | Self::Finished(pack)
            | Self::Failed(pack, _) => Some(pack),
            Self::Missed(_) => None,
        }
    }

    /// What an event says; none for one that says nothing to an app.
    pub(crate) fn of_event(event: StatusUpdateEvent, caller: &Caller) -> Option<Self> {
        match event {
            StatusUpdateEvent::Update(update) => Self::of_update(update, caller),
            StatusUpdateEvent::Lost { count } => Some(Self::Missed(count)),
            _ => None,
        }
    }

    fn of_update(update: StatusUpdate, caller: &Caller) -> Option<Self> {
        match update {
            StatusUpdate::Began { pack } => Some(Self::Began(AssetPack::new(pack))),
            StatusUpdate::Paused { pack, reasons } => {
                Some(Self::Paused(AssetPack::new(pack), reasons))
            }
            StatusUpdate::Downloading { pack, progress } => {
                // Cancelling must not be ended by whatever ends this stream.
                let caller = caller.with(Interrupt::default());
                let progress = DownloadProgress { pack: pack.id.clone(), progress, caller };
                Some(Self::Downloading(AssetPack::new(pack), progress))
            }
            StatusUpdate::Finished { pack } => Some(Self::Finished(AssetPack::new(pack))),
            StatusUpdate::Failed { pack, failure } => {
                Some(Self::Failed(AssetPack::new(pack), failure.into()))
            }
            _ => None,
        }
    }
}

/// How far a download is, and the handle to cancel it.
#[derive(Debug, Clone)]
pub struct DownloadProgress {
    pack: PackId,
    progress: Progress,
    caller: Caller,
}

impl DownloadProgress {
    /// Bytes that arrived.
    #[must_use]
    pub const fn bytes_done(&self) -> u64 {
        self.progress.bytes_done
    }

    /// Bytes in all.
    #[must_use]
    pub const fn bytes_total(&self) -> u64 {
        self.progress.bytes_total
    }

    /// Bytes that arrived in a second, over the last seconds.
    #[must_use]
    pub const fn bytes_per_second(&self) -> u64 {
        self.progress.bytes_per_second
    }

    /// Seconds until it is done; none when nobody can tell.
    #[must_use]
    pub const fn eta_seconds(&self) -> Option<u64> {
        self.progress.eta_seconds
    }

    /// The share that is done, 0 to 1; never falls.
    #[must_use]
    pub const fn fraction(&self) -> f64 {
        self.progress.fraction
    }

    /// Cancels the download, whoever asked for it; it then ends with
    /// [`DownloadStatusUpdate::Failed`] of kind `cancelled`.
    ///
    /// Returns at once and may be called at any time and any number of times: a download that has
    /// ended stays as it ended. Who wants to know that the service has heard it calls
    /// [`AssetPackManager::cancel`](crate::AssetPackManager::cancel).
    pub fn cancel(&self) {
        let (caller, pack) = (self.caller.clone(), self.pack.clone());
        let app = caller.on_behalf_of();
        // A service that is gone downloads nothing.
        ::blocking::unblock(move || drop(caller.call(&Cancel { app, pack }))).detach();
    }
}

/// What [`check_for_updates`](crate::AssetPackManager::check_for_updates) began. `Spec: api 2`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpdateCheck {
    /// Packs that are being updated, by id.
    pub updating: Vec<String>,
    /// Packs that were removed because they are offered no longer, by id.
    pub removed: Vec<String>,
    /// Packs that stay as they are, because the newest version is for other versions of the app.
    pub withheld: Vec<Withheld>,
}
