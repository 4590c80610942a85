//! A new life: everything that is owed is issued again, everything that waits takes its place.

use crate::effect::Effect;
use crate::live::Progress;
use crate::progress;
use crate::record::{InstallStage, Phase};
use crate::transition::{check, files, install, place, queue, uninstall};
use crate::work::Work;

pub(crate) fn restarted(w: &mut Work<'_>) {
    restore_settings(w);
    restore_progress(w);
    for id in w.records().owed.keys().copied().collect::<Vec<_>>() {
        w.issue(id);
    }
    for id in w.records().downloads.keys().copied().collect::<Vec<_>>() {
        place::place(w, id);
    }
    for id in w.records().files.keys().copied().collect::<Vec<_>>() {
        files::restored(w, id);
        place::place(w, id);
    }
    for app in w.records().apps.keys().cloned().collect::<Vec<_>>() {
        resume(w, &app);
    }
}

fn restore_settings(w: &mut Work<'_>) {
    let settings = w.records().settings.clone();
    if let Some(transfers) = settings.transfers_max {
        w.live_mut().facts.transfers_max = transfers.max(1);
    }
    if settings.bytes_per_second.is_some() {
        w.emit(Effect::Limit { bytes_per_second: settings.bytes_per_second });
    }
}

/// What was done of each download is known roughly until its next plan: what the last one said was staged.
fn restore_progress(w: &mut Work<'_>) {
    let known: Vec<_> = w
        .records()
        .downloads()
        .map(|(id, download)| {
            let size = download.download_bytes;
            let (done, total) = match download.plan {
                Some(_) if !download.is_open() => (size, size),
                Some(plan) => (
                    plan.total_bytes - plan.remaining_bytes.min(plan.total_bytes),
                    plan.total_bytes,
                ),
                None => (0, size),
            };
            (id, Progress { done, total, ..Progress::default() })
        })
        .collect();
    for (id, progress) in known {
        progress::set(w, id, progress);
    }
}

fn resume(w: &mut Work<'_>, app: &headstart_model::AppId) {
    w.want_switch(app);
    uninstall::go_on(w, app);
    let Some(record) = w.app(app) else { return };
    let wanted = record.content_request.is_some() || check::is_sought(w, app);
    let waits_for_catalog = wanted && record.check.is_none();
    match &record.phase {
        Phase::Installing(installation) if installation.stage == InstallStage::Essential => {
            install::conclude_if_done(w, app);
        }
        Phase::Installing(_) => queue::stop_preparation(w, app),
        _ => {}
    }
    check::arm_period(w, app);
    w.want_ask(app);
    if waits_for_catalog {
        check::want(w, app);
    }
}
