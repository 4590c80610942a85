//! The app's downloader extension: a program of its own that the service starts when it needs an
//! answer and the app does not run. `Spec: concepts 10, 11 and api 4, 6`.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use headstart::extension::{self, AppExtensionInfo, DownloaderExtension};
//! use headstart::{AppGroupId, ContentRequest, Download, Error, UrlDownload};
//!
//! struct Levels {
//!     group: AppGroupId,
//! }
//!
//! impl DownloaderExtension for Levels {
//!     fn downloads(
//!         &mut self,
//!         request: ContentRequest,
//!         _manifest: &Path,
//!         _info: AppExtensionInfo,
//!     ) -> Result<Vec<Download>, Error> {
//!         let url = "https://assets.example.com/1";
//!         let first = UrlDownload::new("levels/1", url, 70_000, &self.group)?;
//!         let before_launch = matches!(request, ContentRequest::Install | ContentRequest::Update);
//!         Ok(vec![first.essential(before_launch).into()])
//!     }
//! }
//!
//! fn main() -> Result<(), Error> {
//!     let group = AppGroupId::new("group.com.example.game")?;
//!     extension::run(Levels { group })
//! }
//! ```
//!
//! The process has no state that lasts: it may be stopped whenever it has answered, and a later
//! question may come to a new one. From inside, [`DownloadManager`](crate::DownloadManager) works
//! as in the app, but for what each method says. Everything in the process reaches the service
//! through the port that the service started it with, so a
//! [`Connector`] needs to be told nothing.

use std::path::Path;

pub use headstart_model::protocol::extension::AppExtensionInfo;

use headstart_model::protocol::downloads::{ChallengeAnswer, DownloadChallenge};

use crate::downloads::{BackgroundAssetsErrorCode, FinishedFile};
use crate::error::Error;
use crate::{AssetPack, Connector, ContentRequest, Download};

mod answer;
mod question;
mod serving;

use answer::{managed, unmanaged};
pub use question::{Answer, Question, Reply};
pub use serving::ServingThread;

/// What the extension of an app with downloads of its own answers. `Spec: api 6`,
/// `BADownloaderExtension`.
///
/// One call at a time. A panic is contained and told to the service as a failure: the question may
/// come again, and the file of a download that arrived is kept until then.
#[expect(unused_variables, reason = "the names of parameters document the methods")]
pub trait DownloaderExtension: Send + 'static {
    /// Which downloads are wanted? `manifest` is the file that the app's server gave, and is gone
    /// when this returns. Until then nothing can be scheduled otherwise: everything is in the answer.
    ///
    /// Essential downloads are for [`ContentRequest::Install`] and [`ContentRequest::Update`] only.
    /// `Spec: concepts 3, 4.1`.
    ///
    /// # Errors
    /// Whatever stands in the way; nothing is downloaded then.
    fn downloads(
        &mut self,
        request: ContentRequest,
        manifest: &Path,
        info: AppExtensionInfo,
    ) -> Result<Vec<Download>, Error>;

    /// A server asks for a credential; the transfer waits for the answer.
    fn challenge(&mut self, download: &Download, challenge: &DownloadChallenge) -> ChallengeAnswer {
        ChallengeAnswer::PerformDefaultHandling
    }

    /// A download failed. It may be scheduled again, not essential:
    /// [`Download::removing_essential`]. Also that of the manifest is told, which is [no download
    /// of the app's](Download::is_url_download). `Spec: concepts 4.4`.
    fn failed(&mut self, download: &Download, error: &Error) {}

    /// A download arrived. The file is deleted when this returns: who wants to keep it
    /// [moves](FinishedFile::move_to) it before.
    fn finished(&mut self, download: &Download, file: &FinishedFile) {}

    /// The extension is about to be ended. Not always told, and nothing is waited for.
    fn will_terminate(&mut self) {}
}

/// What the extension of an app with managed packs answers. `Spec: api 4`,
/// `ManagedDownloaderExtension`. Everything else the service does by itself.
#[expect(unused_variables, reason = "the names of parameters document the methods")]
pub trait ManagedDownloaderExtension: Send + 'static {
    /// Whether a pack is wanted that the policy would download. `Spec: concepts 5.1`.
    fn should_download(&mut self, pack: &AssetPack) -> bool {
        true
    }

    /// A server asks for a credential; the transfer waits for the answer.
    fn challenge(&mut self, download: &Download, challenge: &DownloadChallenge) -> ChallengeAnswer {
        ChallengeAnswer::PerformDefaultHandling
    }
}

/// Answers for the app until the service is done with this process.
///
/// # Errors
/// `notAnExtension` when the service did not start this process as an extension; what makes the
/// service unreachable or its words meaningless. That the service closes the connection is no error.
pub fn run(handler: impl DownloaderExtension) -> Result<(), Error> {
    Connector::new().run_extension(handler)
}

/// As [`run`], for an app with managed packs.
///
/// # Errors
/// As [`run`].
pub fn run_managed(handler: impl ManagedDownloaderExtension) -> Result<(), Error> {
    Connector::new().run_managed_extension(handler)
}

/// As [`run`], on a thread of its own. It answers from the return on, until the service is done
/// with this process: dropping what is given back waits for that, so a `main` that keeps it and
/// returns goes on answering.
///
/// # Errors
/// `notAnExtension`; what makes the service unreachable.
pub fn serve_in_background(handler: impl DownloaderExtension) -> Result<ServingThread, Error> {
    Connector::new().serve_extension_in_background(handler)
}

/// As [`serve_in_background`], for an app with managed packs.
///
/// # Errors
/// As [`serve_in_background`].
pub fn serve_managed_in_background(
    handler: impl ManagedDownloaderExtension,
) -> Result<ServingThread, Error> {
    Connector::new().serve_managed_extension_in_background(handler)
}

/// As [`serve_in_background`] and [`serve_managed_in_background`], with a closure that is given each
/// question, for programs that answer elsewhere: in a future, say, or where other work waits.
///
/// One question at a time, on a thread of its own: the next comes when this one's [`Reply`] has been
/// given an answer, or dropped. A panic of `hear` is contained; a question that it loses is told to the
/// service as a failure, and may come again: no file is lost by it.
///
/// ```no_run
/// # fn keep(_: &headstart::downloads::FinishedFile) -> Result<(), headstart::Error> { Ok(()) }
/// use headstart::extension::{self, Question};
///
/// let serving = extension::listen(|question| match question {
///     Question::Finished { file, reply, .. } => match keep(&file) {
///         Ok(()) => reply.answer(()),
///         Err(error) => reply.fail(error), // It is kept, and told again.
///     },
///     // As if nobody were asked.
///     _ => {}
/// })?;
/// serving.join()?;
/// # Ok::<(), headstart::Error>(())
/// ```
///
/// # Errors
/// As [`serve_in_background`].
pub fn listen(hear: impl FnMut(Question) + Send + 'static) -> Result<ServingThread, Error> {
    Connector::new().listen_as_extension(hear)
}

/// Whether an answer with these downloads would be taken, as far as that can be told without the
/// service: each is as it has to be, and essential ones are for [`ContentRequest::Install`] and
/// [`ContentRequest::Update`] only. `Spec: concepts 3, 4.1`.
///
/// # Errors
/// `downloadEssentialDownloadNotPermitted`; `downloadInvalid`, naming what is wrong.
pub fn check<D: AsRef<Download>>(
    request: ContentRequest,
    downloads: impl IntoIterator<Item = D>,
) -> Result<(), Error> {
    let before_launch = matches!(request, ContentRequest::Install | ContentRequest::Update);
    for download in downloads {
        download.as_ref().check()?;
        if download.as_ref().is_essential() && !before_launch {
            let code = BackgroundAssetsErrorCode::EssentialDownloadNotPermitted;
            return Err(code.failure("this request permits no essential downloads").into());
        }
    }
    Ok(())
}

/// For extensions. What stands under [`extension`](crate::extension) uses the connector of the
/// environment.
impl Connector {
    /// Takes connections from this port instead of the one that this process was started with: for
    /// tests of extensions, which play the service at the other end. The home has to be named before.
    /// `docs/format/socket.md` describes what is spoken there.
    #[cfg(unix)]
    #[must_use]
    pub fn extension_port(mut self, socket: std::os::fd::OwnedFd) -> Self {
        use crate::link::port::{Port, PortChoice};

        let port = Port::over(crate::wire::Port::over(socket));
        self.port = PortChoice::Given(std::sync::Arc::new(port));
        self
    }

    /// See [`extension::run`](run).
    ///
    /// # Errors
    /// As [`extension::run`](run).
    pub fn run_extension(&self, mut handler: impl DownloaderExtension) -> Result<(), Error> {
        serving::run(&self.caller()?, |question| unmanaged(&mut handler, question))
    }

    /// See [`extension::run_managed`](run_managed).
    ///
    /// # Errors
    /// As [`extension::run`](run).
    pub fn run_managed_extension(
        &self,
        mut handler: impl ManagedDownloaderExtension,
    ) -> Result<(), Error> {
        serving::run(&self.caller()?, |question| managed(&mut handler, question))
    }

    /// See [`extension::serve_in_background`](serve_in_background).
    ///
    /// # Errors
    /// As [`extension::serve_in_background`](serve_in_background).
    pub fn serve_extension_in_background(
        &self,
        mut handler: impl DownloaderExtension,
    ) -> Result<ServingThread, Error> {
        self.listen_as_extension(move |question| unmanaged(&mut handler, question))
    }

    /// See [`extension::serve_managed_in_background`](serve_managed_in_background).
    ///
    /// # Errors
    /// As [`extension::serve_in_background`](serve_in_background).
    pub fn serve_managed_extension_in_background(
        &self,
        mut handler: impl ManagedDownloaderExtension,
    ) -> Result<ServingThread, Error> {
        self.listen_as_extension(move |question| managed(&mut handler, question))
    }

    /// See [`extension::listen`](listen).
    ///
    /// # Errors
    /// As [`extension::listen`](listen).
    pub fn listen_as_extension(
        &self,
        hear: impl FnMut(Question) + Send + 'static,
    ) -> Result<ServingThread, Error> {
        serving::in_background(&self.caller()?, hear)
    }
}
