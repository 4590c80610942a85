//! What people do about downloads of the queue and about installations. `Spec: cli`, `downloads`; `Spec: concepts 8`.

use headstart_model::protocol::apps::InstallationAction;
use headstart_model::protocol::downloads::QueueAction;
use headstart_model::{AppId, Failure};

use crate::class::Demand;
use crate::effect::Reply;
use crate::event::Caller;
use crate::failures;
use crate::id::DownloadId;
use crate::record::{App, InstallKind, InstallStage, KeepData, Owed, Phase};
use crate::transition::{cancel, fail, files, install, place, pump, uninstall};
use crate::work::Work;

pub(crate) fn change_requested(
    w: &mut Work<'_>,
    caller: Caller,
    id: DownloadId,
    action: QueueAction,
) {
    let outcome = change(w, id, action);
    w.answer_at_once(caller.request, outcome.map(|()| Reply::Changed));
}

fn change(w: &mut Work<'_>, id: DownloadId, action: QueueAction) -> Result<(), Failure> {
    let ended = w.file(id).is_some_and(|file| file.outcome().is_some());
    if ended || (w.download(id).is_none() && w.file(id).is_none()) {
        return Err(failures::download_not_scheduled(id));
    }
    match action {
        QueueAction::Pause => pause(w, id, true),
        QueueAction::Resume => pause(w, id, false),
        QueueAction::Promote => {
            pause(w, id, false);
            w.live_mut().files.promote(id, None);
            place::reclass(w, id);
        }
        QueueAction::Cancel if w.file(id).is_some() => {
            let failure = failures::file_cancelled(w.file(id).map_or("", |file| file.name()));
            if !files::give_up(w, id, &failure) {
                return Err(failures::download_not_scheduled(id));
            }
        }
        _ => cancel::cancel(w, id)?,
    }
    Ok(())
}

fn pause(w: &mut Work<'_>, id: DownloadId, paused: bool) {
    if let Some(download) = w.download_mut(id) {
        download.paused = paused;
    }
    if let Some(file) = w.file_mut(id) {
        file.paused = paused;
    }
    match w.live().order_of(id) {
        Some((order, _)) if paused => pump::stop(w, order),
        Some(_) => {}
        None => {
            place::place(w, id);
            if paused {
                pump::tell_paused(w, id);
            }
        }
    }
}

pub(crate) fn file_cancel_requested(
    w: &mut Work<'_>,
    caller: Caller,
    app: &AppId,
    identifier: &str,
) {
    let outcome = match w.live().files.find(app, identifier) {
        Some(id) if files::give_up(w, id, &failures::file_cancelled(identifier)) => {
            Ok(Reply::Cancelled)
        }
        _ => Err(failures::file_not_scheduled(identifier)),
    };
    w.answer_at_once(caller.request, outcome);
}

pub(crate) fn installation_controlled(
    w: &mut Work<'_>,
    caller: Caller,
    app: &AppId,
    action: InstallationAction,
) {
    let outcome = match w.app(app).map(|record| record.installation().cloned()) {
        None => Err(failures::app_not_found(app)),
        Some(None) => Err(failures::not_installing(app)),
        Some(Some(installation)) => {
            match action {
                InstallationAction::Pause => pause_installation(w, app, true),
                InstallationAction::Resume => pause_installation(w, app, false),
                _ => cancel_installation(w, app, installation.kind, installation.stage),
            }
            Ok(Reply::Changed)
        }
    };
    w.answer_at_once(caller.request, outcome);
}

fn pause_installation(w: &mut Work<'_>, app: &AppId, paused: bool) {
    if let Some(record) = w.app_mut(app)
        && let Phase::Installing(installation) = &mut record.phase
    {
        installation.paused = paused;
    }
    for id in w.live().essential.get(app).cloned().unwrap_or_default() {
        match w.live().order_of(id) {
            Some((order, _)) if paused => pump::stop(w, order),
            Some(_) => {}
            None => place::place(w, id),
        }
    }
}

/// Ends an installation: a first one is undone, an update goes on without what has not arrived.
fn cancel_installation(w: &mut Work<'_>, app: &AppId, kind: InstallKind, stage: InstallStage) {
    if kind == InstallKind::First {
        return uninstall::begin(w, app, KeepData::Keep);
    }
    pause_installation(w, app, false);
    match stage {
        InstallStage::Files => {
            if let Some(record) = w.app_mut(app)
                && let Phase::Installing(installation) = &mut record.phase
            {
                installation.cancelled = true;
            }
            stop_preparation(w, app);
        }
        InstallStage::Install => install::without_catalog(w, app),
        InstallStage::Essential => do_without(w, app),
    }
}

/// Has a cancelled update leave off putting its files in place, if it still does.
pub(crate) fn stop_preparation(w: &mut Work<'_>, app: &AppId) {
    if w.app(app).and_then(App::installation).is_none_or(|installation| !installation.cancelled) {
        return;
    }
    let preparing = w.records().owed().find_map(|(id, owed)| match owed {
        Owed::PrepareApp { app: of } if of == app => Some(id),
        _ => None,
    });
    if let Some(order) = preparing {
        w.emit_stop(order);
    }
}

/// Ends what an installation waits for: it goes on without.
pub(crate) fn do_without(w: &mut Work<'_>, app: &AppId) {
    let failure = failures::installation_cancelled(app);
    for id in w.live().essential.get(app).cloned().unwrap_or_default() {
        if w.file(id).is_some() {
            files::give_up(w, id, &failure);
        } else if w.download(id).is_some_and(|d| d.demand == Demand::Essential) {
            fail::miss(w, id, &failure);
            place::reclass(w, id);
        }
    }
}
