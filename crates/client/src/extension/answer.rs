//! From a question of the service to the calls that answer it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use headstart_model::download::DownloadStatus;
use headstart_model::protocol::downloads::{ChallengeAnswer, DownloadChallenge};
use headstart_model::protocol::extension::{ExtensionEvent, Return};
use headstart_model::{ErrorKind, PackId};

use super::{AppExtensionInfo, DownloaderExtension, ManagedDownloaderExtension};
use crate::downloads::FinishedFile;
use crate::downloads::paging::pages;
use crate::error::Error;
use crate::{AssetPack, ContentRequest, Download};

/// What both kinds of extensions are to the service.
pub(super) trait Handler: Send + 'static {
    fn downloads(
        &mut self,
        request: ContentRequest,
        manifest: &Path,
        info: AppExtensionInfo,
    ) -> Result<Vec<Download>, Error>;
    fn should_download(&mut self, pack: &AssetPack) -> bool;
    fn challenge(&mut self, download: &Download, challenge: &DownloadChallenge) -> ChallengeAnswer;
    fn failed(&mut self, download: &Download, error: &Error);
    fn finished(&mut self, download: &Download, file: &FinishedFile);
    fn will_terminate(&mut self);
}

/// An extension of an app with downloads of its own.
pub(super) struct Unmanaged<H>(pub(super) H);

/// An extension of an app with managed packs.
pub(super) struct Managed<H>(pub(super) H);

impl<H: DownloaderExtension> Handler for Unmanaged<H> {
    fn downloads(
        &mut self,
        request: ContentRequest,
        manifest: &Path,
        info: AppExtensionInfo,
    ) -> Result<Vec<Download>, Error> {
        self.0.downloads(request, manifest, info)
    }

    fn should_download(&mut self, _: &AssetPack) -> bool {
        true
    }

    fn challenge(&mut self, download: &Download, challenge: &DownloadChallenge) -> ChallengeAnswer {
        self.0.challenge(download, challenge)
    }

    fn failed(&mut self, download: &Download, error: &Error) {
        self.0.failed(download, error);
    }

    fn finished(&mut self, download: &Download, file: &FinishedFile) {
        self.0.finished(download, file);
    }

    fn will_terminate(&mut self) {
        self.0.will_terminate();
    }
}

/// Packs are the service's business: it asks for nothing else, and is told nothing else.
impl<H: ManagedDownloaderExtension> Handler for Managed<H> {
    fn downloads(
        &mut self,
        _: ContentRequest,
        _: &Path,
        _: AppExtensionInfo,
    ) -> Result<Vec<Download>, Error> {
        Ok(Vec::new())
    }

    fn should_download(&mut self, pack: &AssetPack) -> bool {
        self.0.should_download(pack)
    }

    fn challenge(&mut self, download: &Download, challenge: &DownloadChallenge) -> ChallengeAnswer {
        self.0.challenge(download, challenge)
    }

    fn failed(&mut self, _: &Download, _: &Error) {}

    fn finished(&mut self, _: &Download, _: &FinishedFile) {}

    fn will_terminate(&mut self) {}
}

/// The calls that answer `event`, all but the last with `more`; none when it is no question.
pub(super) fn answers(handler: &mut impl Handler, event: ExtensionEvent) -> Vec<Return> {
    match event {
        ExtensionEvent::DownloadsRequested { call, request, manifest, info } => {
            let wanted = contained(|| handler.downloads(request, Path::new(&manifest), info));
            match wanted.and_then(|wanted| wanted).and_then(checked) {
                Ok(wanted) => in_pages(call, &wanted),
                Err(error) => vec![failed(call, &error)],
            }
        }
        ExtensionEvent::ShouldDownload { call, packs, .. } => one(call, || {
            let packs: Vec<_> = packs.into_iter().map(AssetPack::new).collect();
            let dropped = packs.iter().filter(|pack| !handler.should_download(pack));
            let dropped: Vec<PackId> = dropped.map(|pack| pack.pack_id().clone()).collect();
            Return { dropped, ..Return::default() }
        }),
        ExtensionEvent::Challenged { call, download, challenge } => one(call, || {
            let download = Download::in_state(download, DownloadStatus::Downloading);
            let answer = handler.challenge(&download, &challenge);
            Return { answer: Some(answer), ..Return::default() }
        }),
        ExtensionEvent::Failed { call, download, failure } => one(call, || {
            let download = Download::in_state(download, DownloadStatus::Failed);
            handler.failed(&download, &failure.into());
            Return::default()
        }),
        ExtensionEvent::Finished { call, download, file } => one(call, || {
            let download = Download::in_state(download, DownloadStatus::Finished);
            handler.finished(&download, &FinishedFile::new(file));
            Return::default()
        }),
        ExtensionEvent::WillTerminate {} => {
            // Nobody waits for it, so nobody can be told that it failed.
            let _contained = contained(|| handler.will_terminate());
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// The answer that says why there is none.
pub(super) fn failed(call: u64, error: &Error) -> Return {
    Return { call, failure: Some(error.failure().clone()), ..Return::default() }
}

fn one(call: u64, answer: impl FnOnce() -> Return) -> Vec<Return> {
    vec![match contained(answer) {
        Ok(answer) => Return { call, ..answer },
        Err(error) => failed(call, &error),
    }]
}

fn checked(downloads: Vec<Download>) -> Result<Vec<Download>, Error> {
    downloads.iter().try_for_each(Download::check)?;
    Ok(downloads)
}

fn in_pages(call: u64, downloads: &[Download]) -> Vec<Return> {
    let answer = |downloads| Return { call, downloads, more: true, ..Return::default() };
    let mut answers: Vec<_> = pages(downloads).into_iter().map(answer).collect();
    match answers.last_mut() {
        Some(last) => last.more = false,
        None => answers.push(Return { call, ..Return::default() }),
    }
    answers
}

/// The panic itself is shown by the process's hook.
fn contained<T>(call: impl FnOnce() -> T) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let text = "the extension panicked";
        let error = Error::new(ErrorKind::Internal, "extensionPanicked", text)
            .with_hint("look at the extension's standard error in the service's logs");
        let said = panic.downcast_ref::<String>().map(String::as_str);
        match said.or_else(|| panic.downcast_ref::<&str>().copied()) {
            // A message may be any text: it is cut before it travels.
            Some(said) => error.with_cause(said.chars().take(500).collect()),
            None => error,
        }
    })
}
