//! What happens to single downloads, as events.

use headstart_model::download::{DownloadStatus, UrlDownload};
use headstart_model::protocol::downloads::{
    Acknowledge, ChallengeAnswer, DelegateEvent, DownloadChallenge, WriteProgress,
};

use crate::Download;
use crate::downloads::FinishedFile;
use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::link::Caller;
use crate::run::run;

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

/// What has to be acknowledged.
#[derive(Debug)]
struct Callback {
    caller: Caller,
    number: u64,
}

impl Callback {
    async fn acknowledge(self, answer: Option<ChallengeAnswer>) -> Result<(), Error> {
        let Self { caller, number } = self;
        run(&caller, move |caller| Self { caller, number }.acknowledge_blocking(answer)).await
    }

    fn acknowledge_blocking(self, answer: Option<ChallengeAnswer>) -> Result<(), Error> {
        let app = self.caller.on_behalf_of();
        self.caller.call(&Acknowledge { app, callback: self.number, answer }).map(drop)
    }
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

    /// What an event of the service says; none for one that says nothing to an app.
    pub(crate) fn of(event: DelegateEvent, caller: &Caller) -> Option<Self> {
        // Acknowledging must not be ended by whatever ends the stream.
        let callback = |number| Callback { caller: caller.with(Interrupt::default()), number };
        let moving = |download| Download::in_state(download, DownloadStatus::Downloading);
        Some(match event {
            DelegateEvent::Began { download } => Self::Began(moving(download)),
            DelegateEvent::Paused { download } => {
                Self::Paused(Download::in_state(download, DownloadStatus::Waiting))
            }
            DelegateEvent::Progress { download, progress } => {
                Self::Progress(moved(download, progress), progress)
            }
            DelegateEvent::Challenged { callback: number, download, challenge } => {
                let (download, callback) = (moving(download), callback(number));
                Self::Challenged(ChallengedDownload { download, challenge, callback })
            }
            DelegateEvent::Failed { callback: number, download, failure } => {
                Self::Failed(FailedDownload {
                    download: Download::in_state(download, DownloadStatus::Failed),
                    error: failure.into(),
                    callback: callback(number),
                })
            }
            DelegateEvent::Finished { callback: number, download, file } => {
                Self::Finished(FinishedDownload {
                    download: Download::in_state(download, DownloadStatus::Finished),
                    file: FinishedFile::new(file),
                    callback: callback(number),
                })
            }
            DelegateEvent::Lost { count } => Self::Missed(count),
            _ => return None,
        })
    }
}

/// The download after bytes arrived.
pub(crate) fn moved(download: UrlDownload, progress: WriteProgress) -> Download {
    Download::at(download, progress.total_bytes_written, progress.total_bytes_expected)
}
