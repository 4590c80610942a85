//! Progress: of each download, and the one of an installation.

use headstart_model::AppId;

use crate::class::Demand;
use crate::effect::{InstallProgress, Notice};
use crate::id::DownloadId;
use crate::live::{Course, Progress};
use crate::record::{App, InstallStage};
use crate::work::Work;

/// Where each phase of an installation ends, in millionths of the whole. `Spec: concepts 7` leaves the weights open.
/// `Ours:` what is downloaded is what takes time.
const FILES_END_PPM: u32 = 100_000;
const INSTALL_END_PPM: u32 = 150_000;
const WHOLE_PPM: u32 = 1_000_000;

/// Sets the bytes of a download, and the installation's with it.
pub(crate) fn set(w: &mut Work<'_>, id: DownloadId, progress: Progress) {
    leave_tally(w, id);
    w.live_mut().progress.insert(id, progress);
    join_tally(w, id);
}

/// Moves a download on to `done` bytes. Bytes done never fall while the target is the same.
pub(crate) fn advance(w: &mut Work<'_>, id: DownloadId, done: u64) {
    let mut progress = w.live().progress.get(&id).copied().unwrap_or_default();
    // What becomes done was arriving before.
    let news = done.saturating_sub(progress.done);
    progress.arriving = progress.arriving.saturating_sub(news);
    progress.done = progress.done.max(done);
    progress.total = progress.total.max(progress.done);
    progress.heard = true;
    progress.rate.note(w.now.monotonic, progress.shown());
    set(w, id, progress);
}

/// So many bytes of a download have arrived beyond those that are done, and are not verified.
pub(crate) fn arriving(w: &mut Work<'_>, id: DownloadId, bytes: u64) {
    let mut progress = w.live().progress.get(&id).copied().unwrap_or_default();
    progress.arriving = bytes.min(progress.total.saturating_sub(progress.done));
    progress.rate.note(w.now.monotonic, progress.shown());
    set(w, id, progress);
}

/// Takes the plan's figures over: bytes in all, and how many of them are staged.
pub(crate) fn plan(w: &mut Work<'_>, id: DownloadId, total: u64, remaining: u64) {
    let mut progress = w.live().progress.get(&id).copied().unwrap_or_default();
    progress.done = progress.done.max(total.saturating_sub(remaining));
    progress.total = total.max(progress.done);
    progress.began = progress.began.map(|(at, _)| (at, progress.done));
    // What was staged already did not arrive now.
    progress.rate.begin(w.now.monotonic, progress.done);
    set(w, id, progress);
}

/// Counts a download as done in its installation's tally, whatever became of it: the installation no longer waits for it.
pub(crate) fn conclude(w: &mut Work<'_>, id: DownloadId, total: u64) {
    leave_tally(w, id);
    let Some(app) = awaited_by(w, id) else { return };
    let tally = w.live_mut().installs.entry(app).or_default();
    tally.done = tally.done.saturating_add(total);
    tally.total = tally.total.saturating_add(total);
}

/// Takes the download's bytes out of its installation's tally, if it is part of one.
pub(crate) fn leave_tally(w: &mut Work<'_>, id: DownloadId) {
    adjust_tally(w, id, |tally, progress| {
        tally.done = tally.done.saturating_sub(progress.shown());
        tally.total = tally.total.saturating_sub(progress.total);
    });
}

/// Ends what [`leave_tally`] began.
pub(crate) fn join_tally(w: &mut Work<'_>, id: DownloadId) {
    adjust_tally(w, id, |tally, progress| {
        tally.done = tally.done.saturating_add(progress.shown());
        tally.total = tally.total.saturating_add(progress.total);
    });
}

fn adjust_tally(
    w: &mut Work<'_>,
    id: DownloadId,
    adjust: impl FnOnce(&mut crate::live::InstallTally, Progress),
) {
    let Some(app) = awaited_by(w, id) else { return };
    let progress = w.live().progress.get(&id).copied().unwrap_or_default();
    adjust(w.live_mut().installs.entry(app).or_default(), progress);
}

/// The app whose installation waits for a download.
fn awaited_by(w: &Work<'_>, id: DownloadId) -> Option<AppId> {
    match w.download(id) {
        Some(download) => (download.demand == Demand::Essential).then(|| download.key.app.clone()),
        None => w.file(id).filter(|file| file.blocks_launch()).map(|file| file.app.clone()),
    }
}

/// Tells the progress of the installation that waits for a download, if one does.
pub(crate) fn tell_awaited(w: &mut Work<'_>, id: DownloadId) {
    let manifest = w.file(id).filter(|file| file.is_manifest()).map(|file| file.app.clone());
    if let Some(app) = awaited_by(w, id).or(manifest) {
        tell(w, &app);
    }
}

/// Tells how far the installation of `app` is in its present phase.
pub(crate) fn tell(w: &mut Work<'_>, app: &AppId) {
    let Some(stage) = w.app(app).and_then(|a| a.installation()).map(|i| i.stage) else { return };
    let tally = w.live().installs.get(app).cloned().unwrap_or_default();
    let (bytes_done, bytes_total) = match stage {
        InstallStage::Essential => (tally.done, tally.total),
        // Until the extension has answered, the allowance stands for what is essential. `Spec: concepts 7`.
        InstallStage::Install => (0, provisional_bytes(w, app)),
        InstallStage::Files => (0, 0),
    };
    let share = match stage {
        InstallStage::Install => manifest_bytes(w, app),
        InstallStage::Files | InstallStage::Essential => (bytes_done, bytes_total),
    };
    let bytes_per_second = essential_rate(w, app);
    tell_bytes(
        w,
        app,
        &InstallBytes { stage, done: bytes_done, total: bytes_total, share, bytes_per_second },
    );
}

/// How much of the app's manifest is here, and how much it is: nothing of nothing while that is not known.
fn manifest_bytes(w: &Work<'_>, app: &AppId) -> (u64, u64) {
    let Some(id) = w.live().files.manifests.get(app).copied() else { return (0, 0) };
    let Progress { done, total, .. } = w.live().progress.get(&id).copied().unwrap_or_default();
    let here = w.file(id).is_some_and(|file| file.outcome().is_some());
    // Of a length that nobody has told, what has come looks like all of it.
    if here || done < total { (done, total) } else { (0, 0) }
}

fn provisional_bytes(w: &Work<'_>, app: &AppId) -> u64 {
    let restrictions = w.app(app).and_then(App::restrictions);
    restrictions.map_or(0, |restrictions| restrictions.essential_allowance_bytes)
}

/// Tells that the app's own files moved on.
pub(crate) fn tell_files(w: &mut Work<'_>, app: &AppId, bytes_done: u64, bytes_total: u64) {
    let now = w.now.monotonic;
    let files = &mut w.live_mut().installs.entry(app.clone()).or_default().files;
    files.note(now, bytes_done);
    let bytes_per_second = files.per_second();
    let stage = InstallStage::Files;
    let (done, total, share) = (bytes_done, bytes_total, (bytes_done, bytes_total));
    tell_bytes(w, app, &InstallBytes { stage, done, total, share, bytes_per_second });
}

/// What the transfers that an installation waits for bring in a second, together.
fn essential_rate(w: &Work<'_>, app: &AppId) -> Option<u64> {
    let live = w.live();
    let moving = live.active.values().filter(|active| {
        active.course == Course::Running
            && live.essential.get(app).is_some_and(|ids| ids.contains(&active.download))
    });
    let rates = moving.filter_map(|active| live.progress.get(&active.download)?.rate.per_second());
    rates.reduce(u64::saturating_add)
}

/// Bytes of a phase of an installation.
struct InstallBytes {
    stage: InstallStage,
    done: u64,
    total: u64,
    /// What says how far the phase is: done, and in all.
    share: (u64, u64),
    bytes_per_second: Option<u64>,
}

fn tell_bytes(w: &mut Work<'_>, app: &AppId, bytes: &InstallBytes) {
    let &InstallBytes { stage, done, total, share, bytes_per_second } = bytes;
    let reached = fraction_ppm(stage, share.0, share.1);
    let tally = w.live_mut().installs.entry(app.clone()).or_default();
    tally.told_ppm = tally.told_ppm.max(reached);
    let fraction_ppm = tally.told_ppm;
    let (bytes_done, bytes_total) = (done, total);
    let progress =
        InstallProgress { stage, bytes_done, bytes_total, bytes_per_second, fraction_ppm };
    w.tell(Notice::Installation { app: app.clone(), progress });
}

fn fraction_ppm(stage: InstallStage, done: u64, total: u64) -> u32 {
    let (from, to) = match stage {
        InstallStage::Files => (0, FILES_END_PPM),
        InstallStage::Install => (FILES_END_PPM, INSTALL_END_PPM),
        InstallStage::Essential => (INSTALL_END_PPM, WHOLE_PPM),
    };
    if total == 0 {
        return from;
    }
    let share = u128::from(done.min(total)) * u128::from(to - from) / u128::from(total);
    from + u32::try_from(share).expect("a share of a span below a million")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fraction_rises_through_the_phases() {
        let steps = [
            fraction_ppm(InstallStage::Files, 0, 0),
            fraction_ppm(InstallStage::Files, 1, 2),
            fraction_ppm(InstallStage::Install, 0, 0),
            fraction_ppm(InstallStage::Essential, 0, 9),
            fraction_ppm(InstallStage::Essential, 4, 9),
            fraction_ppm(InstallStage::Essential, 9, 9),
        ];
        assert!(steps.is_sorted());
        assert_eq!((steps[0], steps[5]), (0, WHOLE_PPM));
    }

    #[test]
    fn the_largest_sizes_do_not_overflow() {
        assert_eq!(fraction_ppm(InstallStage::Essential, u64::MAX, u64::MAX), WHOLE_PPM);
        assert_eq!(fraction_ppm(InstallStage::Essential, u64::MAX, 1), WHOLE_PPM);
    }
}
