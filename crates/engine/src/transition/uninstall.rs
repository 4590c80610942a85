//! The end of an app: everything that goes on for it ends first, then what it leaves behind is removed.

use headstart_model::{AppId, Failure};

use crate::effect::Reply;
use crate::event::Caller;
use crate::failures;
use crate::id::{EffectId, PackKey, RequestId};
use crate::live::{Subject, Wait};
use crate::record::{App, KeepData, Owed, Pack, Phase};
use crate::transition::{calls, end, files, groups, pump};
use crate::work::Work;

pub(crate) fn requested(w: &mut Work<'_>, caller: Caller, app: &AppId, data: KeepData) {
    let Some(leaving) = w.app(app).map(App::is_leaving) else {
        w.answer_at_once(caller.request, Err(failures::app_not_found(app)));
        return;
    };
    if !leaving {
        begin(w, app, data);
    }
    w.live_mut().requests.open(caller, app.clone(), Wait::Uninstall);
    w.live_mut().requests.attach(caller.request, Subject::Uninstall(app.clone()));
}

/// Makes an installation that has failed wait until everything of it is gone.
pub(crate) fn await_end(w: &mut Work<'_>, request: RequestId, app: &AppId, failure: &Failure) {
    w.live_mut().requests.detach(request, &Subject::Launch(app.clone()));
    w.live_mut().requests.attach(request, Subject::Uninstall(app.clone()));
    if let Some(request) = w.live_mut().requests.find_mut(request) {
        request.wait = Wait::Cleared(failure.clone());
    }
}

/// Begins to remove an app: its calls and downloads end, what runs is told to stop.
pub(crate) fn begin(w: &mut Work<'_>, app: &AppId, data: KeepData) {
    groups::leaving(w, app, data);
    if let Some(record) = w.app_mut(app) {
        record.phase = Phase::Removing(data);
        record.content_request = None;
    }
    calls::forget_all(w, app);
    files::forget_all(w, app);
    for request in w.live().requests.of_app(app) {
        let failure = match w.live().requests.find(request).map(|r| &r.wait) {
            Some(Wait::Cleared(_)) => continue,
            Some(Wait::Launch) => failures::installation_cancelled(app),
            _ => failures::app_being_removed(app),
        };
        w.answer(request, Err(failure));
    }
    for id in w.live().downloads.get(app).cloned().unwrap_or_default() {
        let Some(pack) = w.download(id).map(|download| download.key.pack.clone()) else { continue };
        end::conclude_failed(w, id, &failures::cancelled(&pack), end::Staged::Keep);
    }
    for id in w.live().owed.get(app).cloned().unwrap_or_default() {
        wind_down(w, id);
    }
    w.live_mut().checks_waiting.remove(app);
    go_on(w, app);
}

fn wind_down(w: &mut Work<'_>, id: EffectId) {
    if w.live().parked.contains(&id) {
        // Whatever it was to remove goes with the rest; a switch that failed changes nothing any more.
        forget(w, id);
        return;
    }
    match w.records().owed.get(&id) {
        Some(Owed::PrepareApp { .. } | Owed::FetchCatalog { .. }) => w.emit_stop(id),
        Some(Owed::Plan { .. } | Owed::Transfer { .. } | Owed::FetchFile { .. }) => {
            pump::stop(w, id);
        }
        _ => {}
    }
}

fn forget(w: &mut Work<'_>, id: EffectId) {
    match w.end_order(id) {
        Some(Owed::Switch { app, .. }) => {
            if let Some(record) = w.app_mut(&app) {
                record.switch = None;
            }
        }
        Some(Owed::RemoveVersion { key, .. }) => {
            w.pack_mut(&key).retired.retain(|retired| retired.removal != id);
        }
        _ => {}
    }
}

/// Removes what is left when the last effect of a leaving app has ended. Called after each.
pub(crate) fn go_on(w: &mut Work<'_>, app: &AppId) {
    let Some(Phase::Removing(data)) = w.app(app).map(|record| &record.phase) else { return };
    let data = *data;
    if !w.live().owed.contains_key(app) {
        w.start(Owed::RemoveAppData { app: app.clone(), data });
    }
}

/// An effect of a leaving app ended because it was told to; of one that stays, as if it had failed.
pub(crate) fn stopped(w: &mut Work<'_>, effect: EffectId) {
    match w.records().owed.get(&effect) {
        Some(Owed::FetchCatalog { .. }) => {
            crate::transition::check::reported_failed(w, effect, &failures::offline());
        }
        Some(Owed::PrepareApp { app }) => {
            let failure = failures::installation_cancelled(app);
            crate::transition::install::prepare_failed(w, effect, &failure);
        }
        Some(Owed::Plan { .. } | Owed::Transfer { .. }) => {
            crate::transition::transfer::stopped(w, effect);
        }
        Some(Owed::FetchFile { .. }) => files::stopped(w, effect),
        _ => {}
    }
}

/// What the app left behind is gone: so is its record. Packs that were kept stay on record for the next installation.
pub(crate) fn removed(w: &mut Work<'_>, app: &AppId, data: KeepData) {
    for key in w.records().packs_of(app).map(|(key, _)| key.clone()).collect::<Vec<_>>() {
        forget_pack(w, &key, data);
    }
    groups::left(w, app, data);
    w.drop_app(app);
    tell_failed(w, app);
    for request in w.live().requests.waiting_for(&Subject::Uninstall(app.clone())) {
        w.answer(request, Ok(Reply::Uninstalled));
    }
}

/// Tells whoever waited for the end of a failed installation: it has come, or it takes longer than they should wait.
pub(crate) fn tell_failed(w: &mut Work<'_>, app: &AppId) {
    for request in w.live().requests.waiting_for(&Subject::Uninstall(app.clone())) {
        if let Some(Wait::Cleared(failure)) =
            w.live().requests.find(request).map(|request| request.wait.clone())
        {
            w.answer(request, Err(failure));
        }
    }
}

fn forget_pack(w: &mut Work<'_>, key: &PackKey, data: KeepData) {
    w.set_leaving(key, None);
    w.set_asked(key, None);
    let pack = w.pack_mut(key);
    let local = pack.local.filter(|_| data == KeepData::Keep);
    let unmanaged = pack.unmanaged.take().filter(|_| local.is_some());
    *pack = Pack { local, unmanaged, ..Pack::default() };
}
