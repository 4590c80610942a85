//! What happens to single downloads, as events.

use headstart_model::download::{DownloadStatus, UrlDownload};
use headstart_model::protocol::downloads::{
    ChallengeAnswer, DelegateEvent, DownloadChallenge, WriteProgress,
};

use super::callback::{Callback, DealtWith, End};
use crate::Download;
use crate::downloads::FinishedFile;
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::link::Caller;

/// Something that happened to a download of the app or its extension: what a
/// [`DownloadManagerDelegate`](crate::DownloadManagerDelegate) hears.
#[derive(Debug)]
#[non_exhaustive]
pub enum DownloadEvent {
    /// Bytes begin to move, or move again.
    Began(Download),
    /// It waits.
    Paused(Download),
    /// Bytes arrived.
    Progress(Download, WriteProgress),
    /// A server asks for a credential; the transfer waits for the answer.
    Challenged(ChallengedDownload),
    /// It failed, or was cancelled. Leaving it unacknowledged, as a `_ => {}` does, holds back every end that follows.
    Failed(FailedDownload),
    /// It arrived.
    Finished(FinishedDownload),
    /// This program reads too slowly, and that many events that need no answer were lost.
    Missed(u64),
}

/// A download that arrived. Until it is [acknowledged](Self::acknowledge) its file is kept, this stream is told of no other end,
/// and who listens next is told it again.
#[derive(Debug)]
#[must_use = "until it is acknowledged nothing else that ends is told, and it is told again to who listens next"]
pub struct FinishedDownload {
    download: Download,
    file: FinishedFile,
    callback: Callback,
}

impl FinishedDownload {
    /// The download.
    #[must_use]
    pub const fn download(&self) -> &Download {
        &self.download
    }

    /// Its file: who wants to keep it [moves](FinishedFile::move_to) it first.
    #[must_use]
    pub const fn file(&self) -> &FinishedFile {
        &self.file
    }

    /// Says that the file has been dealt with: one that is still there is deleted.
    ///
    /// # Errors
    /// Of kind `unavailable` when the service cannot be had, `conflict` (`notAsked`) when this does not
    /// count, because the service was started anew meanwhile or the events that told it were dropped:
    /// the same is told again, and its [unique identifier](Download::unique_identifier) tells the
    /// repetition.
    pub async fn acknowledge(self) -> Result<(), Error> {
        self.callback.acknowledge(None).await
    }

    /// As [`acknowledge`](Self::acknowledge), waiting.
    ///
    /// # Errors
    /// As [`acknowledge`](Self::acknowledge).
    pub fn acknowledge_blocking(self) -> Result<(), Error> {
        self.callback.acknowledge_blocking(None)
    }
}

/// A download that failed. Until it is [acknowledged](Self::acknowledge) this stream is told of no other end, and who listens
/// next is told it again: a program that does not care why acknowledges it all the same.
#[derive(Debug)]
#[must_use = "until it is acknowledged nothing else that ends is told, and it is told again to who listens next"]
pub struct FailedDownload {
    download: Download,
    error: Error,
    callback: Callback,
}

impl FailedDownload {
    /// The download.
    #[must_use]
    pub const fn download(&self) -> &Download {
        &self.download
    }

    /// Why; of kind `cancelled` when somebody cancelled it.
    #[must_use]
    pub const fn error(&self) -> &Error {
        &self.error
    }

    /// Says that the failure has been dealt with.
    ///
    /// # Errors
    /// As [`FinishedDownload::acknowledge`].
    pub async fn acknowledge(self) -> Result<(), Error> {
        self.callback.acknowledge(None).await
    }

    /// As [`acknowledge`](Self::acknowledge), waiting.
    ///
    /// # Errors
    /// As [`acknowledge`](Self::acknowledge).
    pub fn acknowledge_blocking(self) -> Result<(), Error> {
        self.callback.acknowledge_blocking(None)
    }
}

/// A download whose server asks for a credential.
#[derive(Debug)]
#[must_use = "the transfer waits for the answer"]
pub struct ChallengedDownload {
    download: Download,
    challenge: DownloadChallenge,
    callback: Callback,
}

impl ChallengedDownload {
    /// The download.
    #[must_use]
    pub const fn download(&self) -> &Download {
        &self.download
    }

    /// What the server asks.
    #[must_use]
    pub const fn challenge(&self) -> &DownloadChallenge {
        &self.challenge
    }

    /// Answers.
    ///
    /// # Errors
    /// As [`FinishedDownload::acknowledge`]; `notAsked` also when the transfer waits no longer.
    pub async fn answer(self, answer: ChallengeAnswer) -> Result<(), Error> {
        self.callback.acknowledge(Some(answer)).await
    }

    /// As [`answer`](Self::answer), waiting.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub fn answer_blocking(self, answer: ChallengeAnswer) -> Result<(), Error> {
        self.callback.acknowledge_blocking(Some(answer))
    }
}

impl DownloadEvent {
    /// The download that it happened to; none for missed events.
    #[must_use]
    pub const fn download(&self) -> Option<&Download> {
        match self {
            Self::Began(download) | Self::Paused(download) | Self::Progress(download, _) => {
                Some(download)
            }
            Self::Challenged(challenged) => Some(&challenged.download),
            Self::Failed(failed) => Some(&failed.download),
            Self::Finished(finished) => Some(&finished.download),
            Self::Missed(_) => None,
        }
    }

    /// Says that this has been dealt with, whatever it is: an end is acknowledged, a question gets
    /// [default handling](ChallengeAnswer::PerformDefaultHandling), and the rest needs nothing. For
    /// the events that a program does not care about.
    ///
    /// # Errors
    /// As [`FinishedDownload::acknowledge`].
    pub async fn acknowledge(self) -> Result<(), Error> {
        match self.into_callback() {
            Some((callback, answer)) => callback.acknowledge(answer).await,
            None => Ok(()),
        }
    }

    /// As [`acknowledge`](Self::acknowledge), waiting.
    ///
    /// # Errors
    /// As [`acknowledge`](Self::acknowledge).
    pub fn acknowledge_blocking(self) -> Result<(), Error> {
        match self.into_callback() {
            Some((callback, answer)) => callback.acknowledge_blocking(answer),
            None => Ok(()),
        }
    }

    fn into_callback(self) -> Option<(Callback, Option<ChallengeAnswer>)> {
        match self {
            Self::Challenged(asked) => {
                Some((asked.callback, Some(ChallengeAnswer::PerformDefaultHandling)))
            }
            Self::Failed(failed) => Some((failed.callback, None)),
            Self::Finished(finished) => Some((finished.callback, None)),
            _ => None,
        }
    }

    /// What an event of the service says in a stream; none for one that says nothing to an app.
    pub(crate) fn in_stream(event: DelegateEvent, caller: &Caller) -> Option<Self> {
        Self::of(event, |number, _| Callback::new(caller, number))
    }

    /// The same for a closure, to which what it drops is told again when `again` has interrupted. What
    /// it has dealt with is acknowledged, and not told twice.
    pub(crate) fn to_listener(
        event: DelegateEvent,
        caller: &Caller,
        dealt_with: &DealtWith,
        again: &Interrupt,
    ) -> Option<Self> {
        let event = Self::of(event, |number, end| {
            Callback::new(caller, number).heard_by(end, dealt_with, again)
        })?;
        if !event.is_dealt_with() {
            return Some(event);
        }
        // What fails here is told once more.
        let _acknowledged = event.acknowledge_blocking();
        None
    }

    fn is_dealt_with(&self) -> bool {
        match self {
            Self::Failed(failed) => failed.callback.is_dealt_with(),
            Self::Finished(finished) => finished.callback.is_dealt_with(),
            _ => false,
        }
    }

    fn of(event: DelegateEvent, callback: impl Fn(u64, Option<End>) -> Callback) -> Option<Self> {
        let moving = |download| Download::in_state(download, DownloadStatus::Downloading);
        let end = |what, download: &UrlDownload| Some((what, download.unique_identifier.clone()));
        Some(match event {
            DelegateEvent::Began { download } => Self::Began(moving(download)),
            DelegateEvent::Paused { download } => {
                Self::Paused(Download::in_state(download, DownloadStatus::Waiting))
            }
            DelegateEvent::Progress { download, progress } => {
                Self::Progress(moved(download, progress), progress)
            }
            DelegateEvent::Challenged { callback: number, download, challenge } => {
                let (download, callback) = (moving(download), callback(number, None));
                Self::Challenged(ChallengedDownload { download, challenge, callback })
            }
            DelegateEvent::Failed { callback: number, download, failure } => {
                Self::Failed(FailedDownload {
                    callback: callback(number, end("failed", &download)),
                    download: Download::in_state(download, DownloadStatus::Failed),
                    error: failure.into(),
                })
            }
            DelegateEvent::Finished { callback: number, download, file } => {
                Self::Finished(FinishedDownload {
                    callback: callback(number, end("finished", &download)),
                    download: Download::in_state(download, DownloadStatus::Finished),
                    file: FinishedFile::new(file),
                })
            }
            DelegateEvent::Lost { count } => Self::Missed(count),
            _ => return None,
        })
    }
}

/// The download after bytes arrived.
fn moved(download: UrlDownload, progress: WriteProgress) -> Download {
    Download::at(download, progress.total_bytes_written, progress.total_bytes_expected)
}
