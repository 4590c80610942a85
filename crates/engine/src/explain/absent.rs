//! Why a pack that is not here is not on its way either.

use headstart_model::catalog::CatalogPack;
use headstart_model::{AppId, ContentRequest, Selection};

use crate::ask;
use crate::id::PackKey;
use crate::live::Timer;
use crate::reason::{Fact, Reason};
use crate::record::{App, Pack, Source, Switch};
use crate::state::State;
use crate::time::Now;
use crate::transition::content;
use crate::view::awaits_catalog;

/// Why nobody knows yet which packs an app is offered; empty once that is known, and where the service does not keep its packs.
#[must_use]
pub fn explain_catalog(state: &State, app: &AppId, now: Now) -> Vec<Reason> {
    if awaits_catalog(state, app) { without_catalog(state, app, now) } else { Vec::new() }
}

/// Why nobody knows whether there is such a pack.
pub(super) fn without_catalog(state: &State, app: &AppId, now: Now) -> Vec<Reason> {
    let failed = state.records.app(app).and_then(|app| app.check_failure.as_ref());
    let trouble = failed.map(|failed| {
        let reason = ask::distrust(state, app).unwrap_or_else(|| {
            let attempts = state.live.check_attempts.get(app).copied().unwrap_or(1);
            Reason::new(Fact::BackingOff { attempts, failure: failed.failure.clone() })
        });
        let next = [Timer::Check(app.clone()), Timer::Periodic(app.clone())];
        let next = next.iter().filter_map(|timer| state.live.timers.time_of(timer)).min();
        next.map_or(reason.clone(), |at| reason.until(now.wall_at(at)))
    });
    std::iter::once(no_catalog(state, app)).chain(trouble).collect()
}

fn no_catalog(state: &State, app: &AppId) -> Reason {
    let from = state.records.app(app).and_then(|app| match app.source() {
        Source::Repository(url) | Source::DownloadManifest(url) => Some(url.to_owned()),
        Source::Manifest(_) | Source::None => None,
    });
    Reason::new(Fact::NoCatalog { from })
}

/// That somebody has cancelled the last download, if nothing has happened since.
pub(super) fn cancelled(key: &PackKey, pack: &Pack) -> Option<Reason> {
    let at = pack.cancelled_at.filter(|at| pack.removed_at.is_none_or(|removed| removed < *at))?;
    let fact = Fact::CancelledByRequest {
        app: key.app.clone(),
        pack: key.pack.clone(),
        update: pack.local.is_some(),
    };
    Some(Reason::new(fact).since(at))
}

/// Whether an installation or update of the app that selects the pack is owed until in-app content is switched on.
fn is_switched_off(state: &State, app: &App, offer: &CatalogPack) -> bool {
    let off = state.records.settings.in_app_content == Switch::Off && app.first_launch.is_none();
    let owed = app.content_request.filter(|_| off);
    owed.is_some_and(|request| {
        content::selection(offer, request, &app.languages) != Selection::NotSelected
    })
}

/// Why a pack that is not here is not on its way either.
pub(super) fn absence(state: &State, key: &PackKey, pack: &Pack) -> Vec<Reason> {
    let Some(offer) = &pack.offer else {
        if pack.withheld.is_some() {
            return Vec::new();
        }
        let unasked = awaits_catalog(state, &key.app);
        let not_offered = || Reason::new(Fact::NotOffered);
        return vec![if unasked { no_catalog(state, &key.app) } else { not_offered() }];
    };
    if let Some(cancelled) = cancelled(key, pack) {
        return vec![cancelled];
    }
    let app = state.records.app(&key.app);
    let languages = app.map(|app| app.languages.clone()).unwrap_or_default();
    if let Some(language) = offer.language.clone().filter(|one| !languages.is_resolved(one)) {
        return vec![Reason::new(Fact::Localized { language, resolved: languages.resolved })];
    }
    if let Some(at) = pack.removed_at {
        return vec![Reason::new(Fact::RemovedByRequest).since(at)];
    }
    if app.is_some_and(|app| is_switched_off(state, app, offer)) {
        return vec![Reason::new(Fact::InAppContentOff)];
    }
    let events = [ContentRequest::Install, ContentRequest::Update];
    let selected = events
        .iter()
        .any(|event| content::selection(offer, *event, &languages) != Selection::NotSelected);
    let fact = if selected { Fact::OtherEvent } else { Fact::NotWanted };
    vec![Reason::new(fact)]
}
