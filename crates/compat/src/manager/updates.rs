//! Streams of what happens to downloads of packs.

use headstart::DownloadStatusUpdate as Update;
use headstart::recent::{Place, Recent, channel};

use super::{
    AssetPackManager, DownloadProgress, DownloadStatusUpdate, Inner,
    ManagedAssetPackDownloadDelegate, ManagedAssetPackDownloadEvent,
};
use crate::asset_pack::{AssetPack, signed};
use crate::error::Result;
use crate::stream::EventStream;

/// What happens to downloads.
pub type DownloadStatusStream = EventStream<DownloadStatusUpdate>;
/// What the delegate of the process heard.
pub type ManagedAssetPackDownloadEventStream = EventStream<ManagedAssetPackDownloadEvent>;

static PLACE: Place = Place::new();

impl AssetPackManager {
    /// What happens to the downloads of all packs, from now on.
    ///
    /// # Errors
    /// When the service cannot be had.
    pub fn status_updates(&self, capacity: usize) -> Result<DownloadStatusStream> {
        self.updates(None, capacity)
    }

    /// What happens to the download of one pack, until it has concluded.
    ///
    /// # Errors
    /// When there is no such pack, or the service cannot be had.
    pub fn status_updates_for_asset_pack(
        &self,
        asset_pack_id: &str,
        capacity: usize,
    ) -> Result<DownloadStatusStream> {
        self.updates(Some(asset_pack_id), capacity)
    }

    fn updates(&self, pack: Option<&str>, capacity: usize) -> Result<DownloadStatusStream> {
        let updates = listen(&self.0, pack, capacity, |_| ())?;
        Ok(EventStream::new(updates, None))
    }
}

impl DownloadStatusUpdate {
    /// None for what the original has no word for.
    fn of(update: Update) -> Option<Self> {
        let asset_pack = AssetPack(update.asset_pack()?.clone()).snapshot();
        Some(match update {
            Update::Began(_) => Self::Began { asset_pack },
            Update::Paused(..) => Self::Paused { asset_pack },
            Update::Downloading(_, it) => {
                let progress = DownloadProgress {
                    completed_unit_count: signed(it.bytes_done()),
                    total_unit_count: signed(it.bytes_total()),
                    fraction_completed: it.fraction(),
                    localized_description: format!("{:.0} %", it.fraction() * 100.0),
                };
                Self::Downloading { asset_pack, progress }
            }
            Update::Finished(_) => Self::Finished { asset_pack },
            Update::Failed(_, error) => Self::Failed { asset_pack, error: error.into() },
            _ => return None,
        })
    }
}

/// Has every update put among the events and told.
fn listen(
    manager: &Inner,
    pack: Option<&str>,
    capacity: usize,
    mut tell: impl FnMut(&DownloadStatusUpdate) + Send + 'static,
) -> Result<Recent<DownloadStatusUpdate>> {
    let (heard, updates) = channel(capacity);
    let listening = manager.listen(pack, move |update| {
        let Some(update) = DownloadStatusUpdate::of(update) else { return };
        // The event is delivered in any case; who called contains a panic.
        heard.push(update.clone());
        tell(&update);
    })?;
    Ok(updates.keep(listening))
}

/// Makes `handler` hear of the downloads of all packs until the stream is dropped or another takes
/// its place.
///
/// # Errors
/// When this process is no app, or the service cannot be had.
pub fn install_global_managed_asset_pack_download_delegate<H: ManagedAssetPackDownloadDelegate>(
    mut handler: H,
    capacity: usize,
) -> Result<ManagedAssetPackDownloadEventStream> {
    let updates = listen(&Inner::shared()?, None, capacity, move |it| tell(&mut handler, it))?;
    Ok(EventStream::new(PLACE.give(updates), None))
}

fn tell(handler: &mut impl ManagedAssetPackDownloadDelegate, update: &DownloadStatusUpdate) {
    use DownloadStatusUpdate as Update;

    match update {
        Update::Began { asset_pack } => handler.download_of_asset_pack_began(asset_pack),
        Update::Paused { asset_pack } => handler.download_of_asset_pack_paused(asset_pack),
        Update::Downloading { asset_pack, progress } => {
            handler.download_of_asset_pack_has_progress(asset_pack, progress);
        }
        Update::Finished { asset_pack } => handler.download_of_asset_pack_finished(asset_pack),
        Update::Failed { asset_pack, error } => {
            handler.download_of_asset_pack_failed(asset_pack, error);
        }
    }
}
