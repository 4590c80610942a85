//! Who hears of an app's downloads.

use headstart_model::protocol::downloads::{ChallengeAnswer, DownloadChallenge, WriteProgress};

use crate::Download;
use crate::downloads::{DownloadEvent, FinishedFile};
use crate::error::Error;

mod attendant;
mod registration;

pub(crate) use attendant::{attending, register};
pub use registration::DelegateRegistration;

/// Hears of the app's downloads while the app runs; without one the app's extension hears it.
/// `Spec: concepts 11`, `BADownloadManagerDelegate`.
///
/// One call at a time, on a thread of its own. Of all downloads of the app and its extension, also
/// those of earlier runs: [`Download::identifier`] tells them apart. What fails or arrives is
/// acknowledged when the method returns; if it panics, that is contained, nothing is acknowledged,
/// and the same is told again. `Ours:` the original says nothing of a delegate that fails.
#[expect(unused_variables, reason = "the names of parameters document the methods")]
pub trait DownloadManagerDelegate: Send + 'static {
    /// Bytes begin to move, or move again.
    fn download_did_begin(&mut self, download: &Download) {}

    /// It waits.
    fn download_did_pause(&mut self, download: &Download) {}

    /// Bytes arrived.
    fn download_did_write_bytes(&mut self, download: &Download, progress: &WriteProgress) {}

    /// A server asks for a credential; the transfer waits for the answer.
    fn download_did_receive_challenge(
        &mut self,
        download: &Download,
        challenge: &DownloadChallenge,
    ) -> ChallengeAnswer {
        ChallengeAnswer::PerformDefaultHandling
    }

    /// It failed, or was cancelled.
    fn download_failed(&mut self, download: &Download, error: &Error) {}

    /// It arrived. The file is deleted when this returns: who wants to keep it
    /// [moves](FinishedFile::move_to) it before.
    fn download_finished(&mut self, download: &Download, file: &FinishedFile) {}

    /// This delegate was too slow, and that many news that need no answer were lost. `Ours:` what
    /// waits for a program is bounded.
    fn events_missed(&mut self, count: u64) {}
}

/// Has `delegate` deal with an event. What the service cannot be told now it tells again, and that is
/// acknowledged then; see [`attendant`].
pub(crate) fn tell(delegate: &mut impl DownloadManagerDelegate, event: DownloadEvent) {
    match &event {
        DownloadEvent::Began(download) => delegate.download_did_begin(download),
        DownloadEvent::Paused(download) => delegate.download_did_pause(download),
        DownloadEvent::Progress(download, progress) => {
            delegate.download_did_write_bytes(download, progress);
        }
        DownloadEvent::Failed(failed) => {
            delegate.download_failed(failed.download(), failed.error());
        }
        DownloadEvent::Finished(finished) => {
            delegate.download_finished(finished.download(), finished.file());
        }
        DownloadEvent::Missed(count) => delegate.events_missed(*count),
        DownloadEvent::Challenged(_) => {}
    }
    let _acknowledged = match event {
        DownloadEvent::Challenged(asked) => {
            let (download, challenge) = (asked.download(), asked.challenge());
            let answer = delegate.download_did_receive_challenge(download, challenge);
            asked.answer_blocking(answer)
        }
        event => event.acknowledge_blocking(),
    };
}
