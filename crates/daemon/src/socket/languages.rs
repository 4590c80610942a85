//! The languages of an app: `io.headstart.Packs`, and what a hello says of them. `Spec: packs 9`.

use std::collections::BTreeSet;

use headstart_engine::{Event, FactsChange, Reply, view};
use headstart_model::namespace::Snapshot;
use headstart_model::protocol::packs::{
    LanguageSet, Languages, LanguagesReply, ReconcileLanguages, Reconciliation, SetLanguage,
};
use headstart_model::{AppId, ErrorKind, Failure, Language};
use headstart_store::Namespaces;
use headstart_sys::map::MappedFile;

use super::meant::{Meant, app_of};
use super::packs::packs_named;
use super::reply::{Caller, End, Replies};
use super::{Shared, apps};
use crate::perform::blocking;

/// Takes down what a program that has just said hello knows of its person. A process of an app speaks for that app; others
/// are listened to only where the service's own environment says nothing, so that the command line of one terminal does not
/// change the language of every app.
pub(super) fn heard(shared: &Shared, app: Option<&AppId>, languages: Vec<Language>) {
    if languages.is_empty() {
        return;
    }
    match app {
        Some(app) => shared.core.event(Event::LanguagesTold { app: app.clone(), languages }),
        None if shared.context.languages.is_empty() => {
            let news = FactsChange { languages: Some(languages), ..FactsChange::default() };
            shared.core.event(Event::FactsChanged { news });
        }
        None => {}
    }
}

pub(super) async fn languages(
    caller: Caller<'_>,
    call: Languages,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = app_of(caller, call.app, Meant::Only).await?;
    let wanted = app.clone();
    let view = caller.shared.core.query(move |state, _| view::languages(state, &wanted)).await?;
    let view = view.ok_or_else(|| apps::app_not_found(&app))?;
    let layout = caller.shared.context.layout.clone();
    let local = blocking(move || local(&Namespaces::new(&layout, &app))).await??;
    let reply = LanguagesReply {
        primary: view.primary,
        available: view.available,
        local: local.into_iter().collect(),
        chosen: view.chosen,
        resolved: view.resolved,
    };
    replies.last::<Languages>(&reply).await
}

/// The languages of the packs that can be read.
fn local(namespaces: &Namespaces) -> Result<BTreeSet<Language>, Failure> {
    let unreadable = |error: &(dyn std::error::Error + 'static)| {
        Failure::from_error(ErrorKind::Internal, "namespaceUnreadable", error)
            .with_hint("stop the service (`headstart service stop`): the next call starts it anew")
    };
    let Some(generation) = namespaces.current().map_err(|error| error.to_failure())? else {
        return Ok(BTreeSet::new());
    };
    let map = MappedFile::open(&namespaces.snapshot(generation)).map_err(|e| unreadable(&e))?;
    let snapshot = Snapshot::open(map).map_err(|e| unreadable(&e))?;
    let mut languages = BTreeSet::new();
    for pack in snapshot.packs() {
        let pack = pack.map_err(|error| unreadable(&error))?;
        languages.extend(pack.language.and_then(|tag| Language::new(tag).ok()));
    }
    Ok(languages)
}

pub(super) async fn set(
    caller: Caller<'_>,
    call: SetLanguage,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = app_of(caller, call.app, Meant::Only).await?;
    let language = call.language;
    let event = move |caller| Event::LanguageChosen { caller, app, language };
    let Reply::LanguageResolved(resolved) = caller.shared.core.call(caller.client, event).await?
    else {
        return Err(apps::internal("a language was answered with something else"));
    };
    replies.last::<SetLanguage>(&LanguageSet { resolved }).await
}

pub(super) async fn reconcile(
    caller: Caller<'_>,
    call: ReconcileLanguages,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = app_of(caller, call.app, Meant::Only).await?;
    caller.shared.core.event(Event::FactsChanged { news: caller.shared.context.free_space() });
    let named = app.clone();
    let event = move |caller| Event::ReconcileRequested { caller, app: named };
    let reply = caller.shared.core.call(caller.client, event).await?;
    let Reply::Reconciled { available, failed, removed } = reply else {
        return Err(apps::internal("reconciling was answered with something else"));
    };
    let successes = packs_named(caller, &app, available).await?;
    let reconciliation = Reconciliation { successes, failures: apps::failures(failed), removed };
    replies.last::<ReconcileLanguages>(&reconciliation).await
}
