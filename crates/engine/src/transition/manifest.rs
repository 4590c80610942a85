//! The manifest of an app whose extension decides: fetched before the extension is woken. `Spec: concepts 4.1`.

use std::collections::BTreeMap;

use headstart_model::download::{DownloadKind, DownloadPriority, UrlDownload};
use headstart_model::{AppId, ContentRequest, Failure};

use crate::allowance;
use crate::effect::Notice;
use crate::failures;
use crate::id::{DownloadId, EffectId};
use crate::live::Progress;
use crate::progress;
use crate::reason::Fact;
use crate::record::{FileDownload, FilePurpose, FileStage, Outcome, Source};
use crate::transition::calls::Permission;
use crate::transition::{calls, check, files, languages, place, pump};
use crate::work::Work;

/// Has the manifest fetched for the content request that waits, unless it is on its way or here already.
pub(crate) fn want(w: &mut Work<'_>, app: &AppId) {
    languages::raise_change(w, app);
    if let Some(id) = w.live().files.manifests.get(app).copied() {
        serve(w, app, id);
        return w.want_ask(app);
    }
    if let Permission::Denied(reason) = calls::permission(w.state(), app, w.now.wall)
        && !matches!(reason.fact, Fact::ExtensionFailed { .. } | Fact::ExtensionBudget { .. })
    {
        // Nobody could do anything with it.
        return calls::not_asked(w, app, &reason);
    }
    let Some(record) = w.app(app) else { return };
    let Some(request) = record.content_request else { return };
    let Source::Manifest(url) = record.source() else { return };
    let first = record.bundle.group.as_ref().or_else(|| record.bundle.groups.keys().next());
    let Some(group) = first.cloned() else {
        let failure = failures::no_group(app);
        w.tell(Notice::Extension { app: app.clone(), result: Err(failure.clone()) });
        return check::failed(w, app, &failure, None);
    };
    let installing = record.installation().is_some();
    let download = UrlDownload {
        identifier: "manifest".to_owned(),
        // Each time another one: whoever is told that one failed knows it from the next.
        unique_identifier: format!("manifest-{}", w.records().counters.next_download),
        kind: DownloadKind::Manifest,
        url: url.to_owned(),
        method: "GET".to_owned(),
        headers: BTreeMap::new(),
        file_size: None,
        // As urgent as what waits for it.
        essential: installing,
        app_group: group,
        priority: DownloadPriority::MAX,
        pack_version: None,
    };
    let purpose = FilePurpose::Manifest(request);
    let id = w.insert_file(FileDownload::new(app.clone(), download, purpose, w.now.wall));
    progress::set(w, id, Progress::default());
    place::place(w, id);
}

/// A manifest that is on its way, or here, serves the request that waits now: an installation may have begun meanwhile.
fn serve(w: &mut Work<'_>, app: &AppId, id: DownloadId) {
    let Some(record) = w.app(app) else { return };
    let Some(request) = record.content_request else { return };
    let installing = record.installation().is_some();
    let purpose = FilePurpose::Manifest(request);
    if w.file(id).is_some_and(|file| file.purpose == purpose) {
        return;
    }
    if let Some(file) = w.file_mut(id) {
        file.purpose = purpose;
        file.download.essential = installing;
    }
    place::reclass(w, id);
}

/// The app has another source or version now: what was fetched for the old one says nothing.
pub(crate) fn forget(w: &mut Work<'_>, app: &AppId) {
    let Some(id) = w.live().files.manifests.get(app).copied() else { return };
    if let Some((order, _)) = w.live().order_of(id) {
        pump::stop(w, order);
    }
    files::forget(w, id);
}

/// It is known how long a file will be whose size nobody had named: a manifest, most of all.
pub(crate) fn length_known(w: &mut Work<'_>, effect: EffectId, bytes_total: u64) {
    let Some(id) = w.live().active.get(&effect).map(|active| active.download) else { return };
    let unsized_file = |file: &FileDownload| file.download.file_size.is_none();
    if !w.file(id).is_some_and(unsized_file) {
        return;
    }
    let known = w.live().progress.get(&id).copied().unwrap_or_default();
    progress::set(w, id, Progress { total: bytes_total.max(known.done), ..known });
    progress::tell_awaited(w, id);
}

/// The manifest is here, or is not to be had. `Spec: concepts 4.4`.
pub(crate) fn concluded(w: &mut Work<'_>, id: DownloadId, outcome: Outcome) {
    let Some(app) = w.file(id).map(|file| file.app.clone()) else { return };
    match outcome {
        Outcome::Finished { bytes } => {
            if w.app(&app).is_some_and(|app| app.restrictions().is_some())
                && let Some(record) = w.app_mut(&app)
            {
                allowance::charge_manifest(record, bytes);
            }
            w.set_file_stage(id, FileStage::Concluded(Outcome::Finished { bytes }));
            progress::tell_awaited(w, id);
            w.want_ask(&app);
        }
        Outcome::Failed(failure) => {
            let file = w.file(id).cloned();
            w.tell(Notice::Extension { app: app.clone(), result: Err(failure.clone()) });
            files::forget(w, id);
            check::failed(w, &app, &failure, None);
            let comes_again = w.app(&app).is_some_and(|app| app.installation().is_some())
                && w.live().timers.time_of(&crate::live::Timer::Check(app.clone())).is_some();
            if let Some(file) = file.filter(|_| !comes_again) {
                tell_failed(w, file, failure);
            }
        }
    }
}

/// Has the extension told that there is no manifest, unless it is to be told so already.
fn tell_failed(w: &mut Work<'_>, file: FileDownload, failure: Failure) {
    let told = w.live().files.concluded.get(&file.app).cloned().unwrap_or_default();
    let is_manifest = |id: &DownloadId| {
        w.file(*id).is_some_and(|file| file.download.kind == DownloadKind::Manifest)
    };
    if told.iter().any(is_manifest) {
        return;
    }
    let app = file.app.clone();
    let stage = FileStage::Concluded(Outcome::Failed(failure));
    w.insert_file(FileDownload { purpose: FilePurpose::Scheduled, stage, ..file });
    w.want_ask(&app);
}

/// The manifest that is here, and the request that it was fetched for.
pub(crate) fn ready(w: &Work<'_>, app: &AppId) -> Option<(DownloadId, ContentRequest)> {
    let id = *w.live().files.manifests.get(app)?;
    let file = w.file(id)?;
    match (&file.stage, file.purpose) {
        (FileStage::Concluded(Outcome::Finished { .. }), FilePurpose::Manifest(request)) => {
            Some((id, request))
        }
        _ => None,
    }
}

/// The extension has been asked, or cannot be: the manifest goes.
pub(crate) fn done(w: &mut Work<'_>, app: &AppId) {
    if let Some(id) = w.live().files.manifests.get(app).copied() {
        files::forget(w, id);
    }
}
