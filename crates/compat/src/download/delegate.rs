//! The delegate of the process.

use headstart::downloads::DownloadEvent;
use headstart::recent::{Place, Recorder, channel};

use super::DownloadManagerEvent as Event;
use super::{Download, DownloadManagerDelegate, Inner};
use crate::error::Result;
use crate::extension::install::{answer, contained};
use crate::extension::{ChallengeDisposition, file_url};
use crate::stream::EventStream;

/// What the delegate of the process heard.
pub type DownloadManagerEventStream = EventStream<Event>;

static PLACE: Place = Place::new();

/// Makes `handler` hear of the app's downloads until the stream is dropped or another takes its
/// place. If it panics at what fails or arrives, it is told the same again.
///
/// # Errors
/// When this process is no app, or the service cannot be had.
pub fn install_global_download_manager_delegate<H: DownloadManagerDelegate>(
    mut handler: H,
    capacity: usize,
) -> Result<DownloadManagerEventStream> {
    let (heard, events) = channel(capacity);
    let listen = move |event| tell(&mut handler, &heard, event);
    let listening = Inner::shared()?.listen(listen)?;
    Ok(EventStream::new(PLACE.give(events.keep(listening)), None))
}

/// What is dropped, because the handler panicked, is told again.
fn tell(handler: &mut impl DownloadManagerDelegate, heard: &Recorder<Event>, told: DownloadEvent) {
    let Some(download) = told.download() else { return };
    let download = Download(download.clone()).snapshot();
    let mut event = match &told {
        DownloadEvent::Began(_) => Event::Began { download },
        DownloadEvent::Paused(_) => Event::Paused { download },
        DownloadEvent::Progress(_, it) => Event::Progress { download, progress: (*it).into() },
        DownloadEvent::Challenged(it) => {
            let (challenge, disposition) = (it.challenge().into(), ChallengeDisposition::default());
            Event::ChallengeRequested { download, challenge, disposition }
        }
        DownloadEvent::Failed(it) => Event::Failed { download, error: it.error().clone().into() },
        DownloadEvent::Finished(it) => {
            Event::Finished { download, file_url: file_url(it.file().path()) }
        }
        _ => return,
    };
    let dealt_with = contained(|| match &mut event {
        Event::Began { download } => handler.download_did_begin(download),
        Event::Paused { download } => handler.download_did_pause(download),
        Event::Progress { download, progress } => {
            handler.download_did_write_bytes(download, progress);
        }
        Event::ChallengeRequested { download, challenge, disposition } => {
            *disposition = handler.did_receive_challenge(download, challenge);
        }
        Event::Failed { download, error } => handler.download_failed(download, error),
        Event::Finished { download, file_url } => handler.download_finished(download, file_url),
    });
    heard.push(event.clone());
    // What the service does not hear now it asks again, and the library acknowledges it then.
    let _acknowledged = match (told, &event) {
        (DownloadEvent::Challenged(asked), Event::ChallengeRequested { disposition, .. }) => {
            let answer = answer(*disposition, asked.challenge());
            asked.answer_blocking(answer)
        }
        (told, _) if dealt_with.is_some() => told.acknowledge_blocking(),
        _ => Ok(()),
    };
}
