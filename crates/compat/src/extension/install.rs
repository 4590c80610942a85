//! The extension that this process is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use headstart::downloads::{ChallengeAnswer, DownloadChallenge};
use headstart::extension::{Question, Reply, check, listen};
use headstart::recent::{Place, channel};
use headstart::{ErrorKind, Failure};

#[cfg(feature = "v0_3")]
use super::DownloaderExtensionHandler as ManagedHandler;
#[cfg(not(feature = "v0_3"))]
use super::ManagedDownloaderExtensionHandler as ManagedHandler;
use super::{
    AppExtensionInfo, AuthenticationChallenge, ChallengeDisposition, DownloaderExtensionHandler,
    ExtensionEvent, file_url,
};
use crate::asset_pack::AssetPack;
use crate::download::{ContentRequest, Download};
use crate::error::BackgroundAssetsError;
use crate::stream::EventStream;

/// What the extension that this process is was asked, and answered.
pub type ExtensionEventStream = EventStream<ExtensionEvent>;

static UNMANAGED: Place = Place::new();
static MANAGED: Place = Place::new();

/// Answers for the app with `handler`, until the stream is dropped or another takes its place.
///
/// In a process that the service started as an extension, dropping the stream waits until the
/// service is done with it: a `main` that installs a handler and returns goes on answering. In any
/// other process nobody asks. If the handler panics at what fails or arrives, it is told again.
pub fn install_global_downloader_extension<H: DownloaderExtensionHandler>(
    handler: H,
    capacity: usize,
) -> ExtensionEventStream {
    install(&UNMANAGED, handler, capacity, unmanaged)
}

/// As [`install_global_downloader_extension`], for an app with managed packs.
#[cfg_attr(feature = "v0_3", expect(unreachable_pub, reason = "0.3 has another of this name"))]
pub fn install_global_managed_downloader_extension<H: ManagedHandler>(
    handler: H,
    capacity: usize,
) -> ExtensionEventStream {
    install(&MANAGED, handler, capacity, managed)
}

fn install<H: Send + 'static>(
    place: &Place,
    handler: H,
    capacity: usize,
    tell: fn(&mut H, Question) -> Option<ExtensionEvent>,
) -> ExtensionEventStream {
    let (heard, events) = channel(capacity);
    let handler = Arc::new(Mutex::new(handler));
    let (lent, mut told) = (Arc::downgrade(&handler), heard.clone());
    let serving = listen(move |question| {
        // When it is gone, each question is dropped: as if there were none.
        let Some(handler) = lent.upgrade() else { return };
        let mut handler = handler.lock().unwrap_or_else(PoisonError::into_inner);
        told.extend(tell(&mut handler, question));
    });
    EventStream::new(place.give(events.keep((handler, heard))), serving.ok())
}

fn unmanaged<H: DownloaderExtensionHandler>(
    handler: &mut H,
    question: Question,
) -> Option<ExtensionEvent> {
    Some(match question {
        Question::Downloads { request: asked, manifest, info, reply } => {
            let (request, manifest_url) = (ContentRequest::from(asked), file_url(&manifest));
            let info = AppExtensionInfo(info);
            let planned = contained(|| handler.downloads(request, &manifest_url, &info));
            let planned = planned
                .unwrap_or_else(|| Err(BackgroundAssetsError::bridge("the handler panicked")))
                .and_then(|planned| {
                    check(asked, planned.iter().map(|download| &download.0))?;
                    Ok(planned)
                });
            match planned {
                Ok(planned) => {
                    let (extension_info, snapshot) = (info.snapshot(), Download::snapshot);
                    let planned_downloads = planned.iter().map(snapshot).collect();
                    reply.answer(planned.into_iter().map(|download| download.0).collect());
                    ExtensionEvent::DownloadsRequested {
                        request,
                        manifest_url,
                        extension_info,
                        planned_downloads,
                    }
                }
                Err(error) => {
                    let (kind, text) = (ErrorKind::InvalidInput, error.to_string());
                    reply.fail(Failure::new(kind, "downloadPlanFailed", text).into());
                    ExtensionEvent::DownloadPlanFailed { request, manifest_url, error }
                }
            }
        }
        Question::Challenged { download, challenge, reply } => {
            challenged(handler, H::did_receive_challenge, download, &challenge, reply)
        }
        Question::Failed { download, error, reply } => {
            let (download, error) = (Download(download), BackgroundAssetsError::from(error));
            reply.answer_with(|| handler.download_failed(&download, &error));
            ExtensionEvent::DownloadFailed { download: download.snapshot(), error }
        }
        Question::Finished { download, file, reply } => {
            let (download, file_url) = (Download(download), file_url(file.path()));
            reply.answer_with(|| handler.download_finished(&download, &file_url));
            ExtensionEvent::DownloadFinished { download: download.snapshot(), file_url }
        }
        Question::WillTerminate => {
            contained(|| handler.extension_will_terminate());
            ExtensionEvent::Terminating
        }
        _ => return None,
    })
}

fn managed<H: ManagedHandler>(handler: &mut H, question: Question) -> Option<ExtensionEvent> {
    Some(match question {
        Question::ShouldDownload { pack, reply } => {
            let asset_pack = AssetPack(pack).snapshot();
            let wanted = contained(|| handler.should_download_asset_pack(&asset_pack));
            let should_download = wanted.unwrap_or(true);
            reply.answer(should_download);
            ExtensionEvent::ShouldDownloadAssetPack { asset_pack, should_download }
        }
        Question::Challenged { download, challenge, reply } => {
            challenged(handler, H::did_receive_challenge, download, &challenge, reply)
        }
        // Single downloads are none of its business; what nobody answers would be asked for ever.
        Question::Failed { reply, .. } | Question::Finished { reply, .. } => {
            reply.answer(());
            return None;
        }
        _ => return None,
    })
}

fn challenged<H>(
    handler: &mut H,
    ask: fn(&mut H, &Download, &AuthenticationChallenge) -> ChallengeDisposition,
    download: headstart::Download,
    asked: &DownloadChallenge,
    reply: Reply<ChallengeAnswer>,
) -> ExtensionEvent {
    let (download, challenge) = (Download(download), asked.into());
    let disposition = contained(|| ask(handler, &download, &challenge)).unwrap_or_default();
    reply.answer(answer(disposition, asked));
    ExtensionEvent::ChallengeRequested { download: download.snapshot(), challenge, disposition }
}

/// What a disposition means here.
pub(crate) fn answer(
    disposition: ChallengeDisposition,
    challenge: &DownloadChallenge,
) -> ChallengeAnswer {
    use ChallengeDisposition as Asked;

    match disposition {
        Asked::UseCredential => challenge.trust_server().unwrap_or_default(),
        Asked::PerformDefaultHandling => ChallengeAnswer::PerformDefaultHandling,
        Asked::CancelAuthenticationChallenge => ChallengeAnswer::CancelAuthenticationChallenge,
        Asked::RejectProtectionSpace => ChallengeAnswer::RejectProtectionSpace,
    }
}

/// What a handler gives, unless it panics.
pub(crate) fn contained<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}

#[cfg(test)]
#[cfg(not(feature = "v0_3"))]
mod tests;
