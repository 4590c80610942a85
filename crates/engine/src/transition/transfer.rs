//! Plans and transfers as they are reported.

use headstart_model::Failure;

use crate::effect::PackUpdate;
use crate::id::{DownloadId, EffectId, PackKey};
use crate::progress;
use crate::record::{Owed, PlanFigures, Stage};
use crate::transition::{begin, fail, files, place, pump, uninstall};
use crate::work::Work;

/// What a plan or transfer that has ended was for.
enum Ended {
    /// A download that still waits for it.
    Wanted(DownloadId),
    /// Nothing any more: the download has concluded or turned to another version.
    Unwanted,
}

/// Takes a plan or transfer off the record; none when `effect` is neither.
fn end(w: &mut Work<'_>, effect: EffectId) -> Option<Ended> {
    let (Owed::Plan { key, download } | Owed::Transfer { key, download }) =
        w.records().owed.get(&effect)?.clone()
    else {
        return None;
    };
    w.end_order(effect);
    crate::transition::facts::feed_starved(w);
    if w.download(download).is_some_and(|d| d.is_in(effect)) {
        w.set_stage(download, Stage::Waiting);
        keep_plan_true(w, download);
        return Some(Ended::Wanted(download));
    }
    release(w, &key);
    Some(Ended::Unwanted)
}

/// What an attempt has fetched need not be fetched, and takes no more disk, at the next one.
fn keep_plan_true(w: &mut Work<'_>, id: DownloadId) {
    progress::arriving(w, id, 0);
    let progress = w.live().progress.get(&id).copied().unwrap_or_default();
    let moved = progress.began.map_or(0, |(_, from)| progress.done.saturating_sub(from));
    if let Some(plan) = w.download_mut(id).and_then(|download| download.plan.as_mut()) {
        plan.remaining_bytes = plan.remaining_bytes.saturating_sub(moved);
        plan.disk_bytes = plan.disk_bytes.saturating_sub(moved);
    }
}

/// Lets the pack's next download go on, now that nothing works in the staging folder; without one the folder is cleared.
pub(crate) fn release(w: &mut Work<'_>, key: &PackKey) {
    if w.app(&key.app).is_none_or(crate::record::App::is_leaving) {
        uninstall::go_on(w, &key.app);
        return;
    }
    match w.pack(key).and_then(|pack| pack.download) {
        Some(id) => {
            if !begin::revive(w, id) {
                place::place(w, id);
            }
        }
        None => discard(w, key),
    }
}

/// Clears the staging folder of a pack that nothing works on.
pub(crate) fn discard(w: &mut Work<'_>, key: &PackKey) {
    w.start(Owed::Discard { key: key.clone() });
}

/// The effect of a transfer or plan that a download waits for.
fn download_in(w: &Work<'_>, effect: EffectId) -> Option<DownloadId> {
    let active = w.live().active.get(&effect)?;
    w.download(active.download).filter(|d| d.is_in(effect)).map(|_| active.download)
}

pub(crate) fn plan_made(w: &mut Work<'_>, effect: EffectId, plan: PlanFigures) {
    if !matches!(w.records().owed.get(&effect), Some(Owed::Plan { .. })) {
        return;
    }
    let stopping =
        w.live().active.get(&effect).is_some_and(|a| a.course != crate::live::Course::Running);
    let Some(Ended::Wanted(id)) = end(w, effect) else { return };
    if let Some(download) = w.download_mut(id) {
        download.plan = Some(plan);
    }
    progress::plan(w, id, plan.total_bytes, plan.remaining_bytes);
    tell_progress(w, id);
    if stopping || !pump::go_on(w, id) {
        place::place(w, id);
        pump::tell_paused(w, id);
    }
}

pub(crate) fn bytes_moved(w: &mut Work<'_>, effect: EffectId, bytes_done: u64) {
    if matches!(w.records().owed.get(&effect), Some(Owed::FetchFile { .. })) {
        return files::bytes_moved(w, effect, bytes_done);
    }
    let Some(id) = download_in(w, effect) else { return };
    progress::advance(w, id, bytes_done);
    tell_progress(w, id);
}

pub(crate) fn bytes_arriving(w: &mut Work<'_>, effect: EffectId, bytes: u64) {
    let Some(id) = download_in(w, effect) else { return };
    progress::arriving(w, id, bytes);
    tell_progress(w, id);
}

fn tell_progress(w: &mut Work<'_>, id: DownloadId) {
    let Some(progress) = w.live().progress.get(&id).copied() else { return };
    let update = PackUpdate::Downloading {
        bytes_done: progress.shown(),
        bytes_total: progress.total,
        bytes_per_second: progress.rate.per_second(),
    };
    w.tell_pack(id, update);
    progress::tell_awaited(w, id);
}

pub(crate) fn finished(w: &mut Work<'_>, effect: EffectId) {
    if !matches!(w.records().owed.get(&effect), Some(Owed::Transfer { .. })) {
        return;
    }
    let Some(Ended::Wanted(id)) = end(w, effect) else { return };
    let total = w.live().progress.get(&id).map_or(0, |progress| progress.total);
    progress::advance(w, id, total);
    w.set_stage(id, Stage::Built);
    progress::tell_awaited(w, id);
    if let Some(app) = w.download(id).map(|d| d.key.app.clone()) {
        w.want_switch(&app);
    }
}

pub(crate) fn failed(w: &mut Work<'_>, effect: EffectId, failure: &Failure) {
    if matches!(w.records().owed.get(&effect), Some(Owed::FetchFile { .. })) {
        return files::attempt_failed(w, effect, failure);
    }
    if let Some(Ended::Wanted(id)) = end(w, effect) {
        fail::attempt_failed(w, id, failure);
    }
}

/// A plan or transfer ended because it was told to.
pub(crate) fn stopped(w: &mut Work<'_>, effect: EffectId) {
    if let Some(Ended::Wanted(id)) = end(w, effect) {
        place::place(w, id);
        pump::tell_paused(w, id);
    }
}
