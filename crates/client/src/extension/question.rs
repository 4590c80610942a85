//! What an extension is asked, as values that are held until they are answered.

use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};

use headstart_model::protocol::downloads::{ChallengeAnswer, DownloadChallenge};

use super::AppExtensionInfo;
use super::answer::contained;
use crate::downloads::FinishedFile;
use crate::error::Error;
use crate::{AssetPack, ContentRequest, Download};

/// What an extension is asked or told: what a [`DownloaderExtension`](super::DownloaderExtension) and
/// a [`ManagedDownloaderExtension`](super::ManagedDownloaderExtension) have methods for. `Spec: api 4,
/// 6`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Question {
    /// Which downloads are wanted? None if nobody says.
    Downloads {
        /// Why it is asked.
        request: ContentRequest,
        /// The file that the app's server gave; gone when this has been answered.
        manifest: PathBuf,
        /// What limits the answer.
        info: AppExtensionInfo,
        /// Takes the answer.
        reply: Reply<Vec<Download>>,
    },
    /// Whether a pack is wanted that the policy would download. It is if nobody says.
    ShouldDownload {
        /// The pack.
        pack: AssetPack,
        /// Takes the answer.
        reply: Reply<bool>,
    },
    /// A server asks for a credential; the transfer waits for the answer. Default handling if nobody
    /// says.
    Challenged {
        /// The download.
        download: Download,
        /// What the server asks.
        challenge: DownloadChallenge,
        /// Takes the answer.
        reply: Reply<ChallengeAnswer>,
    },
    /// A download failed. It is told again if nobody says that this was dealt with.
    Failed {
        /// The download.
        download: Download,
        /// Why.
        error: Error,
        /// Takes that it was dealt with.
        reply: Reply<()>,
    },
    /// A download arrived. Its file is kept, and this is told again, until somebody says that it was
    /// dealt with.
    Finished {
        /// The download.
        download: Download,
        /// Its file: who wants to keep it [moves](FinishedFile::move_to) it before the answer.
        file: FinishedFile,
        /// Takes that it was dealt with.
        reply: Reply<()>,
    },
    /// The extension is about to be ended.
    WillTerminate,
}

/// Takes the answer to a [`Question`], on any thread. Dropped without one, it says what the question
/// says of nobody's answer.
#[must_use = "dropped, it answers as if nobody had been asked"]
pub struct Reply<A> {
    answer: Sender<Result<A, Error>>,
}

/// Where the answer of a [`Reply`] arrives.
pub struct Answer<A> {
    answer: Receiver<Result<A, Error>>,
}

impl<A> Reply<A> {
    /// A reply, and where its answer arrives: for tests of what answers.
    ///
    /// ```
    /// use headstart::extension::{Question, Reply};
    ///
    /// fn hear(question: Question) {
    ///     if let Question::Finished { reply, .. } = question {
    ///         reply.answer(());
    ///     }
    /// }
    ///
    /// hear(Question::WillTerminate);
    /// let (reply, answer) = Reply::<bool>::channel();
    /// drop(reply);
    /// assert!(answer.wait().is_none(), "nobody answered");
    /// ```
    pub fn channel() -> (Self, Answer<A>) {
        let (sender, receiver) = channel();
        (Self { answer: sender }, Answer { answer: receiver })
    }

    /// Answers.
    pub fn answer(self, answer: A) {
        self.give(Ok(answer));
    }

    /// Answers with what `call` gives. If it panics, that is contained, and the answer is the
    /// [failure](Self::fail) `extensionPanicked`.
    pub fn answer_with(self, call: impl FnOnce() -> A) {
        self.give(contained(call));
    }

    /// Says why there is no answer. Nothing is downloaded then, or the same is told again.
    pub fn fail(self, error: Error) {
        self.give(Err(error));
    }

    pub(super) fn give(self, answer: Result<A, Error>) {
        // Whoever asked may have ended.
        let _gone = self.answer.send(answer);
    }
}

impl<A> Answer<A> {
    /// Waits for the answer; none when there will not be one.
    #[must_use]
    pub fn wait(self) -> Option<Result<A, Error>> {
        self.answer.recv().ok()
    }
}

impl<A> fmt::Debug for Reply<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}

impl<A> fmt::Debug for Answer<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}
