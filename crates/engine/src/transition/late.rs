//! Packs that a content request would have fetched, had their archives been readable when it came. `Spec: packs 4.1`.
//!
//! The request is owed to these packs alone, each its own; to all others it was carried out when it came, and what a person has
//! cancelled or removed since stays so.

use std::collections::BTreeSet;

use headstart_model::catalog::CatalogPack;
use headstart_model::{AppId, ContentRequest, PackId, Selection};

use crate::class::Demand;
use crate::id::PackKey;
use crate::record::{Asking, Languages, Pack};
use crate::transition::content::{selected, selection};
use crate::transition::{begin, calls};
use crate::work::Work;

/// A content request is carried out: notes what it cannot be carried out for yet, and what it is owed to no more.
pub(crate) fn note(
    w: &mut Work<'_>,
    app: &AppId,
    request: ContentRequest,
    dropped: &BTreeSet<PackId>,
) {
    let Some(languages) = w.app(app).map(|record| record.languages.clone()) else { return };
    let waits = |pack: &Pack| is_kept_from(pack, request, &languages);
    let packs = w.records().packs_of(app).filter(|(_, pack)| waits(pack));
    for key in packs.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
        let owed = w.pack(&key).and_then(|pack| pack.owed);
        w.pack_mut(&key).owed = Some(owed.map_or(request, |earlier| earlier.min(request)));
    }
    for id in dropped {
        forget(w, &PackKey::new(app.clone(), id.clone()));
    }
}

/// Whether `request` would fetch the version of the pack that is listed, and its archive could not be looked at.
fn is_kept_from(pack: &Pack, request: ContentRequest, languages: &Languages) -> bool {
    let Some(unreadable) = &pack.unreadable else { return false };
    // What goes is not wanted. What is on its way is the version before.
    let listed = (&unreadable.policy, unreadable.language.as_ref());
    pack.leaving.is_none()
        && (pack.local.is_some() || selected(listed, request, languages) != Selection::NotSelected)
}

/// Nobody wants any more what was owed to the pack.
pub(crate) fn forget(w: &mut Work<'_>, key: &PackKey) {
    if w.pack(key).is_some_and(|pack| pack.owed.is_some()) {
        w.pack_mut(key).owed = None;
    }
}

/// What the request that is owed to a pack makes of it, now that its archive can be read.
fn demand(pack: &Pack, languages: &Languages) -> Option<Demand> {
    let (request, offer) = (pack.owed?, pack.offer.as_ref()?);
    if pack.leaving.is_some() {
        return None;
    }
    if pack.local.is_some() {
        return pack.news().map(|_| Demand::Update);
    }
    match selection(offer, request, languages) {
        // The installation has gone on without it.
        Selection::Essential => Some(Demand::Missed),
        Selection::Prefetch => Some(Demand::Prefetch),
        Selection::NotSelected => None,
    }
}

/// The packs whose archives can be read now, and to which `request` is owed.
fn ready(w: &Work<'_>, app: &AppId, request: ContentRequest) -> Vec<(PackKey, Demand)> {
    let Some(languages) = w.app(app).map(|record| &record.languages) else { return Vec::new() };
    let packs = w.records().packs_of(app).filter(|(_, pack)| is_open(pack));
    let packs = packs.filter(|(_, pack)| pack.owed == Some(request));
    packs.filter_map(|(key, pack)| Some((key.clone(), demand(pack, languages)?))).collect()
}

/// Whether a request that is owed to the pack can be carried out, or is over.
fn is_open(pack: &Pack) -> bool {
    pack.owed.is_some() && pack.unreadable.is_none()
}

/// The packs about which the extension is asked.
pub(crate) fn candidates(w: &Work<'_>, app: &AppId, request: ContentRequest) -> Vec<CatalogPack> {
    let packs = ready(w, app, request).into_iter().filter(|(_, demand)| *demand != Demand::Update);
    packs.filter_map(|(key, _)| w.pack(&key)?.offer.clone()).collect()
}

/// Carries out what is owed to packs whose archives can be read by now, or asks the app's extension about it first.
pub(crate) fn go_on(w: &mut Work<'_>, app: &AppId) {
    loop {
        let owed = w.records().packs_of(app).filter(|(_, pack)| is_open(pack));
        let Some(request) = owed.filter_map(|(_, pack)| pack.owed).min() else { return };
        let Some(record) = w.app(app) else { return };
        if record.asking.is_some() {
            return;
        }
        if calls::has_say(record, request) && !candidates(w, app, request).is_empty() {
            if let Some(record) = w.app_mut(app) {
                record.asking = Some(Asking { request, failed_before: None, late: true });
            }
            return w.want_ask(app);
        }
        apply(w, app, request, &BTreeSet::new());
    }
}

/// Carries out what is owed of `request`, but for the packs that the extension does not want.
pub(crate) fn apply(
    w: &mut Work<'_>,
    app: &AppId,
    request: ContentRequest,
    dropped: &BTreeSet<PackId>,
) {
    for (key, demand) in ready(w, app, request) {
        let kept = demand == Demand::Update || !dropped.contains(&key.pack);
        if kept {
            begin::begin(w, &key, demand);
        }
    }
    let owed = |pack: &Pack| is_open(pack) && pack.owed == Some(request);
    let over = w.records().packs_of(app).filter(|(_, pack)| owed(pack));
    for key in over.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
        w.pack_mut(&key).owed = None;
    }
}
