//! The extension that this process is.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use headstart::downloads::{BackgroundAssetsErrorCode, ChallengeAnswer};
use headstart::downloads::{DownloadChallenge, FinishedFile};
use headstart::extension::{
    DownloaderExtension, ManagedDownloaderExtension, ServingThread, serve_in_background,
    serve_managed_in_background,
};
use headstart::{ErrorKind, Failure};

#[cfg(feature = "v0_3")]
use super::DownloaderExtensionHandler as ManagedHandler;
#[cfg(not(feature = "v0_3"))]
use super::ManagedDownloaderExtensionHandler as ManagedHandler;
use super::{
    AppExtensionInfo, AuthenticationChallenge, ChallengeDisposition, DownloaderExtensionHandler,
    ExtensionEvent, answer, file_url,
};
use crate::asset_pack::AssetPack;
use crate::download::{ContentRequest, Download};
use crate::error::{BackgroundAssetsError, Result};
use crate::stream::{EventStream, Events, Registration, Slot, lock};

/// What the extension that this process is was asked, and answered.
pub type ExtensionEventStream = EventStream<ExtensionEvent>;

static UNMANAGED: Slot = Slot::new(None);
static MANAGED: Slot = Slot::new(None);

/// Answers for the app with `handler`, until the stream is dropped or another takes its place.
///
/// In a process that the service started as an extension, dropping the stream waits until the
/// service is done with it: a `main` that installs a handler and returns goes on answering. In any
/// other process nobody asks. If the handler panics at what fails or arrives, it is told again.
pub fn install_global_downloader_extension<H: DownloaderExtensionHandler>(
    handler: H,
    capacity: usize,
) -> ExtensionEventStream {
    install(&UNMANAGED, handler, capacity, serve_in_background)
}

/// As [`install_global_downloader_extension`], for an app with managed packs.
#[cfg(not(feature = "v0_3"))]
pub fn install_global_managed_downloader_extension<H: ManagedHandler>(
    handler: H,
    capacity: usize,
) -> ExtensionEventStream {
    managed(handler, capacity)
}

pub(super) fn managed<H: ManagedHandler>(handler: H, capacity: usize) -> ExtensionEventStream {
    install(&MANAGED, handler, capacity, serve_managed_in_background)
}

fn install<H: Send + 'static>(
    slot: &Slot,
    handler: H,
    capacity: usize,
    serve: impl FnOnce(Adapter<H>) -> Result<ServingThread, headstart::Error>,
) -> ExtensionEventStream {
    let (events, handler) = (Events::new(capacity), Arc::new(Mutex::new(Some(handler))));
    let serving = serve(Adapter { handler: Arc::clone(&handler), events: events.clone() }).ok();
    let closing = events.clone();
    let registration = Registration::install(slot, move || {
        drop(lock(&handler).take());
        closing.close();
    });
    events.stream(move || {
        // This waits for the service.
        drop(serving);
        registration.end();
    })
}

/// A handler, until another takes its place: then everything is answered as if there were none.
struct Adapter<H> {
    handler: Arc<Mutex<Option<H>>>,
    events: Events<ExtensionEvent>,
}

impl<H> Adapter<H> {
    /// What the handler gives, if there is one; or its panic.
    fn ask<T>(&self, call: impl FnOnce(&mut H) -> T) -> thread::Result<Option<T>> {
        let mut handler = lock(&self.handler);
        catch_unwind(AssertUnwindSafe(|| handler.as_mut().map(call)))
    }

    /// The event is delivered in any case. Who called contains a panic, and the service, which
    /// hears of it instead of an acknowledgement, tells the same again; so it does when nobody
    /// has dealt with it.
    fn conclude(&self, told: thread::Result<Option<()>>, event: ExtensionEvent) {
        self.events.push(event);
        let told = told.unwrap_or_else(|panic| resume_unwind(panic));
        told.unwrap_or_else(|| resume_unwind(Box::new("no handler is registered any more")));
    }

    fn challenge(
        &self,
        download: &headstart::Download,
        asked: &DownloadChallenge,
        call: impl FnOnce(&mut H, &Download, &AuthenticationChallenge) -> ChallengeDisposition,
    ) -> ChallengeAnswer {
        let (download, challenge) = (Download::new(download.clone()), asked.into());
        let disposition = self.ask(|handler| call(handler, &download, &challenge));
        let disposition = disposition.ok().flatten().unwrap_or_default();
        let download = download.snapshot();
        self.events.push(ExtensionEvent::ChallengeRequested { download, challenge, disposition });
        answer(disposition, asked)
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
        let planned = self.ask(|handler| handler.downloads(request, &manifest_url, &info));
        let planned = planned
            .unwrap_or_else(|_| Some(Err(BackgroundAssetsError::bridge("the handler panicked"))))
            .unwrap_or_else(|| Ok(Vec::new()));
        match planned.and_then(|planned| permitted(request, planned)) {
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
                let event = ExtensionEvent::DownloadPlanFailed { request, manifest_url, error };
                self.events.push(event);
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
        let told = self.ask(|handler| handler.download_failed(&download, &error));
        let download = download.snapshot();
        self.conclude(told, ExtensionEvent::DownloadFailed { download, error });
    }

    fn finished(&mut self, download: &headstart::Download, file: &FinishedFile) {
        let (download, file_url) = (Download::new(download.clone()), file_url(file.path()));
        let told = self.ask(|handler| handler.download_finished(&download, &file_url));
        let download = download.snapshot();
        self.conclude(told, ExtensionEvent::DownloadFinished { download, file_url });
    }

    fn will_terminate(&mut self) {
        let told = self.ask(DownloaderExtensionHandler::extension_will_terminate);
        self.conclude(told, ExtensionEvent::Terminating);
    }
}

impl<H: ManagedHandler> ManagedDownloaderExtension for Adapter<H> {
    fn should_download(&mut self, pack: &headstart::AssetPack) -> bool {
        let asset_pack = AssetPack::new(pack.clone()).snapshot();
        let answer = self.ask(|handler| handler.should_download_asset_pack(&asset_pack));
        let should_download = answer.ok().flatten().unwrap_or(true);
        self.events.push(ExtensionEvent::ShouldDownloadAssetPack { asset_pack, should_download });
        should_download
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
fn permitted(request: ContentRequest, planned: Vec<Download>) -> Result<Vec<Download>> {
    if request.allows_essential_downloads() || !planned.iter().any(Download::is_essential) {
        return Ok(planned);
    }
    let code = BackgroundAssetsErrorCode::EssentialDownloadNotPermitted;
    Err(BackgroundAssetsError::of_code(code, "this request permits no essential downloads"))
}

#[cfg(test)]
#[cfg(not(feature = "v0_3"))]
mod tests;
