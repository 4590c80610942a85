//! Packs and versions that go: on request, because they are obsolete, or because another version is live.

use headstart_model::{AppId, Failure, PackId};

use crate::backoff::backoff_ms;
use crate::class::Class;
use crate::effect::Reply;
use crate::event::Caller;
use crate::failures;
use crate::id::{EffectId, PackKey};
use crate::live::{Subject, Timer, Wait};
use crate::record::{App, Leaving, LocalVersion, Owed, Retired, Stage};
use crate::transition::end::Staged;
use crate::transition::{begin, end, late, place, uninstall, unmanaged};
use crate::work::Work;

/// Longest time between two looks whether a version is still read, in milliseconds.
const LEASE_POLL_MAX_MS: u64 = 10 * 60 * 1000;

/// Somebody wants a pack's local copy gone. `Spec: concepts 8`. It comes back when somebody asks for it, or when an update
/// event selects it.
pub(crate) fn requested(w: &mut Work<'_>, caller: Caller, app: &AppId, pack: &PackId) {
    let request = caller.request;
    match w.app(app) {
        None => return w.answer_at_once(request, Err(failures::app_not_found(app))),
        Some(record) if record.is_leaving() => {
            return w.answer_at_once(request, Err(failures::app_being_removed(app)));
        }
        Some(_) => {}
    }
    let key = PackKey::new(app.clone(), pack.clone());
    if w.pack(&key).is_none() {
        return w.answer_at_once(request, Err(failures::pack_not_found(app, pack)));
    }
    if !begin(w, &key, Leaving::Asked) {
        return w.answer_at_once(request, Ok(Reply::Removed));
    }
    w.live_mut().requests.open(caller, app.clone(), Wait::Removal);
    w.live_mut().requests.attach(request, Subject::Removal(key));
}

/// Has a pack leave the namespace at the next switch; false when nothing of it is there.
pub(crate) fn begin(w: &mut Work<'_>, key: &PackKey, leaving: Leaving) -> bool {
    cancel_download(w, key);
    late::forget(w, key);
    let (local, download) = w.pack(key).map_or((None, None), |pack| (pack.local, pack.download));
    if local.is_none() && download.is_none() {
        return false;
    }
    w.set_leaving(key, Some(leaving));
    w.want_switch(&key.app);
    true
}

/// Ends the download of a pack that is to go. One that is just being put in place is removed after that.
fn cancel_download(w: &mut Work<'_>, key: &PackKey) {
    let Some(id) = w.pack(key).and_then(|pack| pack.download) else { return };
    if !w.download(id).is_some_and(|download| matches!(download.stage, Stage::Switching(_))) {
        end::conclude_failed(w, id, &failures::cancelled(&key.pack), Staged::Discard);
    }
}

/// Has a version removed that is no longer live, as soon as nobody reads it.
pub(crate) fn retire(w: &mut Work<'_>, key: &PackKey, version: LocalVersion) {
    let removal = w.start(Owed::RemoveVersion { key: key.clone(), version });
    w.pack_mut(key).retired.push(Retired { version, removal });
}

/// A removal has been carried out.
pub(crate) fn done(w: &mut Work<'_>, effect: EffectId) {
    match w.records().owed.get(&effect).cloned() {
        Some(Owed::RemoveVersion { key, .. }) => {
            w.end_order(effect);
            w.pack_mut(&key).retired.retain(|retired| retired.removal != effect);
            settle(w, &key);
        }
        Some(Owed::Discard { key }) => {
            w.end_order(effect);
            settle(w, &key);
        }
        Some(Owed::DiscardFile { app, .. }) => {
            w.end_order(effect);
            uninstall::go_on(w, &app);
        }
        Some(Owed::RemoveAppData { app, data }) => {
            w.end_order(effect);
            uninstall::removed(w, &app, data);
        }
        _ => {}
    }
}

/// Lets the downloads of the pack go on that may have waited for a removal: its own, and that of its archive.
fn settle(w: &mut Work<'_>, key: &PackKey) {
    if w.app(&key.app).is_none_or(App::is_leaving) {
        return uninstall::go_on(w, &key.app);
    }
    if let Some(id) = w.pack(key).and_then(|pack| pack.download)
        && !begin::revive(w, id)
    {
        place::place(w, id);
    }
    unmanaged::step_ended(w, [key]);
}

/// Somebody still reads the version: looks again later. If it is wanted again, it need not go at all.
pub(crate) fn in_use(w: &mut Work<'_>, effect: EffectId) {
    let Some(Owed::RemoveVersion { key, .. }) = w.records().owed.get(&effect).cloned() else {
        return;
    };
    if w.app(&key.app).is_none_or(App::is_leaving) {
        give_up(w, effect, &key);
        return;
    }
    park(w, effect);
    settle(w, &key);
}

/// The app goes and takes the version with it.
fn give_up(w: &mut Work<'_>, effect: EffectId, key: &PackKey) {
    w.end_order(effect);
    w.pack_mut(key).retired.retain(|retired| retired.removal != effect);
    uninstall::go_on(w, &key.app);
}

pub(crate) fn failed(w: &mut Work<'_>, effect: EffectId, _failure: &Failure) {
    match w.records().owed.get(&effect).cloned() {
        Some(Owed::RemoveVersion { .. }) => in_use(w, effect),
        Some(Owed::Discard { key }) => {
            let waited_for = w.pack(&key).is_some_and(|pack| pack.download.is_some())
                || unmanaged::awaiting(w, &key).is_some();
            let leaving = w.app(&key.app).is_none_or(App::is_leaving);
            if waited_for || leaving {
                // What lies there is used by the next download, or goes with the app.
                w.end_order(effect);
                settle(w, &key);
            } else {
                park(w, effect);
            }
        }
        Some(Owed::DiscardFile { app, .. }) if w.app(&app).is_none_or(App::is_leaving) => {
            // It goes with the app.
            w.end_order(effect);
            uninstall::go_on(w, &app);
        }
        Some(Owed::DiscardFile { .. }) => park(w, effect),
        Some(Owed::RemoveAppData { app, .. }) => {
            park(w, effect);
            uninstall::tell_failed(w, &app);
        }
        _ => {}
    }
}

/// Keeps an order that ended without success and issues it again later.
pub(crate) fn park(w: &mut Work<'_>, effect: EffectId) {
    w.live_mut().parked.insert(effect);
    let attempts = w.live_mut().order_attempts.entry(effect).or_default();
    *attempts = attempts.saturating_add(1);
    let attempts = *attempts;
    let wait_ms = backoff_ms(Class::Upkeep, w.device().seed, effect.0, attempts);
    let at = w.now.monotonic.after_ms(wait_ms.min(LEASE_POLL_MAX_MS));
    w.live_mut().timers.set(Timer::Reissue(effect), at);
}
