//! Somebody wants the packs of the app's language, all of them, and no others. `Spec: packs 9`.
//!
//! First what is missing is made local, as if somebody had asked for it; only when all of it is there does anything go, so
//! that an app is never left without a language.

use std::collections::{BTreeMap, BTreeSet};

use headstart_model::{AppId, ContentRequest, PackId, Selection};

use crate::effect::Reply;
use crate::event::Caller;
use crate::failures;
use crate::id::{PackKey, RequestId};
use crate::live::{CatalogSeen, Clearing, EnsureWait, Purpose, Subject, Wait};
use crate::record::{Freshness, Languages, Leaving, Pack};
use crate::transition::{check, content, ensure, removal};
use crate::work::Work;

pub(crate) fn requested(w: &mut Work<'_>, caller: Caller, app: &AppId) {
    match w.app(app) {
        None => w.answer_at_once(caller.request, Err(failures::app_not_found(app))),
        Some(record) if record.is_leaving() => {
            w.answer_at_once(caller.request, Err(failures::app_being_removed(app)));
        }
        Some(record) => {
            let known = record.release.is_some();
            let catalog = CatalogSeen::NotYet { running: None };
            w.live_mut().requests.open(caller, app.clone(), Wait::Reconcile { catalog });
            if known {
                begin(w, app, caller.request);
            } else {
                w.live_mut().requests.attach(caller.request, Subject::Catalog(app.clone()));
                check::want(w, app);
            }
        }
    }
}

/// Makes local what is missing; the catalog has been seen.
pub(crate) fn begin(w: &mut Work<'_>, app: &AppId, request: RequestId) {
    let Some(record) = w.app(app) else { return };
    let is_missing = |pack: &Pack| {
        let offer = pack.offer.as_ref().map(|it| (&it.download_policy, it.language.as_ref()));
        let listed = pack.unreadable.as_ref().map(|it| (&it.policy, it.language.as_ref()));
        let is_selected = |(policy, language): (_, Option<_>)| {
            let request = ContentRequest::LanguageChange;
            language.is_some()
                && content::selected((policy, language), request, &record.languages)
                    != Selection::NotSelected
        };
        !pack.is_readable() && offer.into_iter().chain(listed).any(is_selected)
    };
    let missing = w.records().packs_of(app).filter(|(_, pack)| is_missing(pack));
    let open: BTreeSet<PackId> = missing.map(|(key, _)| key.pack.clone()).collect();
    let wait = EnsureWait {
        terms: Freshness::Any.into(),
        purpose: Purpose::Reconcile,
        open,
        moving: BTreeMap::new(),
        available: BTreeSet::new(),
        failed: BTreeMap::new(),
        catalog: CatalogSeen::Yes,
    };
    become_(w, request, Wait::Ensure(wait));
    ensure::advance(w, request);
}

fn become_(w: &mut Work<'_>, request: RequestId, wait: Wait) {
    if let Some(request) = w.live_mut().requests.find_mut(request) {
        request.wait = wait;
    }
}

/// What was missing has concluded: if all of it is there, what is not needed goes.
pub(crate) fn ensured(w: &mut Work<'_>, request: RequestId, wait: EnsureWait) {
    let available = wait.available.into_iter().collect();
    if !wait.failed.is_empty() {
        let reply = Reply::Reconciled { available, failed: wait.failed, removed: Vec::new() };
        w.answer(request, Ok(reply));
        return;
    }
    let Some(app) = w.live().requests.find(request).map(|request| request.app.clone()) else {
        return;
    };
    let Some(languages) = w.app(&app).map(|record| &record.languages) else { return };
    let is_awaited = |pack: &Pack| {
        pack.download
            .is_some_and(|id| w.live().requests.urgency_for(&Subject::Download(id)).is_some())
    };
    let unneeded = w
        .records()
        .packs_of(&app)
        .filter(|(_, pack)| is_unneeded(pack, languages) && !is_awaited(pack));
    let unneeded: Vec<PackKey> = unneeded.map(|(key, _)| key.clone()).collect();
    let removed: Vec<PackId> = unneeded.iter().map(|key| key.pack.clone()).collect();
    let clearing = Clearing { available, open: removed.iter().cloned().collect(), removed };
    become_(w, request, Wait::Clearing(clearing));
    for key in unneeded {
        if removal::begin(w, &key, Leaving::Unneeded) {
            w.live_mut().requests.attach(request, Subject::Removal(key));
        } else {
            removed_one(w, request, &key.pack);
        }
    }
    answer_if_done(w, request);
}

/// A localized pack that came by itself, and whose language the app no longer has. `Ours:` where no language is resolved
/// none is known to be unneeded.
fn is_unneeded(pack: &Pack, languages: &Languages) -> bool {
    let language = pack.offer.as_ref().and_then(|offer| offer.language.as_ref());
    let is_here = pack.local.is_some() || pack.download.is_some();
    is_here
        && !pack.by_request
        && languages.resolved.is_some()
        && language.is_some_and(|language| !languages.is_resolved(language))
}

/// A pack has left the namespace.
pub(crate) fn removed_one(w: &mut Work<'_>, request: RequestId, pack: &PackId) {
    if let Some(Wait::Clearing(clearing)) =
        w.live_mut().requests.find_mut(request).map(|request| &mut request.wait)
    {
        clearing.open.remove(pack);
    }
}

pub(crate) fn answer_if_done(w: &mut Work<'_>, request: RequestId) {
    let Some(Wait::Clearing(clearing)) = w.live().requests.find(request).map(|r| &r.wait) else {
        return;
    };
    if clearing.open.is_empty() {
        let Clearing { available, removed, .. } = clearing.clone();
        let reply = Reply::Reconciled { available, failed: BTreeMap::new(), removed };
        w.answer(request, Ok(reply));
    }
}
