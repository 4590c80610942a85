//! Where a download waits.

use headstart_model::AppId;

use crate::ask;
use crate::class::{Class, Demand};
use crate::effect::Effect;
use crate::id::DownloadId;
use crate::live::Timer;
use crate::record::{App, FileDownload, FileStage, Stage};
use crate::time::{MonotonicTime, WallTime};
use crate::transition::{pump, unmanaged};
use crate::work::Work;

/// Puts a download where it has to wait: its turn, its next attempt, or the end of earlier work on its pack (which places
/// it again). Safe at any time; does nothing to one that does not wait.
pub(crate) fn place(w: &mut Work<'_>, id: DownloadId) {
    let Some(spot) = spot_of_pack(w, id).or_else(|| spot_of_file(w, id)) else { return };
    let class = w.class_of(id);
    let need = need_of(w, id);
    w.live_mut().unplace(id, need);
    if !spot.waits || !unmanaged::has_way(w, id) {
        return;
    }
    match spot.retry_at {
        Some(at) => {
            let due = due(w, at);
            w.live_mut().timers.set(Timer::Retry(id), due);
        }
        None => w.live_mut().queue.insert(id, &spot.app, class, spot.priority),
    }
}

/// What decides where a download waits.
struct Spot {
    app: AppId,
    /// Whether it waits at all, and not for a person to resume it.
    waits: bool,
    retry_at: Option<WallTime>,
    priority: i32,
}

fn spot_of_pack(w: &Work<'_>, id: DownloadId) -> Option<Spot> {
    let download = w.download(id)?;
    let essential = download.demand == Demand::Essential;
    let held = download.paused || (essential && is_installation_paused(w, &download.key.app));
    let waits =
        download.stage == Stage::Waiting && !held && !ask::is_winding_down(w.state(), download);
    let immediate = w.live().is_immediate(id);
    Some(Spot {
        app: download.key.app.clone(),
        waits,
        retry_at: download.retry_at,
        priority: if immediate { i32::MAX } else { i32::from(download.demand.priority()) },
    })
}

fn spot_of_file(w: &Work<'_>, id: DownloadId) -> Option<Spot> {
    let file = w.file(id)?;
    let held = file.paused || (file.blocks_launch() && is_installation_paused(w, &file.app));
    let waits = file.stage == FileStage::Waiting && !held;
    Some(Spot {
        app: file.app.clone(),
        waits,
        retry_at: file.retry_at,
        // The extension waits for its manifest, and everything else for the extension.
        priority: if file.is_manifest() {
            i32::MAX
        } else {
            i32::from(file.download.priority.get())
        },
    })
}

fn is_installation_paused(w: &Work<'_>, app: &AppId) -> bool {
    w.app(app).is_some_and(App::is_paused)
}

/// Bytes of disk by which a download that lacks them is found.
pub(crate) fn need_of(w: &Work<'_>, id: DownloadId) -> Option<u64> {
    match w.download(id) {
        Some(download) => download.plan.map(|plan| plan.disk_bytes),
        None => w.file(id).and_then(|file| w.live().need_of_file(id, file)),
    }
}

/// The monotonic time of a moment that was written down by the wall clock. A clock that was set back must not make
/// anything wait longer than the longest back-off.
fn due(w: &Work<'_>, at: WallTime) -> MonotonicTime {
    let wait_ms = w.now.wall.ms_until(at).min(crate::backoff::BACKOFF_MAX_MS);
    w.now.monotonic.after_ms(wait_ms)
}

/// Gives a download its class anew, after somebody began or ceased to wait for it. Who waits does not wait for a back-off.
pub(crate) fn reclass(w: &mut Work<'_>, id: DownloadId) {
    let class = w.class_of(id);
    if let Some((order, active)) = w.live().order_of(id) {
        if active.class != class {
            if let Some(active) = w.live_mut().active.get_mut(&order) {
                active.class = class;
            }
            w.emit(Effect::Reclass { id: order, class });
            let manifest = w.file(id).is_some_and(FileDownload::is_manifest);
            let held_back = ask::app_of(w.state(), id)
                .filter(|_| !manifest)
                .and_then(|app| ask::background_reason(w.state(), &app, class));
            if held_back.is_some() {
                // Only because somebody waited for it did it move.
                pump::stop(w, order);
            }
        }
        return;
    }
    if class == Class::Foreground {
        forget_back_off(w, id);
    }
    place(w, id);
}

/// Who waits does not wait for a back-off.
fn forget_back_off(w: &mut Work<'_>, id: DownloadId) {
    if w.download(id).is_some_and(|d| d.retry_at.is_some() && d.stage == Stage::Waiting)
        && let Some(download) = w.download_mut(id)
    {
        download.retry_at = None;
    }
    if w.file(id).is_some_and(|file| file.retry_at.is_some())
        && let Some(file) = w.file_mut(id)
    {
        file.retry_at = None;
    }
}
