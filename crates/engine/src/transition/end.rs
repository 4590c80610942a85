//! The end of a download.

use headstart_model::Failure;

use crate::class::Demand;
use crate::effect::PackUpdate;
use crate::id::DownloadId;
use crate::live::{PackEnd, Subject};
use crate::progress;
use crate::record::{Download, Stage};
use crate::transition::{ensure, install, pump, removal, switch, transfer, unmanaged};
use crate::work::Work;

/// What becomes of the bytes that were fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Staged {
    /// They stay: the next download of the pack goes on from them.
    Keep,
    /// They go.
    Discard,
}

/// Ends a download without success: whoever waits is told, an installation no longer waits for it.
pub(crate) fn conclude_failed(w: &mut Work<'_>, id: DownloadId, failure: &Failure, staged: Staged) {
    let Some(download) = w.download(id) else { return };
    let (key, demand) = (download.key.clone(), download.demand);
    let waiting = w.live().requests.waiting_for(&Subject::Download(id));
    w.tell_pack(id, PackUpdate::Failed(failure.clone()));
    if let Some((order, _)) = w.live().order_of(id) {
        pump::stop(w, order);
    }
    let total = w.live().progress.get(&id).map_or(0, |progress| progress.total);
    progress::conclude(w, id, total);
    let dropped = w.drop_download(id);
    // One that was found damaged is not retired again: it would be taken back for the next download, and be damaged still.
    let is_whole = |download: &Download| download.stage == Stage::Built;
    let goes = |download: &Download| staged == Staged::Discard || is_whole(download);
    let taken_back = dropped.filter(|download| download.taken_back && goes(download));
    let taken_back = taken_back.filter(|_| w.app(&key.app).is_some_and(|app| !app.is_leaving()));
    if let Some(download) = taken_back {
        // Clearing away passes over what is read.
        removal::retire(w, &key, download.target);
    }
    for request in waiting {
        ensure::pack_ended(w, request, &key.pack, PackEnd::Failed(failure.clone()));
    }
    switch::leave_now(w, &key);
    let idle = !w.live().busy.contains_key(&key);
    if staged == Staged::Discard && idle {
        transfer::discard(w, &key);
    }
    if demand == Demand::Essential {
        w.pack_mut(&key).missed = Some(failure.clone());
        install::conclude_if_done(w, &key.app);
    }
    unmanaged::concluded(w, &key, id, Err(failure.clone()));
}

/// Ends a download whose version has become live.
pub(crate) fn conclude_finished(w: &mut Work<'_>, id: DownloadId) {
    let Some(download) = w.download(id) else { return };
    let (key, demand) = (download.key.clone(), download.demand);
    let waiting = w.live().requests.waiting_for(&Subject::Download(id));
    w.tell_pack(id, PackUpdate::Finished);
    let total = w.live().progress.get(&id).map_or(0, |progress| progress.total);
    progress::conclude(w, id, total);
    w.drop_download(id);
    let pack = w.pack_mut(&key);
    pack.missed = None;
    pack.removed_at = None;
    for request in waiting {
        ensure::download_finished(w, request, &key.pack, id);
    }
    if demand == Demand::Essential {
        install::conclude_if_done(w, &key.app);
    }
    unmanaged::concluded(w, &key, id, Ok(()));
}
