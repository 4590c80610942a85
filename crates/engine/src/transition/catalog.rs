//! A catalog arrives: what is offered changes, and everything that waited for it goes on.

use std::collections::{BTreeMap, BTreeSet};

use headstart_model::catalog::CatalogPack;
use headstart_model::{AppId, ContentRequest, Failure, PackId, ReleaseNumber};

use crate::class::Demand;
use crate::effect::Reply;
use crate::failures;
use crate::id::{EffectId, PackKey, RequestId};
use crate::live::{CatalogSeen, Hold, Subject, Wait};
use crate::record::{App, Asking, Freshness, Leaving, Owed, Switch};
use crate::transition::content::Chosen;
use crate::transition::end::Staged;
use crate::transition::{
    begin, calls, check, content, end, ensure, install, languages, reconcile, switch,
};
use crate::work::Work;

pub(crate) fn fetched(
    w: &mut Work<'_>,
    effect: EffectId,
    release: ReleaseNumber,
    packs: Vec<CatalogPack>,
) {
    let Some(app) = check::end(w, effect) else { return };
    if let Some(record) = w.app_mut(&app) {
        record.release = Some(release);
    }
    take_offers(w, &app, packs);
    succeeded(w, &app, effect);
}

pub(crate) fn unchanged(w: &mut Work<'_>, effect: EffectId) {
    if let Some(app) = check::end(w, effect) {
        succeeded(w, &app, effect);
    }
}

/// Takes the offers for this platform over. `Spec: concepts 5.1`. Downloads under way turn to what is offered now, also when
/// that is an older version: a publisher who goes back means it.
fn take_offers(w: &mut Work<'_>, app: &AppId, packs: Vec<CatalogPack>) {
    let platform = w.device().platform;
    let offers: BTreeMap<PackId, CatalogPack> = packs
        .into_iter()
        .filter(|pack| pack.is_for(platform))
        .map(|pack| (pack.id.clone(), pack))
        .collect();
    let known = w.records().packs_of(app).filter(|(_, pack)| pack.offer.is_some());
    let gone: Vec<_> = known
        .filter(|(key, _)| !offers.contains_key(&key.pack))
        .map(|(key, _)| key.clone())
        .collect();
    for key in gone {
        withdraw(w, &key);
    }
    for (id, offer) in offers {
        take_offer(w, &PackKey::new(app.clone(), id), offer);
    }
    if w.is_updating(app) {
        begin::others(w, app);
    }
}

/// The pack is no longer offered. One that is complete already is put in place, and is obsolete then.
pub(crate) fn withdraw(w: &mut Work<'_>, key: &PackKey) {
    let pack = w.pack_mut(key);
    pack.offer = None;
    pack.missed = None;
    let Some(id) = pack.download else { return };
    if w.download(id).is_some_and(crate::record::Download::is_open) {
        end::conclude_failed(w, id, &failures::pack_withdrawn(&key.pack), Staged::Discard);
    }
}

fn take_offer(w: &mut Work<'_>, key: &PackKey, offer: CatalogPack) {
    let present = w.pack(key);
    if present.is_some_and(|pack| pack.offer.as_ref() == Some(&offer)) {
        return;
    }
    let obsolete = present.is_some_and(|pack| pack.leaving == Some(Leaving::Obsolete));
    let pack = w.pack_mut(key);
    pack.offer = Some(offer);
    if let Some(id) = pack.download {
        begin::retarget(w, id);
    }
    if obsolete && !is_switching(w, key) {
        // It is offered again before it went.
        w.set_leaving(key, None);
        switch::tell_removed(w, key);
    }
}

/// Whether the switch that is running changes this pack.
pub(crate) fn is_switching(w: &Work<'_>, key: &PackKey) -> bool {
    let order = w.app(&key.app).and_then(|record| record.switch);
    match order.and_then(|order| w.records().owed.get(&order)) {
        Some(Owed::Switch { items, .. }) => items.iter().any(|item| item.pack == key.pack),
        _ => false,
    }
}

fn succeeded(w: &mut Work<'_>, app: &AppId, effect: EffectId) {
    let now = w.now.wall;
    let Some(record) = w.app_mut(app) else { return };
    record.checked_at = Some(now);
    let failed_before = record.check_failure.take().map(|check| check.failure);
    let request = record.content_request.take();
    w.live_mut().check_attempts.remove(app);
    w.live_mut().queue.release(app, Hold::Distrust);
    languages::settle(w, app);
    let language_changed = languages::take_change(w, app);
    if let Some(request) = request {
        carry_out(w, app, request, failed_before);
    }
    if language_changed {
        carry_out(w, app, ContentRequest::LanguageChange, None);
    }
    begin_asked(w, app);
    let later = serve_waiters(w, app, effect);
    install::catalog_arrived(w, app);
    check::arm_period(w, app);
    if later {
        check::want_later(w, app);
    }
}

/// Carries a content request out, or asks the app's extension about it first. Where in-app content is switched off it is owed
/// until the app was launched. `Spec: concepts 5.1, 9`.
fn carry_out(
    w: &mut Work<'_>,
    app: &AppId,
    request: ContentRequest,
    failed_before: Option<Failure>,
) {
    let off = w.records().settings.in_app_content == Switch::Off;
    let Some(record) = w.app(app) else { return };
    let new = matches!(request, ContentRequest::Install | ContentRequest::Update);
    if off && new && record.first_launch.is_none() {
        return check::add_request(w, app, request);
    }
    let asks = record.asking.is_none() && calls::has_say(record, request);
    if asks && !content::candidates(w, app, request).is_empty() {
        if let Some(record) = w.app_mut(app) {
            record.asking = Some(Asking { request, failed_before });
        }
        return w.want_ask(app);
    }
    let chosen = Chosen { failed_before: failed_before.as_ref(), dropped: &BTreeSet::new() };
    content::apply(w, app, request, &chosen);
}

/// Begins what was asked for while no catalog was at hand, whether or not somebody still waits for it.
fn begin_asked(w: &mut Work<'_>, app: &AppId) {
    for id in w.live().asked.get(app).cloned().unwrap_or_default() {
        let key = PackKey::new(app.clone(), id);
        let Some(freshness) = w.pack(&key).and_then(|pack| pack.asked) else { continue };
        w.set_asked(&key, None);
        let Some(pack) = w.pack(&key) else { continue };
        let satisfied = match freshness {
            Freshness::Any => pack.local.is_some(),
            Freshness::Latest => pack.news().is_none(),
        };
        if satisfied || pack.leaving.is_some() {
            continue;
        }
        if begin::begin(w, &key, Demand::Asked).is_some() {
            w.pack_mut(&key).by_request = true;
        }
    }
}

/// Goes on with every call that waited for this catalog. True when somebody waits for a later one.
fn serve_waiters(w: &mut Work<'_>, app: &AppId, effect: EffectId) -> bool {
    let mut later = false;
    let subject = Subject::Catalog(app.clone());
    for request in w.live().requests.waiting_for(&subject) {
        if check::waits_for_later(w, request, Some(effect)) {
            later = true;
            continue;
        }
        w.live_mut().requests.detach(request, &subject);
        if let Some(catalog) = check::catalog_seen(w, request) {
            *catalog = CatalogSeen::Yes;
        }
        serve(w, app, request);
    }
    later
}

fn serve(w: &mut Work<'_>, app: &AppId, request: RequestId) {
    match w.live().requests.find(request).map(|r| &r.wait) {
        Some(Wait::Ensure(_)) => ensure::advance(w, request),
        Some(Wait::Reconcile { .. }) => reconcile::begin(w, app, request),
        Some(Wait::Check { .. }) => {
            let reply = checked(w, app);
            w.answer(request, Ok(reply));
        }
        _ => {}
    }
}

/// The answer to a check for updates.
fn checked(w: &Work<'_>, app: &AppId) -> Reply {
    let mut reply = (Vec::new(), Vec::new());
    for (key, pack) in w.records().packs_of(app) {
        if pack.leaving == Some(Leaving::Obsolete) {
            reply.1.push(key.pack.clone());
        } else if pack.local.is_some() && pack.download.is_some() {
            reply.0.push(key.pack.clone());
        }
    }
    Reply::Checked { updating: reply.0, removed: reply.1 }
}

pub(crate) fn check_requested(w: &mut Work<'_>, caller: crate::event::Caller, app: &AppId) {
    match w.app(app) {
        None => w.answer_at_once(caller.request, Err(failures::app_not_found(app))),
        Some(record) if record.is_leaving() => {
            w.answer_at_once(caller.request, Err(failures::app_being_removed(app)));
        }
        Some(App { check, .. }) => {
            let catalog = CatalogSeen::NotYet { running: *check };
            w.live_mut().requests.open(caller, app.clone(), Wait::Check { catalog });
            w.live_mut().requests.attach(caller.request, Subject::Catalog(app.clone()));
            check::add_request(w, app, ContentRequest::Periodic);
            check::want(w, app);
        }
    }
}
