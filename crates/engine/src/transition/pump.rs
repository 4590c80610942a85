//! Starts what may start. Runs at the end of every event.

use crate::admit::{Verdict, admit};
use crate::ask;
use crate::class::Class;
use crate::effect::{FileUpdate, PackUpdate};
use crate::id::{DownloadId, EffectId};
use crate::live::{Active, Course, Timer};
use crate::reason::{Fact, Reason};
use crate::record::{FileStage, Owed, Stage};
use crate::transition::{check, fail, files, place};
use crate::work::Work;

/// Downloads decided on in one event; the rest follows at once in the next, so that no event grows with the queue where many
/// lack disk space or cannot wait.
const BATCH: usize = 32;

/// Starts downloads in their order until one has to wait for something that all of its class wait for.
pub(crate) fn run(w: &mut Work<'_>) {
    check::retry_waiting(w);
    let mut left = BATCH;
    for class in Class::ALL {
        while let Some(id) = w.live().queue.first(class) {
            if left == 0 {
                let now = w.now.monotonic;
                w.live_mut().timers.set(Timer::Relief, now);
                break;
            }
            left -= 1;
            w.live_mut().step();
            if !advance(w, id) {
                break;
            }
        }
    }
    make_room(w);
    set_patience(w);
}

/// Decides on the download that is next; false when the rest of its class has to wait too.
fn advance(w: &mut Work<'_>, id: DownloadId) -> bool {
    match verdict(w, id) {
        Verdict::Go => begin(w, id),
        Verdict::Refuse(failure) if w.file(id).is_some() => {
            files::refused(w, id, &failure);
        }
        Verdict::Refuse(failure) => fail::refused(w, id, &failure),
        Verdict::Wait(reasons) if lacks_disk(&reasons) => starve(w, id),
        Verdict::Wait(reasons) if winds_down(&reasons) => place::place(w, id),
        Verdict::Wait(_) => return false,
    }
    true
}

/// The decision on a download that waits.
fn verdict(w: &Work<'_>, id: DownloadId) -> Verdict {
    let ask = ask::of_download(w.state(), id).expect("what is queued is on record");
    admit(&ask, &w.live().facts, w.now)
}

fn lacks_disk(reasons: &[Reason]) -> bool {
    reasons.iter().any(|reason| matches!(reason.fact, Fact::NotEnoughDisk { .. }))
}

/// Whether earlier work on the pack has begun to end since the download was put in its turn: the end of that puts it there again.
fn winds_down(reasons: &[Reason]) -> bool {
    reasons.iter().any(|reason| reason.fact == Fact::WindingDown)
}

/// Sets a download aside until there is disk space for it, so that smaller ones can go.
fn starve(w: &mut Work<'_>, id: DownloadId) {
    let need = place::need_of(w, id).unwrap_or(0);
    w.live_mut().queue.remove(id);
    w.live_mut().starved.insert((need, id));
    tell_paused(w, id);
}

/// Tells why a download waits.
pub(crate) fn tell_paused(w: &mut Work<'_>, id: DownloadId) {
    let reasons = match verdict(w, id) {
        Verdict::Wait(reasons) => reasons,
        Verdict::Go | Verdict::Refuse(_) => Vec::new(),
    };
    w.tell_file(id, FileUpdate::Paused(reasons.clone()));
    w.tell_pack(id, PackUpdate::Paused(reasons));
}

fn begin(w: &mut Work<'_>, id: DownloadId) {
    if w.file(id).is_some() && !files::may_begin(w, id) {
        return;
    }
    let now = w.now.monotonic;
    let progress = w.live_mut().progress.entry(id).or_default();
    progress.began = Some((now, progress.done));
    progress.rate.begin(now, progress.done);
    w.tell_pack(id, PackUpdate::Began);
    w.tell_file(id, FileUpdate::Began);
    start(w, id);
}

/// Starts the next step of a download that was admitted: the plan, or the transfer when the plan is made.
fn start(w: &mut Work<'_>, id: DownloadId) {
    let class = w.class_of(id);
    if let Some(file) = w.file(id) {
        let (app, group) = (file.app.clone(), file.download.app_group.clone());
        let pack = file.download.asset_pack().map(|(pack, _)| pack);
        w.live_mut().queue.take(id);
        let order = w.order(Owed::FetchFile { app, download: id, group, pack });
        w.set_file_stage(id, FileStage::Transferring(order));
        return run_order(w, order, id, class);
    }
    let Some(download) = w.download(id) else { return };
    let (key, planned) = (download.key.clone(), download.plan.is_some());
    w.live_mut().queue.take(id);
    let order = if planned {
        let order = w.order(Owed::Transfer { key: key.clone(), download: id });
        w.set_stage(id, Stage::Transferring(order));
        order
    } else {
        let order = w.order(Owed::Plan { key: key.clone(), download: id });
        w.set_stage(id, Stage::Planning(order));
        order
    };
    run_order(w, order, id, class);
}

fn run_order(w: &mut Work<'_>, order: EffectId, id: DownloadId, class: Class) {
    w.live_mut().active.insert(order, Active { download: id, class, course: Course::Running });
    w.issue(order);
}

/// Goes on with a download whose plan is made, in the place that it holds already. False when it has to wait after all.
pub(crate) fn go_on(w: &mut Work<'_>, id: DownloadId) -> bool {
    let goes = verdict(w, id) == Verdict::Go;
    if goes {
        start(w, id);
    }
    goes
}

/// Stops what is in the way of something that goes first. `Spec: concepts 4.1, 6`: essential downloads take priority
/// over everything that is not.
fn make_room(w: &mut Work<'_>) {
    if !w.live().facts.is_online() {
        return;
    }
    if w.live().essential_demand() > 0 {
        while stop_one(w, Class::is_background) {}
    }
    let essential = w.live().queue.len(Class::Essential);
    while lacks_slots(w, essential) && stop_one(w, |class| class != Class::Essential) {}
    let urgent = essential + w.live().queue.len(Class::Foreground);
    while lacks_slots(w, urgent) && stop_one(w, Class::is_background) {}
    let first = w.live().queue.first(Class::Foreground);
    if first.is_some_and(|id| w.live().is_immediate(id)) && lacks_slots(w, essential + 1) {
        stop_patient(w);
    }
}

/// Stops the last running transfer that somebody waits for, but not before all others.
fn stop_patient(w: &mut Work<'_>) {
    let live = w.live();
    let running = live.active.iter().filter(|(_, active)| active.course == Course::Running);
    let patient = running.filter(|(_, active)| {
        active.class == Class::Foreground && !live.is_immediate(active.download)
    });
    if let Some(order) = patient.map(|(order, _)| *order).max() {
        stop(w, order);
    }
}

/// Whether the slots that are free or becoming free are too few for `waiting` downloads.
fn lacks_slots(w: &Work<'_>, waiting: usize) -> bool {
    let allowed = usize::try_from(w.live().facts.transfers_max).unwrap_or(usize::MAX);
    let running = w.live().active.values().filter(|a| a.course == Course::Running).count();
    allowed.saturating_sub(running) < waiting
}

/// Stops the last running transfer of the lowest class that may be stopped; false when there is none.
fn stop_one(w: &mut Work<'_>, may_stop: impl Fn(Class) -> bool) -> bool {
    let running = w.live().active.iter().filter(|(_, active)| active.course == Course::Running);
    let lowest = running.filter(|(_, active)| may_stop(active.class));
    let Some((order, _)) = lowest.max_by_key(|(order, active)| (active.class, **order)) else {
        return false;
    };
    let order = *order;
    stop(w, order);
    true
}

/// Tells a plan or transfer to stop, once.
pub(crate) fn stop(w: &mut Work<'_>, order: EffectId) {
    let Some(active) = w.live_mut().active.get_mut(&order) else { return };
    if active.course == Course::Running {
        active.course = Course::Stopping;
        w.emit_stop(order);
    }
}

/// Without a network essential downloads wait for a while: wakes up at the end of it.
fn set_patience(w: &mut Work<'_>) {
    let waits = w.live().queue.len(Class::Essential) > 0 || !w.live().checks_waiting.is_empty();
    let network = w.live().facts.network;
    if w.live().facts.is_online() || !waits {
        w.live_mut().timers.remove(&Timer::Patience);
        return;
    }
    let end = network.since.after_ms(crate::admit::ESSENTIAL_PATIENCE_MS);
    let left_ms = w.now.wall.ms_until(end);
    if left_ms > 0 && w.live().timers.time_of(&Timer::Patience).is_none() {
        let at = w.now.monotonic.after_ms(left_ms);
        w.live_mut().timers.set(Timer::Patience, at);
    }
}
