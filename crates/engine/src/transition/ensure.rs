//! Somebody needs packs to be local. `Spec: concepts 5.3`, `api 2`.
//!
//! Each pack of a call is looked at on its own: it is there, or its download is waited for, or a catalog or a removal has to
//! come first. When the client goes, what it asked for goes on in the background; only a cancellation ends it.

use std::collections::{BTreeMap, BTreeSet};

use headstart_model::{AppId, Failure, PackId, Until};

use crate::class::Demand;
use crate::effect::Reply;
use crate::event::{Caller, Terms};
use crate::failures;
use crate::id::{DownloadId, PackKey, RequestId};
use crate::live::{CatalogSeen, EnsureWait, PackEnd, Purpose, Subject, Wait};
use crate::record::{Freshness, Stage};
use crate::transition::end::{self, Staged};
use crate::transition::{begin, check, place, reconcile};
use crate::work::Work;

pub(crate) fn requested(
    w: &mut Work<'_>,
    caller: Caller,
    app: &AppId,
    packs: Vec<PackId>,
    terms: Terms,
) {
    match w.app(app) {
        None => w.answer_at_once(caller.request, Err(failures::app_not_found(app))),
        Some(record) if record.is_leaving() => {
            w.answer_at_once(caller.request, Err(failures::app_being_removed(app)));
        }
        Some(_) => {
            let wait = EnsureWait {
                terms,
                purpose: Purpose::Ensure,
                open: packs.into_iter().collect(),
                moving: BTreeMap::new(),
                available: BTreeSet::new(),
                failed: BTreeMap::new(),
                catalog: CatalogSeen::NotYet { running: None },
            };
            w.live_mut().requests.open(caller, app.clone(), Wait::Ensure(wait));
            advance(w, caller.request);
        }
    }
}

/// What is next for one pack of a call.
enum Next {
    Available,
    NotOffered,
    Download,
    AwaitRemoval,
    AwaitCatalog,
}

fn next(w: &Work<'_>, key: &PackKey, freshness: Freshness, seen: CatalogSeen) -> Next {
    let seen = seen == CatalogSeen::Yes;
    let Some(pack) = w.pack(key) else {
        return if seen { Next::NotOffered } else { Next::AwaitCatalog };
    };
    let fresh = freshness == Freshness::Any || (seen && pack.news().is_none());
    if pack.is_readable() && fresh {
        Next::Available
    } else if pack.leaving.is_some() {
        Next::AwaitRemoval
    } else if freshness == Freshness::Latest && !seen {
        Next::AwaitCatalog
    } else if pack.offer.is_some() {
        Next::Download
    } else if seen {
        Next::NotOffered
    } else {
        Next::AwaitCatalog
    }
}

fn wait_of<'a>(w: &'a mut Work<'_>, request: RequestId) -> Option<&'a mut EnsureWait> {
    match &mut w.live_mut().requests.find_mut(request)?.wait {
        Wait::Ensure(wait) => Some(wait),
        _ => None,
    }
}

/// Looks again at every pack of the call that is open, and answers when it has what it waits for.
pub(crate) fn advance(w: &mut Work<'_>, request: RequestId) {
    let Some(app) = w.live().requests.find(request).map(|r| r.app.clone()) else { return };
    let Some(wait) = wait_of(w, request) else { return };
    let (terms, seen, mut open) = (wait.terms, wait.catalog, wait.open.clone());
    let freshness = terms.freshness;
    if terms.until == Until::Any {
        // One that is there is enough: nothing is begun for the sake of the others.
        let is_there = |pack: &&PackId| {
            let key = PackKey::new(app.clone(), (*pack).clone());
            matches!(next(w, &key, freshness, seen), Next::Available)
        };
        if let Some(there) = open.iter().find(is_there).cloned() {
            open = BTreeSet::from([there]);
        }
    }
    let mut needs_catalog = false;
    for pack in open {
        let key = PackKey::new(app.clone(), pack);
        match next(w, &key, freshness, seen) {
            Next::Available => end_pack(w, request, &key.pack, PackEnd::Available),
            Next::NotOffered => {
                let known = w.pack(&key).and_then(failures::why_not_offered);
                let failure = known.unwrap_or_else(|| failures::pack_not_found(&app, &key.pack));
                end_pack(w, request, &key.pack, PackEnd::Failed(failure));
            }
            Next::Download => follow(w, request, &key),
            Next::AwaitRemoval => {
                w.live_mut().requests.attach(request, Subject::Removal(key));
            }
            Next::AwaitCatalog => {
                w.set_asked(&key, Some(freshness));
                needs_catalog = true;
            }
        }
    }
    if needs_catalog {
        await_catalog(w, request, &app);
    }
    lift_others(w, request, &app);
    answer_if_done(w, request);
}

/// Who waits for an update waits for those that become live with it too: they are as urgent.
fn lift_others(w: &mut Work<'_>, request: RequestId, app: &AppId) {
    let Some(wait) = wait_of(w, request) else { return };
    let own: BTreeSet<DownloadId> = wait.moving.values().copied().collect();
    let replaces = |id: &DownloadId| {
        let key = w.download(*id).map(|download| &download.key);
        key.and_then(|key| w.pack(key)).is_some_and(|pack| pack.local.is_some())
    };
    if !own.iter().any(replaces) {
        return;
    }
    let others = w.live().updating.get(app).cloned().unwrap_or_default();
    for id in others.difference(&own) {
        w.live_mut().requests.attach(request, Subject::Download(*id));
        place::reclass(w, *id);
    }
}

/// Begins or joins the download of a pack and waits for it.
fn follow(w: &mut Work<'_>, request: RequestId, key: &PackKey) {
    let is_new = w.pack(key).is_some_and(|pack| pack.download.is_none());
    let Some(id) = begin::begin(w, key, Demand::Asked) else { return };
    if is_new && wait_of(w, request).is_some_and(|wait| wait.purpose == Purpose::Ensure) {
        w.pack_mut(key).by_request = true;
    }
    if let Some(wait) = wait_of(w, request) {
        wait.open.remove(&key.pack);
        wait.moving.insert(key.pack.clone(), id);
    }
    w.live_mut().requests.attach(request, Subject::Download(id));
    place::reclass(w, id);
}

fn await_catalog(w: &mut Work<'_>, request: RequestId, app: &AppId) {
    let running = w.app(app).and_then(|record| record.check);
    if let Some(wait) = wait_of(w, request) {
        wait.catalog = CatalogSeen::NotYet { running };
    }
    w.live_mut().requests.attach(request, Subject::Catalog(app.clone()));
    check::want(w, app);
}

/// The catalog that a call waited for could not be had: packs that need it fail, the others go on.
pub(crate) fn catalog_failed(w: &mut Work<'_>, request: RequestId, failure: &Failure) {
    let Some(app) = w.live().requests.find(request).map(|r| r.app.clone()) else { return };
    w.live_mut().requests.detach(request, &Subject::Catalog(app.clone()));
    let Some(wait) = wait_of(w, request) else { return };
    for pack in wait.open.clone() {
        let key = PackKey::new(app.clone(), pack);
        if w.pack(&key).is_some_and(|pack| pack.leaving.is_some()) {
            w.live_mut().requests.attach(request, Subject::Removal(key));
            continue;
        }
        w.set_asked(&key, None);
        let own = conclude_left_behind(w, &key);
        let failure = own.unwrap_or_else(|| failure.clone());
        end_pack(w, request, &key.pack, PackEnd::Failed(failure));
    }
    answer_if_done(w, request);
}

/// Ends the download of a pack that failed for good, existed only for calls, and has none waiting for it any more since they
/// looked for a newer catalog. Gives why it failed.
fn conclude_left_behind(w: &mut Work<'_>, key: &PackKey) -> Option<Failure> {
    let id = w.pack(key)?.download?;
    let download = w.download(id).filter(|download| download.demand == Demand::Asked)?;
    let failure = download.failure.clone().filter(|failure| !failure.kind.is_retryable())?;
    if w.live().requests.waiting_for(&Subject::Download(id)).is_empty() {
        end::conclude_failed(w, id, &failure, Staged::Keep);
    }
    Some(failure)
}

/// The download that a call waited for has become the live version; with [`Freshness::Latest`] a still newer one may be
/// offered by now.
pub(crate) fn download_finished(
    w: &mut Work<'_>,
    request: RequestId,
    pack: &PackId,
    id: DownloadId,
) {
    w.live_mut().requests.detach(request, &Subject::Download(id));
    // One that was only waited for on account of others is none of the call's packs.
    if let Some(wait) = wait_of(w, request)
        && wait.moving.remove(pack).is_some()
    {
        wait.open.insert(pack.clone());
        advance(w, request);
    }
}

/// A download failed because what is offered may have been replaced: a call that has seen no catalog since it was made waits for the
/// next one, which the caller of this has made, and goes by that. False for one that has seen it, and where the pack is none of the call's.
pub(crate) fn looks_again(
    w: &mut Work<'_>,
    request: RequestId,
    (pack, id): (&PackId, DownloadId),
) -> bool {
    let Some(app) = w.live().requests.find(request).map(|r| r.app.clone()) else { return false };
    let running = w.app(&app).and_then(|record| record.check);
    let Some(wait) = wait_of(w, request) else { return false };
    if wait.catalog == CatalogSeen::Yes || wait.moving.remove(pack).is_none() {
        return false;
    }
    wait.open.insert(pack.clone());
    wait.catalog = CatalogSeen::NotYet { running };
    w.live_mut().requests.detach(request, &Subject::Download(id));
    w.live_mut().requests.attach(request, Subject::Catalog(app));
    true
}

/// A download that a call waits for failed, and whoever waits is told: if it was only waited for on account of others, those
/// of them that are complete cannot become live either, and the call lifts it no longer: else it would be refused again at
/// once, without end.
pub(crate) fn told(
    w: &mut Work<'_>,
    request: RequestId,
    (pack, id): (&PackId, DownloadId),
    failure: &Failure,
) {
    let Some(wait) = wait_of(w, request) else { return };
    if wait.open.contains(pack) || wait.moving.contains_key(pack) {
        pack_ended(w, request, pack, PackEnd::Failed(failure.clone()));
        return;
    }
    let own = wait.moving.clone();
    w.live_mut().requests.detach(request, &Subject::Download(id));
    place::reclass(w, id);
    for (pack, id) in own {
        if w.download(id).is_some_and(|download| download.stage == Stage::Built) {
            end_pack(w, request, &pack, PackEnd::Failed(failure.clone()));
        }
    }
    answer_if_done(w, request);
}

/// The wait for one pack has ended; answers the call if it was the last one.
pub(crate) fn pack_ended(w: &mut Work<'_>, request: RequestId, pack: &PackId, end: PackEnd) {
    end_pack(w, request, pack, end);
    answer_if_done(w, request);
}

fn end_pack(w: &mut Work<'_>, request: RequestId, pack: &PackId, end: PackEnd) {
    let Some(wait) = wait_of(w, request) else { return };
    let open = wait.open.remove(pack);
    let moving = wait.moving.remove(pack);
    if !open && moving.is_none() {
        // Waited for on account of others, and it goes its own way now.
        return;
    }
    match end {
        PackEnd::Available => {
            wait.available.insert(pack.clone());
        }
        PackEnd::Failed(failure) => {
            wait.failed.insert(pack.clone(), failure);
        }
    }
    if let Some(id) = moving {
        w.live_mut().requests.detach(request, &Subject::Download(id));
        place::reclass(w, id);
    }
}

fn answer_if_done(w: &mut Work<'_>, request: RequestId) {
    let Some(wait) = wait_of(w, request) else { return };
    let one_will_do = wait.terms.until == Until::Any && !wait.available.is_empty();
    if one_will_do || (wait.open.is_empty() && wait.moving.is_empty()) {
        if wait.purpose == Purpose::Reconcile {
            let wait = wait.clone();
            return reconcile::ensured(w, request, wait);
        }
        let reply = Reply::Ensured {
            available: wait.available.iter().cloned().collect(),
            failed: wait.failed.clone(),
        };
        w.answer(request, Ok(reply));
    }
}
