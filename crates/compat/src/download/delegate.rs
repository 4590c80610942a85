//! The delegate of the process.

use headstart::downloads::{ChallengeAnswer, DownloadChallenge, FinishedFile, WriteProgress};

use super::{DownloadManager, DownloadManagerDelegate, DownloadManagerEvent};
use crate::error::BackgroundAssetsError;
use crate::extension::{AuthenticationChallenge, answer, file_url};
use crate::stream::{EventStream, Events, Slot};

/// What the delegate of the process heard.
pub type DownloadManagerEventStream = EventStream<DownloadManagerEvent>;

static SLOT: Slot = Slot::new();

/// Makes `handler` hear of the app's downloads until the stream is dropped or another takes its
/// place.
///
/// # Errors
/// When this process is no app, or the service cannot be had.
pub fn install_global_download_manager_delegate<H: DownloadManagerDelegate>(
    handler: H,
    capacity: usize,
) -> Result<DownloadManagerEventStream, BackgroundAssetsError> {
    let events = Events::new(capacity);
    let adapter = Adapter { handler, events: events.clone() };
    let registration = DownloadManager::of_process()?.inner.set_delegate(adapter)?;
    let closing = events.clone();
    let id = SLOT.install(move || {
        drop(registration);
        closing.close();
    });
    Ok(events.stream(move || SLOT.remove(id)))
}

struct Adapter<H> {
    handler: H,
    events: Events<DownloadManagerEvent>,
}

impl<H: DownloadManagerDelegate> headstart::DownloadManagerDelegate for Adapter<H> {
    fn download_did_begin(&mut self, download: &headstart::Download) {
        let download = download.into();
        self.handler.download_did_begin(&download);
        self.events.push(DownloadManagerEvent::Began { download });
    }

    fn download_did_pause(&mut self, download: &headstart::Download) {
        let download = download.into();
        self.handler.download_did_pause(&download);
        self.events.push(DownloadManagerEvent::Paused { download });
    }

    fn download_did_write_bytes(&mut self, download: &headstart::Download, it: &WriteProgress) {
        let (download, progress) = (download.into(), (*it).into());
        self.handler.download_did_write_bytes(&download, &progress);
        self.events.push(DownloadManagerEvent::Progress { download, progress });
    }

    fn download_did_receive_challenge(
        &mut self,
        download: &headstart::Download,
        asked: &DownloadChallenge,
    ) -> ChallengeAnswer {
        let (download, challenge) = (download.into(), AuthenticationChallenge::from(asked));
        let disposition = self.handler.did_receive_challenge(&download, &challenge);
        let event = DownloadManagerEvent::ChallengeRequested { download, challenge, disposition };
        self.events.push(event);
        answer(disposition, asked)
    }

    fn download_failed(&mut self, download: &headstart::Download, error: &headstart::Error) {
        let (download, error) = (download.into(), error.into());
        self.handler.download_failed(&download, &error);
        self.events.push(DownloadManagerEvent::Failed { download, error });
    }

    fn download_finished(&mut self, download: &headstart::Download, file: &FinishedFile) {
        let (download, file_url) = (download.into(), file_url(file.path()));
        self.handler.download_finished(&download, &file_url);
        self.events.push(DownloadManagerEvent::Finished { download, file_url });
    }
}
