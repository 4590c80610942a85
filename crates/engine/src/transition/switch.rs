//! Versions become live: all that are ready at one time in one step, one step of an app after another.

use std::collections::BTreeSet;

use headstart_model::protocol::packs::Trust as PackTrust;
use headstart_model::{AppId, Failure, PackId};

use crate::class::Demand;
use crate::effect::Reply;
use crate::id::{DownloadId, EffectId, PackKey};
use crate::live::{Subject, Wait};
use crate::record::{App, Leaving, LocalVersion, Owed, Stage, SwitchItem};
use crate::transition::fail::ESSENTIAL_ATTEMPTS;
use crate::transition::{begin, end, ensure, fail, reconcile, removal, uninstall, unmanaged};
use crate::work::Work;

/// Starts the switches that this event has made possible.
pub(crate) fn run(w: &mut Work<'_>) {
    while let Some(app) = w.next_switch() {
        start(w, &app);
    }
}

fn start(w: &mut Work<'_>, app: &AppId) {
    if w.app(app).is_none_or(|record| record.switch.is_some() || record.is_leaving()) {
        return;
    }
    let mut built = w.live().built.get(app).cloned().unwrap_or_default();
    if w.live().updating.contains_key(app) {
        built.retain(|id| !waits_for_others(w, *id));
    }
    unmanaged::turn_away(w, app, &mut built);
    let mut items: Vec<SwitchItem> = built.iter().filter_map(|id| item_of(w, *id)).collect();
    let leaving = w.live().leaving.get(app).cloned().unwrap_or_default();
    items.extend(leaving.into_iter().filter_map(|pack| leaving_item(w, app, pack)));
    items.extend(unmanaged::giving_way(w, app, (&built, &items)));
    if items.is_empty() {
        return;
    }
    let order = w.order(Owed::Switch { app: app.clone(), items });
    for id in built {
        w.set_stage(id, Stage::Switching(order));
    }
    if let Some(record) = w.app_mut(app) {
        record.switch = Some(order);
    }
    w.issue(order);
}

/// Whether a version that is complete becomes live together with others. `Spec: packs 8.3`: whoever reads several packs sees
/// one release.
fn waits_for_others(w: &Work<'_>, id: DownloadId) -> bool {
    let Some(download) = w.download(id) else { return false };
    let replaces = w.pack(&download.key).is_some_and(|pack| pack.local.is_some());
    replaces && download.demand != Demand::Essential
}

fn item_of(w: &Work<'_>, id: DownloadId) -> Option<SwitchItem> {
    let download = w.download(id)?;
    let to = Some(download.target);
    Some(SwitchItem { pack: download.key.pack.clone(), to })
}

/// The item that takes a pack away; none while a version of it is on its way in.
fn leaving_item(w: &Work<'_>, app: &AppId, pack: PackId) -> Option<SwitchItem> {
    let record = w.pack(&PackKey::new(app.clone(), pack.clone()))?;
    let ready = record.local.is_some() && record.download.is_none();
    ready.then_some(SwitchItem { pack, to: None })
}

/// Takes a switch off the record; none when `effect` is no switch.
fn end_switch(w: &mut Work<'_>, effect: EffectId) -> Option<(AppId, Vec<SwitchItem>)> {
    let Some(Owed::Switch { app, items }) = w.records().owed.get(&effect).cloned() else {
        return None;
    };
    w.end_order(effect);
    if let Some(record) = w.app_mut(&app) {
        record.switch = None;
    }
    Some((app, items))
}

pub(crate) fn switched(w: &mut Work<'_>, effect: EffectId) {
    let Some((app, items)) = end_switch(w, effect) else { return };
    // All versions first, what follows from them after: nobody may see half of a switch.
    let keys: Vec<_> = items.iter().map(|i| PackKey::new(app.clone(), i.pack.clone())).collect();
    for (key, item) in keys.iter().zip(&items) {
        set_local(w, key, item.to);
    }
    if w.app(&app).is_none_or(App::is_leaving) {
        uninstall::go_on(w, &app);
        return;
    }
    for (key, item) in keys.iter().zip(&items) {
        match item.to {
            Some(_) => arrived(w, key),
            None => left(w, key),
        }
    }
    unmanaged::step_ended(w, &keys);
    w.want_switch(&app);
}

fn set_local(w: &mut Work<'_>, key: &PackKey, to: Option<LocalVersion>) {
    let to = to.map(|to| vouched(w, key, to));
    let before = w.set_local(key, to);
    let replaced = before.filter(|before| to.is_none_or(|to| !to.is_same(before)));
    if let Some(version) = replaced {
        removal::retire(w, key, version);
    }
}

/// A signature may have come for the very content of a version while the step to it was made.
fn vouched(w: &Work<'_>, key: &PackKey, version: LocalVersion) -> LocalVersion {
    let signed = w.pack(key).is_some_and(|pack| {
        pack.archive.is_none() && pack.offer.as_ref().is_some_and(|offer| version.is(offer))
    });
    if signed { version.vouched_by(PackTrust::Signed) } else { version }
}

/// A version has become live. If the catalog has moved on meanwhile, the update follows at once.
fn arrived(w: &mut Work<'_>, key: &PackKey) {
    if let Some(id) = w.pack(key).and_then(|pack| pack.download) {
        unmanaged::described(w, key, id);
        end::conclude_finished(w, id);
    }
    let behind = w.pack(key).is_some_and(|pack| {
        pack.news().is_some() && pack.leaving.is_none() && pack.download.is_none()
    });
    if behind {
        begin::begin(w, key, Demand::Update);
    }
}

/// A pack has left the namespace, or never came to be in it.
fn left(w: &mut Work<'_>, key: &PackKey) {
    let now = w.now.wall;
    let asked = w.pack(key).is_some_and(|pack| pack.leaving == Some(Leaving::Asked));
    w.set_leaving(key, None);
    let pack = w.pack_mut(key);
    pack.removed_at = asked.then_some(now);
    pack.by_request = false;
    pack.unmanaged = None;
    tell_removed(w, key);
}

/// A download has ended without success. If its pack was to go after it, it goes now.
pub(crate) fn leave_now(w: &mut Work<'_>, key: &PackKey) {
    let Some(pack) = w.pack(key).filter(|pack| pack.leaving.is_some()) else { return };
    if pack.local.is_none() {
        left(w, key);
    } else {
        w.want_switch(&key.app);
    }
}

/// Lets go on who waited for a pack to leave the namespace.
pub(crate) fn tell_removed(w: &mut Work<'_>, key: &PackKey) {
    let subject = Subject::Removal(key.clone());
    for request in w.live().requests.waiting_for(&subject) {
        w.live_mut().requests.detach(request, &subject);
        match w.live().requests.find(request).map(|r| &r.wait) {
            Some(Wait::Ensure(_)) => ensure::advance(w, request),
            Some(Wait::Clearing(_)) => {
                reconcile::removed_one(w, request, &key.pack);
                reconcile::answer_if_done(w, request);
            }
            _ => w.answer(request, Ok(Reply::Removed)),
        }
    }
}

/// A switch failed and changed nothing. What is damaged is fetched again; the rest is tried again, and whoever cannot wait
/// is told.
pub(crate) fn failed(w: &mut Work<'_>, effect: EffectId, failure: &Failure, damaged: &[PackId]) {
    let Some(Owed::Switch { app, items }) = w.records().owed.get(&effect).cloned() else { return };
    if w.app(&app).is_none_or(App::is_leaving) {
        end_switch(w, effect);
        uninstall::go_on(w, &app);
        return;
    }
    let damaged: BTreeSet<&PackId> =
        damaged.iter().filter(|pack| items.iter().any(|item| item.pack == **pack)).collect();
    if damaged.is_empty() {
        removal::park(w, effect);
        tell_waiters(w, effect, &app, &items, failure);
        return;
    }
    end_switch(w, effect);
    for item in &items {
        give_back(w, &app, item, damaged.contains(&item.pack), failure);
    }
    let keys = items.iter().map(|item| PackKey::new(app.clone(), item.pack.clone()));
    unmanaged::step_ended(w, &keys.collect::<Vec<_>>());
    w.want_switch(&app);
}

fn tell_waiters(
    w: &mut Work<'_>,
    effect: EffectId,
    app: &AppId,
    items: &[SwitchItem],
    failure: &Failure,
) {
    let attempts = w.live().order_attempts.get(&effect).copied().unwrap_or_default();
    for item in items {
        let key = PackKey::new(app.clone(), item.pack.clone());
        if item.to.is_none() {
            tell_remover(w, &key, failure);
        } else if let Some(id) = w.pack(&key).and_then(|pack| pack.download) {
            let essential = w.download(id).is_some_and(|d| d.demand == Demand::Essential);
            if !essential {
                tell_ensurers(w, id, &item.pack, failure);
            } else if attempts >= ESSENTIAL_ATTEMPTS {
                fail::miss(w, id, failure);
            }
        }
    }
}

/// The version is complete and becomes live at a later attempt; who waits for it now is told that it is not there.
fn tell_ensurers(w: &mut Work<'_>, id: DownloadId, pack: &PackId, failure: &Failure) {
    for request in w.live().requests.waiting_for(&Subject::Download(id)) {
        let end = crate::live::PackEnd::Failed(failure.clone());
        ensure::pack_ended(w, request, pack, end);
    }
}

fn tell_remover(w: &mut Work<'_>, key: &PackKey, failure: &Failure) {
    for request in w.live().requests.waiting_for(&Subject::Removal(key.clone())) {
        let wait = w.live().requests.find(request).map(|r| &r.wait);
        if matches!(wait, Some(Wait::Removal | Wait::Clearing(_))) {
            w.answer(request, Err(failure.clone()));
        }
    }
}

/// Takes a pack of a failed switch back to where it was before.
fn give_back(w: &mut Work<'_>, app: &AppId, item: &SwitchItem, damaged: bool, failure: &Failure) {
    let key = PackKey::new(app.clone(), item.pack.clone());
    let Some(id) = w.pack(&key).and_then(|pack| pack.download) else { return };
    if item.to.is_none() {
        // It was to go, whatever is on its way.
        return;
    }
    if !damaged {
        w.set_stage(id, Stage::Built);
        return;
    }
    w.set_stage(id, Stage::Waiting);
    if w.pack(&key).is_some_and(|pack| pack.offer.is_some() && pack.leaving.is_none()) {
        fail::attempt_failed(w, id, failure);
        begin::retarget(w, id);
    } else {
        // Nothing is offered that could be fetched instead, or nobody wants it any more.
        end::conclude_failed(w, id, failure, end::Staged::Discard);
    }
}
