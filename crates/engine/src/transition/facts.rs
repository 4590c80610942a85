//! The device has changed.

use crate::admit::disk_for_downloads;
use crate::ask;
use crate::facts::FactsChange;
use crate::id::DownloadId;
use crate::live::Timer;
use crate::transition::{check, languages, place, pump, settings};
use crate::work::Work;

/// Downloads relieved of their back-off in one event, so that no event grows with the queue.
const BATCH: usize = 64;

pub(crate) fn changed(w: &mut Work<'_>, news: &FactsChange) {
    let (was_online, saved_power) = (w.live().facts.is_online(), w.live().facts.is_low_power());
    let now = w.now.wall;
    w.live_mut().facts.learn(news, now);
    if !was_online && w.live().facts.is_online() {
        w.live_mut().relieving = Some(DownloadId(0));
        relieve(w);
        recheck(w);
    }
    if was_online && !w.live().facts.is_online() {
        stop_transfers(w);
    }
    if news.disk_free_bytes.is_some() {
        feed_starved(w);
    }
    // The service says what is so again and again: only another answer ends what waits for its time.
    if saved_power != w.live().facts.is_low_power() {
        settings::switched(w);
    }
    if news.languages.is_some() {
        languages::told_by_device(w);
    }
}

/// The network has gone, or is to be thought gone: what runs stops, and waits or fails by what it is for. At most as many run as are allowed
/// at once.
fn stop_transfers(w: &mut Work<'_>) {
    let running: Vec<_> = w.live().active.keys().copied().collect();
    for order in running {
        w.live_mut().step();
        pump::stop(w, order);
    }
}

/// The network is back: whatever waits for its next attempt need not wait any longer. A batch at a time.
pub(crate) fn relieve(w: &mut Work<'_>) {
    let Some(after) = w.live().relieving else { return };
    let batch = w.live().timers.retries_after(after, BATCH);
    let last = batch.last().copied().filter(|_| batch.len() == BATCH);
    for id in batch {
        w.live_mut().step();
        retry_now(w, id);
    }
    w.live_mut().relieving = last;
    if last.is_some() {
        let now = w.now.monotonic;
        w.live_mut().timers.set(Timer::Relief, now);
    }
}

/// Ends a download's back-off.
pub(crate) fn retry_now(w: &mut Work<'_>, id: DownloadId) {
    if let Some(download) = w.download_mut(id) {
        download.retry_at = None;
    }
    if let Some(file) = w.file_mut(id) {
        file.retry_at = None;
    }
    place::place(w, id);
}

/// The network is back: checks that failed are made now.
fn recheck(w: &mut Work<'_>) {
    let apps: Vec<_> = w.live().check_attempts.keys().cloned().collect();
    for app in apps {
        w.live_mut().step();
        let owed = w.app(&app).is_some_and(|record| record.content_request.is_some());
        if owed || check::is_sought(w, &app) {
            check::want(w, &app);
        }
    }
}

/// Gives downloads that waited for disk space their turn: those that fit, and no more of them than may run at once, so that
/// no event grows with the queue. The end of each transfer calls it again.
pub(crate) fn feed_starved(w: &mut Work<'_>) {
    let free = disk_for_downloads(&w.live().facts, ask::disk_taken(w.state(), None));
    for _ in 0..w.live().facts.transfers_max {
        let fits = w.live().starved.first().copied().filter(|(need, _)| *need <= free);
        let Some((_, id)) = fits else { return };
        w.live_mut().step();
        place::place(w, id);
    }
}
