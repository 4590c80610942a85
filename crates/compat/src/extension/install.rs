//! The extension that this process is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use headstart::downloads::{ChallengeAnswer, DownloadChallenge, FinishedFile};
use headstart::extension::{
    DownloaderExtension, ManagedDownloaderExtension, ServingThread, serve_in_background,
    serve_managed_in_background,
};
use headstart::{ErrorKind, Failure};

use super::{
    AppExtensionInfo, AuthenticationChallenge, ChallengeDisposition, DownloaderExtensionHandler,
    ExtensionEvent, ManagedDownloaderExtensionHandler, answer, file_url,
};
use crate::asset_pack::AssetPack;
use crate::download::{ContentRequest, Download};
use crate::error::BackgroundAssetsError;
use crate::stream::{EventStream, Events, Slot};

/// What the extension that this process is was asked, and answered.
pub type ExtensionEventStream = EventStream<ExtensionEvent>;

static UNMANAGED: Slot = Slot::new();
static MANAGED: Slot = Slot::new();

/// Answers for the app with `handler`, until the stream is dropped or another takes its place.
///
/// In a process that the service started as an extension, dropping the stream waits until the
/// service is done with it: a `main` that installs a handler and returns goes on answering. In any
/// other process nobody asks.
pub fn install_global_downloader_extension<H: DownloaderExtensionHandler>(
    handler: H,
    capacity: usize,
) -> ExtensionEventStream {
    let adapter = Adapter { handler: Held::new(handler), events: Events::new(capacity) };
    let (events, held) = (adapter.events.clone(), adapter.handler.clone());
    register(&UNMANAGED, serve_in_background(adapter), &events, move || held.release())
}

/// As [`install_global_downloader_extension`], for an app with managed packs.
pub fn install_global_managed_downloader_extension<H: ManagedDownloaderExtensionHandler>(
    handler: H,
    capacity: usize,
) -> ExtensionEventStream {
    let adapter = Adapter { handler: Held::new(handler), events: Events::new(capacity) };
    let (events, held) = (adapter.events.clone(), adapter.handler.clone());
    register(&MANAGED, serve_managed_in_background(adapter), &events, move || held.release())
}

fn register(
    slot: &'static Slot,
    serving: Result<ServingThread, headstart::Error>,
    events: &Events<ExtensionEvent>,
    release: impl FnOnce() + Send + 'static,
) -> ExtensionEventStream {
    let closing = events.clone();
    let id = slot.install(move || {
        release();
        closing.close();
    });
    let serving = Mutex::new(serving.ok());
    events.stream(move || {
        // Dropping it waits for the service.
        drop(serving.lock().unwrap_or_else(PoisonError::into_inner).take());
        slot.remove(id);
    })
}

/// A handler, until another takes its place: then everything is answered as if there were none.
struct Held<H>(Arc<Mutex<Option<H>>>);

impl<H> Clone for Held<H> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<H> Held<H> {
    fn new(handler: H) -> Self {
        Self(Arc::new(Mutex::new(Some(handler))))
    }

    fn release(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// What the handler gives; none when there is none any more, or it panicked.
    fn ask<T>(&self, call: impl FnOnce(&mut H) -> T) -> Option<T> {
        let mut handler = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let handler = handler.as_mut()?;
        catch_unwind(AssertUnwindSafe(|| call(handler))).ok()
    }
}

struct Adapter<H> {
    handler: Held<H>,
    events: Events<ExtensionEvent>,
}

impl<H> Adapter<H> {
    fn challenge(
        &self,
        download: &headstart::Download,
        asked: &DownloadChallenge,
        call: impl FnOnce(&mut H, &Download, &AuthenticationChallenge) -> ChallengeDisposition,
    ) -> ChallengeAnswer {
        let (download, challenge) = (Download::new(download.clone()), asked.into());
        let disposition = self.handler.ask(|handler| call(handler, &download, &challenge));
        let disposition = disposition.unwrap_or_default();
        let download = download.snapshot();
        self.events.push(ExtensionEvent::ChallengeRequested { download, challenge, disposition });
        answer(disposition, asked)
    }

    fn should_download(
        &self,
        pack: &headstart::AssetPack,
        call: impl FnOnce(&mut H, &super::AssetPackSnapshot) -> bool,
    ) -> bool {
        let asset_pack = AssetPack::new(pack.clone()).snapshot();
        let answer = self.handler.ask(|handler| call(handler, &asset_pack));
        let should_download = answer.unwrap_or(true);
        self.events.push(ExtensionEvent::ShouldDownloadAssetPack { asset_pack, should_download });
        should_download
    }
}

impl<H: DownloaderExtensionHandler> DownloaderExtension for Adapter<H> {
    fn downloads(
        &mut self,
        request: headstart::ContentRequest,
        manifest: &Path,
        info: headstart::extension::AppExtensionInfo,
    ) -> Result<Vec<headstart::Download>, headstart::Error> {
        let (request, manifest_url) = (ContentRequest::from(request), file_url(manifest));
        let info = AppExtensionInfo::from(info);
        let planned = self.handler.ask(|handler| handler.downloads(request, &manifest_url, &info));
        let panicked = || Err(BackgroundAssetsError::bridge("the handler panicked"));
        match planned.unwrap_or_else(panicked).and_then(|planned| permitted(request, planned)) {
            Ok(planned) => {
                self.events.push(ExtensionEvent::DownloadsRequested {
                    request,
                    manifest_url,
                    extension_info: info.snapshot(),
                    planned_downloads: planned.iter().map(Download::snapshot).collect(),
                });
                Ok(planned.into_iter().map(|download| download.inner).collect())
            }
            Err(error) => {
                let text = error.to_string();
                self.events.push(ExtensionEvent::DownloadPlanFailed {
                    request,
                    manifest_url,
                    error,
                });
                Err(Failure::new(ErrorKind::InvalidInput, "downloadPlanFailed", text).into())
            }
        }
    }

    fn challenge(
        &mut self,
        download: &headstart::Download,
        challenge: &DownloadChallenge,
    ) -> ChallengeAnswer {
        Self::challenge(self, download, challenge, H::did_receive_challenge)
    }

    fn failed(&mut self, download: &headstart::Download, error: &headstart::Error) {
        let (download, error) = (Download::new(download.clone()), error.into());
        self.handler.ask(|handler| handler.download_failed(&download, &error));
        let download = download.snapshot();
        self.events.push(ExtensionEvent::DownloadFailed { download, error });
    }

    fn finished(&mut self, download: &headstart::Download, file: &FinishedFile) {
        let (download, file_url) = (Download::new(download.clone()), file_url(file.path()));
        self.handler.ask(|handler| handler.download_finished(&download, &file_url));
        let download = download.snapshot();
        self.events.push(ExtensionEvent::DownloadFinished { download, file_url });
    }

    fn will_terminate(&mut self) {
        self.handler.ask(DownloaderExtensionHandler::extension_will_terminate);
        self.events.push(ExtensionEvent::Terminating);
    }
}

impl<H: ManagedDownloaderExtensionHandler> ManagedDownloaderExtension for Adapter<H> {
    fn should_download(&mut self, pack: &headstart::AssetPack) -> bool {
        Self::should_download(self, pack, H::should_download_asset_pack)
    }

    fn challenge(
        &mut self,
        download: &headstart::Download,
        challenge: &DownloadChallenge,
    ) -> ChallengeAnswer {
        Self::challenge(self, download, challenge, H::did_receive_challenge)
    }
}

/// Essential downloads are for installations and updates.
fn permitted(
    request: ContentRequest,
    planned: Vec<Download>,
) -> Result<Vec<Download>, BackgroundAssetsError> {
    if request.allows_essential_downloads() || !planned.iter().any(Download::is_essential) {
        return Ok(planned);
    }
    let code = headstart::downloads::BackgroundAssetsErrorCode::EssentialDownloadNotPermitted;
    Err(BackgroundAssetsError::of_code(code, "this request permits no essential downloads"))
}
