//! Streams of what happens to downloads of packs.

use headstart::Listening;

use super::{
    AssetPackManager, DownloadStatusUpdate, Inner, ManagedAssetPackDownloadDelegate,
    ManagedAssetPackDownloadEvent,
};
use crate::error::Result;
use crate::stream::{EventStream, Events, Slot};

/// What happens to downloads.
pub type DownloadStatusStream = EventStream<DownloadStatusUpdate>;
/// What the delegate of the process heard.
pub type ManagedAssetPackDownloadEventStream = EventStream<ManagedAssetPackDownloadEvent>;

static SLOT: Slot = Slot::new(None);

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
        let events = Events::new(capacity);
        let listening = listen(&self.inner, pack, events.clone(), |_| ())?;
        Ok(events.stream(|| drop(listening)))
    }
}

/// Has every update put among the events and told.
fn listen(
    manager: &Inner,
    pack: Option<&str>,
    events: Events<DownloadStatusUpdate>,
    mut tell: impl FnMut(&DownloadStatusUpdate) + Send + 'static,
) -> Result<Listening> {
    Ok(manager.listen(pack, move |update| {
        let Some(update) = DownloadStatusUpdate::of(update) else { return };
        // The event is delivered in any case; who called contains a panic.
        events.push(update.clone());
        tell(&update);
    })?)
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
    let events = Events::new(capacity);
    let listening = listen(&Inner::shared()?, None, events.clone(), move |update| {
        tell(&mut handler, update);
    })?;
    Ok(events.register(&SLOT, listening))
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
