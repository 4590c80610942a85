//! Single downloads: scheduled, fetched, ended, and kept until somebody has taken note. `Spec: concepts 4, 11`.

mod schedule;
mod transfer;

use headstart_model::{AppGroupId, AppId, Failure};

use crate::allowance;
use crate::effect::FileUpdate;
use crate::failures;
use crate::id::{DownloadId, PackKey};
use crate::live::Progress;
use crate::progress;
use crate::record::{FileDownload, FileStage, Outcome, Owed};
use crate::transition::{install, manifest, pump, unmanaged};
use crate::work::Work;

pub(crate) use schedule::{Answered, answered, requested};
pub(crate) use transfer::{
    archive_fetched, attempt_failed, bytes_moved, fetched, may_begin, refused, restored, stopped,
};

/// Puts a download on record that has been checked.
fn enter(w: &mut Work<'_>, file: FileDownload) -> DownloadId {
    let total = file.download.file_size.unwrap_or(0);
    let id = w.insert_file(file);
    progress::set(w, id, Progress { total, ..Progress::default() });
    id
}

/// Ends a download: whoever is to know is told as soon as there is somebody, and keeps being told until they have taken note.
pub(crate) fn conclude(w: &mut Work<'_>, id: DownloadId, outcome: Outcome) {
    let Some(file) = w.file(id) else { return };
    let (app, essential) = (file.app.clone(), file.download.essential);
    if file.is_manifest() {
        return manifest::concluded(w, id, outcome);
    }
    let built = file.download.asset_pack().map(|(pack, _)| PackKey::new(app.clone(), pack));
    settle_allowance(w, id, &outcome);
    let total = w.live().progress.get(&id).map_or(0, |progress| progress.total);
    progress::conclude(w, id, total);
    let update = match &outcome {
        Outcome::Finished { .. } => FileUpdate::Finished,
        Outcome::Failed(failure) => FileUpdate::Failed(failure.clone()),
    };
    if let Some(file) = w.file_mut(id) {
        file.retry_at = None;
        if matches!(outcome, Outcome::Finished { .. }) {
            // Nothing is asked of a server any more, so no secret need be kept.
            file.download.headers.clear();
        }
    }
    let failed = matches!(outcome, Outcome::Failed(_));
    w.set_file_stage(id, FileStage::Concluded(outcome));
    w.tell_file(id, update);
    if let Some(key) = built.filter(|_| failed && w.live().order_of(id).is_none()) {
        unmanaged::unwanted(w, &key);
    }
    w.want_ask(&app);
    if essential {
        install::conclude_if_done(w, &app);
    }
}

/// Gives back what was set aside for a download and not transferred, and counts what nobody had set aside.
fn settle_allowance(w: &mut Work<'_>, id: DownloadId, outcome: &Outcome) {
    let Some(file) = w.file(id) else { return };
    let (app, essential, charged) = (file.app.clone(), file.download.essential, file.charged);
    let progress = w.live().progress.get(&id).copied().unwrap_or_default();
    let used = match outcome {
        Outcome::Finished { bytes } => *bytes,
        // `Ours:` what nobody can tell counts as transferred: a limit is one.
        Outcome::Failed(_) if file.is_unsure(progress.heard) => charged.max(progress.done),
        Outcome::Failed(_) => progress.done,
    };
    if w.app(&app).is_none_or(|app| app.restrictions().is_none()) {
        return;
    }
    let Some(record) = w.app_mut(&app) else { return };
    if used >= charged {
        allowance::charge(record, essential, used - charged);
    } else {
        allowance::refund(record, essential, charged - used);
    }
}

/// Ends a download that has not ended, without success; false when it is too late for that.
pub(crate) fn give_up(w: &mut Work<'_>, id: DownloadId, failure: &Failure) -> bool {
    if let Some((order, _)) = w.live().order_of(id) {
        pump::stop(w, order);
    }
    if !unmanaged::cancel(w, id) {
        return false;
    }
    if w.file(id).is_some_and(|file| file.outcome().is_none()) {
        conclude(w, id, Outcome::Failed(failure.clone()));
    }
    true
}

/// The app belongs to a group no more: its downloads for it fail, also those that have arrived and that nobody has taken.
pub(crate) fn leave_group(w: &mut Work<'_>, app: &AppId, group: &AppGroupId) {
    for id in w.live().files.of_app.get(app).cloned().unwrap_or_default() {
        let Some(file) = w.file(id).filter(|file| file.download.app_group == *group) else {
            continue;
        };
        let failure = failures::group_left(&file.download.identifier, group);
        match file.outcome() {
            None => {
                give_up(w, id, &failure);
            }
            Some(Outcome::Finished { .. }) => {
                w.set_file_stage(id, FileStage::Concluded(Outcome::Failed(failure)));
            }
            Some(Outcome::Failed(_)) => {}
        }
    }
}

/// Somebody has taken note of the end of a download: nothing of it is kept.
pub(crate) fn forget(w: &mut Work<'_>, id: DownloadId) {
    let Some(file) = w.drop_file(id) else { return };
    let (app, group) = (file.app, file.download.app_group);
    if !w.live().files.concluded.contains_key(&app) {
        w.live_mut().calls.change(&app, |calls| calls.last_told = None);
    }
    // What runs still writes: the end of it is waited for.
    if w.live().order_of(id).is_none() {
        w.start(Owed::DiscardFile { app, download: id, group });
    }
}

/// The app goes: so do its downloads, and nobody is told.
pub(crate) fn forget_all(w: &mut Work<'_>, app: &AppId) {
    for id in w.live().files.of_app.get(app).cloned().unwrap_or_default() {
        if let Some((order, _)) = w.live().order_of(id) {
            pump::stop(w, order);
        }
        forget(w, id);
    }
}
