//! The delegate of the process.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use headstart::downloads::{ChallengeAnswer, DownloadChallenge, FinishedFile, WriteProgress};

use super::DownloadManagerEvent as Event;
use super::{Download, DownloadManagerDelegate, DownloadSnapshot, Inner};
use crate::error::Result;
use crate::extension::{AuthenticationChallenge, answer, file_url};
use crate::stream::{EventStream, Events, Slot};

/// What the delegate of the process heard.
pub type DownloadManagerEventStream = EventStream<Event>;

static SLOT: Slot = Slot::new(None);

/// Makes `handler` hear of the app's downloads until the stream is dropped or another takes its
/// place. If it panics at what fails or arrives, it is told the same again.
///
/// # Errors
/// When this process is no app, or the service cannot be had.
pub fn install_global_download_manager_delegate<H: DownloadManagerDelegate>(
    handler: H,
    capacity: usize,
) -> Result<DownloadManagerEventStream> {
    let events = Events::new(capacity);
    let adapter = Adapter { handler, events: events.clone() };
    let registration = Inner::shared()?.set_delegate(adapter)?;
    Ok(events.register(&SLOT, registration))
}

struct Adapter<H> {
    handler: H,
    events: Events<Event>,
}

impl<H: DownloadManagerDelegate> Adapter<H> {
    /// The event is delivered in any case. Who called contains a panic, and acknowledges nothing then.
    fn tell(&mut self, event: Event) {
        let handler = &mut self.handler;
        let told = catch_unwind(AssertUnwindSafe(|| match &event {
            Event::Began { download } => handler.download_did_begin(download),
            Event::Paused { download } => handler.download_did_pause(download),
            Event::Progress { download, progress } => {
                handler.download_did_write_bytes(download, progress);
            }
            Event::Failed { download, error } => handler.download_failed(download, error),
            Event::Finished { download, file_url } => handler.download_finished(download, file_url),
            Event::ChallengeRequested { .. } => {}
        }));
        self.events.push(event);
        told.unwrap_or_else(|panic| resume_unwind(panic));
    }
}

impl<H: DownloadManagerDelegate> headstart::DownloadManagerDelegate for Adapter<H> {
    fn download_did_begin(&mut self, download: &headstart::Download) {
        self.tell(Event::Began { download: snapshot(download) });
    }

    fn download_did_pause(&mut self, download: &headstart::Download) {
        self.tell(Event::Paused { download: snapshot(download) });
    }

    fn download_did_write_bytes(&mut self, download: &headstart::Download, it: &WriteProgress) {
        self.tell(Event::Progress { download: snapshot(download), progress: (*it).into() });
    }

    fn download_did_receive_challenge(
        &mut self,
        download: &headstart::Download,
        asked: &DownloadChallenge,
    ) -> ChallengeAnswer {
        let (download, challenge) = (snapshot(download), AuthenticationChallenge::from(asked));
        let ask = || self.handler.did_receive_challenge(&download, &challenge);
        let disposition = catch_unwind(AssertUnwindSafe(ask)).unwrap_or_default();
        self.events.push(Event::ChallengeRequested { download, challenge, disposition });
        answer(disposition, asked)
    }

    fn download_failed(&mut self, download: &headstart::Download, error: &headstart::Error) {
        self.tell(Event::Failed { download: snapshot(download), error: error.into() });
    }

    fn download_finished(&mut self, download: &headstart::Download, file: &FinishedFile) {
        self.tell(Event::Finished {
            download: snapshot(download),
            file_url: file_url(file.path()),
        });
    }
}

fn snapshot(download: &headstart::Download) -> DownloadSnapshot {
    Download::new(download.clone()).snapshot()
}
