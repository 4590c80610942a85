//! Fetching single files, and handing them over.

mod archive;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use headstart_engine::{DownloadId, EffectId, Event, FileLimit, FileTransfer};
use headstart_model::catalog::CatalogPack;
use headstart_model::download::BackgroundAssetsErrorCode as Code;
use headstart_model::{AppGroupId, ErrorKind, Failure};
use headstart_store::StoreError;
use headstart_sys::mode::Access;
use headstart_sys::{Action, FileError, durable, purgeable};
use headstart_transfer::{FileRequest, Notice, Tracking, TransferError, Violation};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::challenges::Challenger;
use super::context::{Context, blocking};
use super::pacing::urgency;
use crate::inbox::CoreHandle;

/// The engine hears of progress at most so often.
const REPORT_EVERY: Duration = Duration::from_millis(100);
/// An inbox, all inboxes, the group, all groups.
const INBOX_DEPTH: usize = 4;

pub(super) async fn fetch(
    context: &Arc<Context>,
    core: &CoreHandle,
    effect: EffectId,
    transfer: FileTransfer,
    stop: &CancellationToken,
) -> Event {
    match fetch_and_hand_over(context, core, effect, &transfer, stop).await {
        Err(_) if stop.is_cancelled() => Event::Stopped { effect },
        Ok(Fetched { bytes, pack: None }) => Event::FileFetched { effect, bytes },
        Ok(Fetched { bytes, pack: Some(pack) }) => Event::ArchiveFetched { effect, bytes, pack },
        Err(failure) => Event::TransferFailed { effect, failure },
    }
}

/// A file that waits to be handed over.
struct Fetched {
    bytes: u64,
    /// If it is the archive of a pack, which was built in its place: what it says of itself.
    pack: Option<Box<CatalogPack>>,
}

async fn fetch_and_hand_over(
    context: &Arc<Context>,
    core: &CoreHandle,
    effect: EffectId,
    transfer: &FileTransfer,
    stop: &CancellationToken,
) -> Result<Fetched, Failure> {
    let inbox = context.layout.inbox(&transfer.request.app_group, transfer.download.0);
    let target = inbox.join(&transfer.file_name);
    let folder = context.layout.download(transfer.download.0);
    let made = folder.clone();
    blocking(move || durable::create_folders(&made, Access::Private))
        .await?
        .map_err(|error| StoreError::from(error).to_failure())?;
    let request = request_of(transfer, &folder)?;
    let complete = request.path.clone();
    if let Some(bytes) = blocking(move || length_of(&complete)).await? {
        // It has its name only when it is complete: an earlier life of the service did not come to tell it. What lies where
        // it is handed over says nothing: every member of the group can put something there.
        let from = request.path.clone();
        let pack = archive::install(context, transfer, &from, stop).await?;
        blocking(move || hand_over(&from, &inbox, &target)).await?.map_err(|e| e.to_failure())?;
        return Ok(Fetched { bytes, pack });
    }
    let client = context.clients.for_file(transfer, &request.url)?;
    let tracking = tracking(context, core, effect, transfer);
    // Only this can be broken off: what writes elsewhere is waited for.
    let downloaded = tokio::select! {
        biased;
        () = stop.cancelled() => return Err(stopped()),
        downloaded = client.download_file(&request, &tracking) => downloaded,
    };
    let downloaded = downloaded.map_err(|error| failure(&error, transfer))?;
    let from = request.path.clone();
    let pack = archive::install(context, transfer, &from, stop).await?;
    blocking(move || hand_over(&from, &inbox, &target))
        .await?
        .map_err(|error| error.to_failure())?;
    tracing::info!(
        app = %transfer.app, identifier = %transfer.request.identifier,
        bytes = downloaded.file_bytes, bytes_down = downloaded.bytes_down,
        resumed_from = downloaded.resumed_from, "fetched"
    );
    Ok(Fetched { bytes: downloaded.file_bytes, pack })
}

fn stopped() -> Failure {
    Failure::new(ErrorKind::Cancelled, "cancelled", "the transfer was told to stop")
}

fn length_of(path: &Path) -> Option<u64> {
    let metadata = std::fs::symlink_metadata(path).ok()?;
    metadata.is_file().then_some(metadata.len())
}

fn request_of(transfer: &FileTransfer, folder: &Path) -> Result<FileRequest, Failure> {
    let url: Url = transfer.request.url.parse().map_err(|_| {
        let message = format!("`{}` has no usable address", transfer.request.identifier);
        Code::Invalid.failure(message).with_hint("give an https address")
    })?;
    let path = folder.join(&transfer.file_name);
    let (max_bytes, expected_bytes) = match transfer.limit {
        FileLimit::Exactly(bytes) => (bytes, Some(bytes)),
        FileLimit::Allowance(bytes) | FileLimit::Service(bytes) => (bytes, None),
    };
    Ok(FileRequest { url, path, max_bytes, expected_bytes, hash: None })
}

/// Ties the transfer to its download: pace, challenges, and progress, which the engine hears of ten times a second at most.
fn tracking(
    context: &Arc<Context>,
    core: &CoreHandle,
    effect: EffectId,
    transfer: &FileTransfer,
) -> Tracking {
    let pace = context.pacing.of_effect(effect, &transfer.app, urgency(transfer.class));
    let challenger = Challenger::of_file(core.clone(), transfer.download);
    let (told, held) = (core.clone(), Arc::new(AtomicU64::new(0)));
    let known = Arc::clone(&held);
    let tracking = Tracking::new(&format!("download {}", transfer.download))
        .with_pace(pace)
        .with_authenticator(Arc::new(challenger))
        .with_listener(move |notice| match notice {
            Notice::LengthKnown { total_bytes, held_bytes } => {
                known.store(*held_bytes, Ordering::Relaxed);
                told.event(Event::LengthKnown { effect, bytes_total: *total_bytes });
                told.event(Event::BytesMoved { effect, bytes_done: *held_bytes });
            }
            // What an earlier attempt left is no part of the file that comes now.
            Notice::StartedOver { .. } => known.store(0, Ordering::Relaxed),
            _ => {}
        });
    tokio::spawn(report(core.clone(), effect, tracking.meter().subscribe(), held));
    tracking
}

/// Tells the engine how far a transfer is, until its meter is gone.
async fn report(
    core: CoreHandle,
    effect: EffectId,
    mut changes: tokio::sync::watch::Receiver<headstart_transfer::Ledger>,
    held: Arc<AtomicU64>,
) {
    let mut reported = Instant::now();
    while changes.changed().await.is_ok() {
        // What came meanwhile is told with it: nothing may come after it for long.
        tokio::time::sleep(REPORT_EVERY.saturating_sub(reported.elapsed())).await;
        let fetched = changes.borrow_and_update().total().useful_bytes;
        reported = Instant::now();
        let bytes_done = held.load(Ordering::Relaxed) + fetched;
        core.event(Event::BytesMoved { effect, bytes_done });
    }
}

/// Puts a complete file where it is handed over, marked as something that the system may delete. `Spec: concepts 13`. It keeps
/// its name among the downloads until its end was acknowledged: that one is the service's alone.
fn hand_over(from: &Path, inbox: &Path, target: &Path) -> Result<(), StoreError> {
    refuse_links(inbox)?;
    durable::create_folders(inbox, Access::Private)?;
    if let Err(error) = purgeable::mark(from) {
        // A disk without such marks: the file is as good without.
        tracing::debug!(%error, "not marked as purgeable");
    }
    // Whatever lies there came neither by this download nor before it.
    durable::remove_tree(target)?;
    if let Err(error) = durable::link_durably(from, target) {
        tracing::debug!(%error, "a disk without second names");
        durable::rename_durably(from, target)?;
    }
    Ok(())
}

/// A link where a file is handed over would have it written, or removed, elsewhere. Extensions cannot make links; apps can.
fn refuse_links(inbox: &Path) -> Result<(), StoreError> {
    for folder in inbox.ancestors().take(INBOX_DEPTH) {
        let found = std::fs::symlink_metadata(folder);
        if found.is_ok_and(|found| found.is_symlink()) {
            let error = std::io::Error::other("there is a link in its place");
            return Err(FileError::new(Action::Create, folder, error).into());
        }
    }
    Ok(())
}

/// What a failed transfer means for whoever scheduled it. `Spec: api 10`.
fn failure(error: &TransferError, transfer: &FileTransfer) -> Failure {
    let shown = &transfer.request.identifier;
    match (error, transfer.limit) {
        (TransferError::TooLarge { .. }, FileLimit::Allowance(bytes)) => Code::AllowanceExceeded
            .failure(format!(
                "`{shown}` is larger than the {bytes} bytes that are left of the app's allowance before its first launch"
            ))
            .with_hint("raise the allowance in the bundle, or fetch it after the first launch"),
        (
            TransferError::Unusable { violation: Violation::RedirectRefused { target }, .. },
            _,
        ) if transfer.restrictions.is_some() => Code::DisallowedByDomain
            .failure(format!(
                "`{shown}` is redirected to {target}, which is not in the app's list before its first launch"
            ))
            .with_hint("add its host to BADownloadDomainAllowList"),
        (TransferError::TooLarge { .. }, FileLimit::Exactly(bytes)) => other_size(shown, bytes),
        (TransferError::Unusable { violation: Violation::OtherSize { .. }, .. }, FileLimit::Exactly(bytes)) => {
            other_size(shown, bytes)
        }
        _ => error.to_failure().within(format!("`{shown}` could not be fetched")),
    }
}

/// `Spec: concepts 6 and 14`: the size has to be exact.
fn other_size(identifier: &str, bytes: u64) -> Failure {
    let message = format!("`{identifier}` does not have the {bytes} bytes that were named");
    Failure::new(ErrorKind::InvalidInput, "otherFileSize", message)
        .with_hint("name the exact size of the file on the server")
}

/// Removes what is left of a download: its parts, and the file if nobody has moved it.
pub(super) async fn discard(
    context: &Arc<Context>,
    effect: EffectId,
    download: DownloadId,
    group: &AppGroupId,
) -> Event {
    let folders: [PathBuf; 2] =
        [context.layout.download(download.0), context.layout.inbox(group, download.0)];
    let removed = blocking(move || {
        refuse_links(&folders[1])?;
        folders.iter().try_for_each(|folder| Ok::<_, StoreError>(durable::remove_tree(folder)?))
    });
    match removed.await {
        Ok(Ok(())) => Event::Removed { effect },
        Ok(Err(error)) => Event::RemovalFailed { effect, failure: error.to_failure() },
        Err(failure) => Event::RemovalFailed { effect, failure },
    }
}
