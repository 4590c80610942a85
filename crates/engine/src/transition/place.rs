//! Where a download waits.

use crate::ask;
use crate::class::Class;
use crate::id::DownloadId;
use crate::live::Timer;
use crate::record::Stage;
use crate::time::{MonotonicTime, WallTime};
use crate::work::Work;

/// Puts a download where it has to wait: its turn, its next attempt, or the end of earlier work on its pack (which places
/// it again). Safe at any time; does nothing to one that does not wait.
pub(crate) fn place(w: &mut Work<'_>, id: DownloadId) {
    let Some(download) = w.download(id) else { return };
    let need = download.plan.map(|plan| plan.disk_bytes);
    let waits = download.stage == Stage::Waiting && !ask::is_winding_down(w.state(), download);
    let retry_at = download.retry_at;
    let priority = if w.live().is_immediate(id) { u8::MAX } else { download.demand.priority() };
    let app = download.key.app.clone();
    let class = w.class_of(id);
    w.live_mut().unplace(id, need);
    if !waits {
        return;
    }
    match retry_at {
        Some(at) => {
            let due = due(w, at);
            w.live_mut().timers.set(Timer::Retry(id), due);
        }
        None => w.live_mut().queue.insert(id, &app, class, priority),
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
    let Some(stage) = w.download(id).map(|download| download.stage) else { return };
    let class = w.class_of(id);
    if let Some((order, _)) = w.live().order_of(id) {
        if let Some(active) = w.live_mut().active.get_mut(&order) {
            active.class = class;
        }
        return;
    }
    if stage != Stage::Waiting {
        return;
    }
    let backing_off = w.download(id).is_some_and(|download| download.retry_at.is_some());
    if class == Class::Foreground
        && backing_off
        && let Some(download) = w.download_mut(id)
    {
        download.retry_at = None;
    }
    place(w, id);
}
