//! A catalog arrives: what is offered changes, and everything that waited for it goes on.

use std::collections::{BTreeMap, BTreeSet};

use headstart_model::app_bundle::AppVersion;
use headstart_model::catalog::CatalogPack;
use headstart_model::protocol::packs::Trust as PackTrust;
use headstart_model::{AppId, ContentRequest, ErrorKind, Failure, PackId, ReleaseNumber};

use crate::ask;
use crate::class::Demand;
use crate::effect::{ArchivedOffer, Reply, Withheld};
use crate::failures;
use crate::id::{EffectId, PackKey, RequestId};
use crate::live::{CatalogSeen, Hold, Subject, Wait};
use crate::record::{
    App, Asking, Download, Freshness, Leaving, Pack, Source, Stage, Switch, Unreadable,
};
use crate::transition::content::Chosen;
use crate::transition::end::Staged;
use crate::transition::listing::Listing;
use crate::transition::{
    begin, calls, check, content, end, ensure, install, languages, late, reconcile, switch,
    unmanaged,
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
        record.manifest_tag = None;
    }
    let packs = packs.into_iter().map(|pack| Listed { pack, archive: None });
    take_offers(w, &app, packs.collect(), &BTreeSet::new());
    succeeded(w, &app, effect);
}

/// A pack that is offered, and where its archive lies if nobody signed it.
struct Listed {
    pack: CatalogPack,
    archive: Option<String>,
}

/// A plain download manifest has come. `Spec: packs 4.1`: it counts as a catalog counts, and nothing in it is signed.
pub(crate) fn manifest_read(
    w: &mut Work<'_>,
    effect: EffectId,
    packs: Vec<ArchivedOffer>,
    unreadable: Vec<(PackId, Unreadable)>,
    tag: Option<String>,
) {
    let Some(app) = check::end(w, effect) else { return };
    // Something signed may have become readable since the manifest was asked for.
    if let Err(failure) = unmanaged::check_alone(w, &app) {
        return check::failed(w, &app, &failure, Some(effect));
    }
    if let Some(record) = w.app_mut(&app) {
        // It has no number, and is as good as one.
        record.release = Some(ReleaseNumber(0));
        record.manifest_tag = tag;
    }
    let attempts = w.live().check_attempts.get(&app).copied().unwrap_or_default();
    let listing = Listing::read(w, &packs, &unreadable);
    let attempts = listing.attempts_left(&Listing::held(w, &app), attempts);
    let listed = unreadable.iter().map(|(id, _)| id.clone()).collect();
    let packs = packs.into_iter();
    let packs = packs.map(|offer| Listed { pack: offer.pack, archive: Some(offer.archive) });
    take_offers(w, &app, packs.collect(), &listed);
    let reasons: Vec<ErrorKind> = unreadable.iter().map(|(_, it)| it.failure.kind).collect();
    for (id, pack) in unreadable {
        w.pack_mut(&PackKey::new(app.clone(), id)).unreadable = Some(Box::new(pack));
    }
    succeeded(w, &app, effect);
    if !reasons.is_empty() {
        check::want_soon(w, &app, &reasons, attempts.saturating_add(1));
    }
}

pub(crate) fn unchanged(w: &mut Work<'_>, effect: EffectId) {
    let Some(app) = check::end(w, effect) else { return };
    let Some(record) = w.app(&app) else { return };
    if record.release.is_none() {
        // It is what was held when it was asked for; what is held by now is not for this version of the app.
        return check::want(w, &app);
    }
    if matches!(record.source(), Source::DownloadManifest(_))
        && let Err(failure) = unmanaged::check_alone(w, &app)
    {
        return check::failed(w, &app, &failure, Some(effect));
    }
    succeeded(w, &app, effect);
}

/// Takes the offers for this platform over. `Spec: concepts 5.1`. Downloads under way turn to what is offered now, also when
/// that is an older version: a publisher who goes back means it.
/// Packs of `kept` are listed too, and what was offered of them before is offered still.
fn take_offers(w: &mut Work<'_>, app: &AppId, packs: Vec<Listed>, kept: &BTreeSet<PackId>) {
    let platform = w.device().platform;
    let Some(version) = w.app(app).map(|record| record.bundle.version.clone()) else { return };
    let mut withheld: BTreeMap<PackId, Listed> = BTreeMap::new();
    let mut offers: BTreeMap<PackId, Listed> = BTreeMap::new();
    for Listed { pack, archive } in packs.into_iter().filter(|it| it.pack.is_for(platform)) {
        let chosen = choose(&pack, &version);
        if chosen.as_ref().is_none_or(|chosen| !chosen.is_of(&pack)) {
            let newest = Listed { pack: pack.alone(), archive: archive.clone() };
            withheld.insert(pack.id.clone(), newest);
        }
        if let Some(chosen) = chosen {
            offers.insert(chosen.id.clone(), Listed { pack: chosen, archive });
        }
    }
    let known = w.records().packs_of(app).filter(|(_, pack)| {
        pack.offer.is_some() || pack.withheld.is_some() || pack.unreadable.is_some()
    });
    let known: Vec<_> = known.map(|(key, _)| key.clone()).collect();
    for key in known {
        if w.pack(&key).is_some_and(|pack| pack.unreadable.is_some() || pack.suspect) {
            let pack = w.pack_mut(&key);
            (pack.unreadable, pack.suspect) = (None, false);
        }
        if kept.contains(&key.pack) {
            continue;
        }
        withhold(w, &key, withheld.remove(&key.pack));
        if !offers.contains_key(&key.pack) {
            withdraw(w, &key);
        }
    }
    for (id, newest) in withheld {
        withhold(w, &PackKey::new(app.clone(), id), Some(newest));
    }
    for (id, offer) in offers {
        take_offer(w, &PackKey::new(app.clone(), id), offer.pack, offer.archive);
    }
    if w.is_updating(app) {
        begin::others(w, app);
    }
}

/// Notes the newest entry of a pack, if it is not for this version of the app.
fn withhold(w: &mut Work<'_>, key: &PackKey, newest: Option<Listed>) {
    let (newest, archive) = newest.map_or((None, None), |it| (Some(it.pack), it.archive));
    let noted = |pack: &Pack| {
        pack.withheld.as_deref() == newest.as_ref() && pack.withheld_archive == archive
    };
    if !w.pack(key).is_some_and(noted) {
        let pack = w.pack_mut(key);
        pack.withheld = newest.map(Box::new);
        pack.withheld_archive = archive;
    }
}

/// What this version of the app may have of a pack. `Ours:` an old build is never given what breaks it.
fn choose(pack: &CatalogPack, version: &str) -> Option<CatalogPack> {
    match AppVersion::new(version) {
        Ok(version) => pack.choose(&version),
        // Bundles have good versions; a record that has none may have what is for all.
        Err(_) => pack.app_versions.is_none().then(|| pack.alone()),
    }
}

/// The app has another version: what is offered now may not be for it. The next catalog, which is looked at anew, says what is.
pub(crate) fn app_changed(w: &mut Work<'_>, app: &AppId) {
    let Some(record) = w.app(app) else { return };
    let version = record.bundle.version.clone();
    let ranged = |pack: &Pack| {
        pack.withheld.is_some() || pack.offer.as_ref().is_some_and(|o| o.app_versions.is_some())
    };
    let packs = w.records().packs_of(app).filter(|(_, pack)| ranged(pack));
    let packs: Vec<PackKey> = packs.map(|(key, _)| key.clone()).collect();
    if packs.is_empty() {
        return;
    }
    if let Some(record) = w.app_mut(app) {
        record.release = None;
    }
    for key in packs {
        let Some(offer) = w.pack(&key).and_then(|pack| pack.offer.clone()) else { continue };
        if choose(&offer, &version).is_some() {
            continue;
        }
        let pack = w.pack_mut(&key);
        if pack.withheld.is_none() {
            pack.withheld = Some(Box::new(offer));
            pack.withheld_archive = pack.archive.take();
        }
        withdraw(w, &key);
    }
}

/// The pack is no longer offered. One that is complete already is put in place, and is obsolete then.
pub(crate) fn withdraw(w: &mut Work<'_>, key: &PackKey) {
    let pack = w.pack_mut(key);
    pack.offer = None;
    pack.archive = None;
    pack.missed = None;
    pack.owed = None;
    let Some(id) = pack.download else { return };
    let withheld = pack.withheld.clone();
    // One that is complete is put in place, unless it is not for this version of the app.
    let in_time = |download: &Download| {
        download.is_open() || (withheld.is_some() && download.stage == Stage::Built)
    };
    if w.download(id).is_some_and(in_time) {
        let failure = match &withheld {
            Some(newest) => failures::other_app_version(newest),
            None => failures::pack_withdrawn(&key.pack),
        };
        end::conclude_failed(w, id, &failure, Staged::Discard);
    }
}

fn take_offer(w: &mut Work<'_>, key: &PackKey, offer: CatalogPack, archive: Option<String>) {
    let present = w.pack(key);
    let same = |pack: &Pack| pack.offer.as_ref() == Some(&offer) && pack.archive == archive;
    if present.is_some_and(same) {
        return;
    }
    let obsolete = present.is_some_and(|pack| pack.leaving == Some(Leaving::Obsolete));
    let local = present.and_then(|pack| pack.local).filter(|local| local.is(&offer));
    if let Some(local) = local.filter(|local| archive.is_none() && !local.trust.is_signed()) {
        // What was compared with this very content has a signature from now on.
        w.set_local(key, Some(local.vouched_by(PackTrust::Signed)));
        // Others that are not signed make way for it.
        w.want_switch(&key.app);
    }
    let pack = w.pack_mut(key);
    pack.offer = Some(offer);
    pack.archive = archive;
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
    ask::is_switching(w.state(), key)
}

fn succeeded(w: &mut Work<'_>, app: &AppId, effect: EffectId) {
    let now = w.now.wall;
    let Some(record) = w.app_mut(app) else { return };
    record.checked_at = Some(now);
    let failed_before = record.check_failure.take().map(|check| check.failure);
    let request = record.content_request.take();
    if request.is_some() || record.requested_at.is_none() {
        record.requested_at = Some(now);
    }
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
    late::go_on(w, app);
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
    if record.asking.as_ref().is_some_and(|asking| asking.late) {
        // It would go unasked. When that question has been answered there is another check.
        return check::add_request(w, app, request);
    }
    let asks = record.asking.is_none() && calls::has_say(record, request);
    if asks && !content::candidates(w, app, request).is_empty() {
        if let Some(record) = w.app_mut(app) {
            record.asking = Some(Asking { request, failed_before, late: false });
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
    let mut withheld = Vec::new();
    for (key, pack) in w.records().packs_of(app) {
        if let Some(newest) = pack.withheld.as_ref().filter(|_| pack.local.is_some()) {
            withheld.extend(Withheld::of(newest));
        }
        if pack.leaving == Some(Leaving::Obsolete) {
            reply.1.push(key.pack.clone());
        } else if pack.local.is_some() && pack.download.is_some() {
            reply.0.push(key.pack.clone());
        }
    }
    Reply::Checked { updating: reply.0, removed: reply.1, withheld }
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
