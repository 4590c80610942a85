//! The transfers of single downloads as they are reported, and what a failure means.

use headstart_model::catalog::CatalogPack;
use headstart_model::{ErrorKind, Failure};

use super::conclude;
use crate::allowance;
use crate::backoff::backoff_ms;
use crate::class::Class;
use crate::effect::FileUpdate;
use crate::id::{DownloadId, EffectId, PackKey};
use crate::live::Progress;
use crate::progress;
use crate::record::{FileStage, Outcome, Owed};
use crate::transition::fail::ESSENTIAL_ATTEMPTS;
use crate::transition::{facts, place, pump, uninstall, unmanaged};
use crate::work::Work;

/// How long a download that nobody waits for may get nowhere before it fails, in milliseconds: a week. `Spec: concepts 4.4`:
/// the original gives up after a time that it does not name.
pub(crate) const GIVE_UP_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// Whether a download that was admitted may begin; one that may not has ended.
pub(crate) fn may_begin(w: &mut Work<'_>, id: DownloadId) -> bool {
    let Some(file) = w.file(id) else { return false };
    let Some(app) = w.app(&file.app) else { return false };
    let allowed = allowance::check_domain(app, &file.download)
        .and_then(|()| allowance::check_start(app, file));
    match allowed {
        Ok(()) => true,
        Err(failure) => {
            conclude(w, id, Outcome::Failed(failure));
            false
        }
    }
}

/// The download was not admitted, and cannot wait.
pub(crate) fn refused(w: &mut Work<'_>, id: DownloadId, failure: &Failure) {
    conclude(w, id, Outcome::Failed(failure.clone()));
}

/// A new life of the service: as much of a download is known as was on record.
pub(crate) fn restored(w: &mut Work<'_>, id: DownloadId) {
    let Some(file) = w.file(id) else { return };
    let done = file.bytes_done;
    let total = file.download.file_size.unwrap_or(0).max(done);
    let transfers = matches!(file.stage, FileStage::Transferring(_));
    let news = transfers && file.charged > 0 && !file.unsure;
    let began = transfers.then_some((w.now.monotonic, done));
    if news && let Some(file) = w.file_mut(id) {
        file.unsure = true;
    }
    progress::set(w, id, Progress { done, total, began, ..Progress::default() });
}

/// Writes down how far a download is whose transfer has ended. True when that brought new bytes.
fn note_bytes(w: &mut Work<'_>, id: DownloadId) -> bool {
    let progress = w.live().progress.get(&id).copied().unwrap_or_default();
    let got_anywhere = progress.began.is_some_and(|(_, bytes)| progress.done > bytes);
    let now = w.now.wall;
    if let Some(file) = w.file_mut(id) {
        file.unsure = file.is_unsure(progress.heard);
        file.bytes_done = progress.done;
        if got_anywhere {
            file.moved_at = now;
        }
    }
    got_anywhere
}

/// Takes a transfer off the record; the download that still waits for it.
fn end(w: &mut Work<'_>, effect: EffectId) -> Option<DownloadId> {
    let Some(Owed::FetchFile { app, download, group, pack }) =
        w.records().owed.get(&effect).cloned()
    else {
        return None;
    };
    w.end_order(effect);
    facts::feed_starved(w);
    if w.file(download).is_none() {
        let app = app.clone();
        w.start(Owed::DiscardFile { app, download, group });
    }
    if w.app(&app).is_none_or(crate::record::App::is_leaving) {
        uninstall::go_on(w, &app);
        return None;
    }
    if w.file(download).is_some_and(|file| file.stage == FileStage::Transferring(effect)) {
        w.set_file_stage(download, FileStage::Waiting);
        return Some(download);
    }
    if let Some(pack) = pack {
        // It may have got as far as to build the version, and nobody wants it any more.
        unmanaged::unwanted(w, &PackKey::new(app, pack));
    }
    None
}

pub(crate) fn fetched(w: &mut Work<'_>, effect: EffectId, bytes: u64) {
    if let Some(id) = end(w, effect) {
        progress::advance(w, id, bytes);
        progress::tell_awaited(w, id);
        let outcome = match exceeded(w, id, bytes) {
            Some(failure) => Outcome::Failed(failure),
            None => Outcome::Finished { bytes },
        };
        conclude(w, id, outcome);
    }
}

/// The archive of a pack has arrived, and its version was built. `Spec: packs 4.2`.
pub(crate) fn archive_fetched(
    w: &mut Work<'_>,
    effect: EffectId,
    bytes: u64,
    pack: Box<CatalogPack>,
) {
    let Some(id) = end(w, effect) else { return };
    progress::advance(w, id, bytes);
    progress::tell_awaited(w, id);
    match exceeded(w, id, bytes) {
        Some(failure) => conclude(w, id, Outcome::Failed(failure)),
        None => unmanaged::arrived(w, id, bytes, pack),
    }
}

/// Why a file that has arrived is more than its app may have: others whose size nobody had named either came before it.
fn exceeded(w: &Work<'_>, id: DownloadId, bytes: u64) -> Option<Failure> {
    let file = w.file(id)?;
    allowance::check_arrived(w.app(&file.app)?, file, bytes).err()
}

pub(crate) fn bytes_moved(w: &mut Work<'_>, effect: EffectId, bytes_done: u64) {
    let Some(id) = w.live().active.get(&effect).map(|active| active.download) else { return };
    if w.file(id).is_none_or(|file| file.stage != FileStage::Transferring(effect)) {
        return;
    }
    let before = w.live().progress.get(&id).map_or(0, |progress| progress.done);
    progress::advance(w, id, bytes_done);
    let done = w.live().progress.get(&id).map_or(0, |progress| progress.done);
    let bytes_total = w.file(id).and_then(|file| file.download.file_size);
    let bytes_new = done.saturating_sub(before);
    w.tell_file(id, FileUpdate::Downloading { bytes_new, bytes_done: done, bytes_total });
    progress::tell_awaited(w, id);
}

/// A transfer ended because it was told to: what has arrived is kept.
pub(crate) fn stopped(w: &mut Work<'_>, effect: EffectId) {
    if let Some(id) = end(w, effect) {
        if note_bytes(w, id)
            && let Some(file) = w.file_mut(id)
        {
            file.attempts = 0;
        }
        place::place(w, id);
        pump::tell_paused(w, id);
    }
}

/// An attempt failed. Who cannot wait is told; the rest tries again as long as trying may help. `Spec: concepts 4.4`.
pub(crate) fn attempt_failed(w: &mut Work<'_>, effect: EffectId, failure: &Failure) {
    let Some(id) = end(w, effect) else { return };
    let got_anywhere = note_bytes(w, id);
    let now = w.now.wall;
    let class = w.class_of(id);
    let Some(file) = w.file_mut(id) else { return };
    file.attempts = if got_anywhere { 1 } else { file.attempts.saturating_add(1) };
    file.failure = Some(failure.clone());
    let (attempts, manifest) = (file.attempts, file.is_manifest());
    let stuck_ms = file.moved_at.ms_until(now);
    // Whoever asked for the manifest decides what its failure means.
    let lasts = manifest || !(failure.kind.is_retryable() || failure.kind == ErrorKind::NoSpace);
    let over = match class {
        Class::Essential => attempts >= ESSENTIAL_ATTEMPTS,
        Class::Foreground => true,
        Class::Nonessential | Class::Upkeep => stuck_ms >= GIVE_UP_MS,
    };
    if lasts || over {
        conclude(w, id, Outcome::Failed(failure.clone()));
    } else {
        back_off(w, id, class, attempts);
    }
}

fn back_off(w: &mut Work<'_>, id: DownloadId, class: Class, attempts: u32) {
    let wait_ms = backoff_ms(class, w.device().seed, id.0, attempts);
    let at = w.now.wall.after_ms(wait_ms);
    if let Some(file) = w.file_mut(id) {
        file.retry_at = Some(at);
    }
    place::place(w, id);
    pump::tell_paused(w, id);
}
