//! `io.headstart.Packs`.

use headstart_engine::record::Freshness;
use headstart_engine::{CancelTarget, Event, Notice, PackKey, Reply, Terms, view};
use headstart_model::namespace::Snapshot;
use headstart_model::protocol::packs::{
    COLLISIONS_TOLD_MAX, Cancel, Cancelled, CheckForUpdates, Ensure, EnsureEvent, EnsureOutcome,
    Explain, List, LocalStatus, LocalStatusReply, Locate, Located, NamespaceSnapshot,
    OpenNamespace, Pack, PackList, PackState, Remove, Removed, Status, StatusUpdateEvent,
    StatusUpdates, Updates,
};
use headstart_model::{AppId, ErrorKind, Failure, PackId};
use headstart_store::Namespaces;
use headstart_sys::map::MappedFile;

use super::meant::{Meant, app_of, pack_not_found};
use super::reply::{Caller, End, Replies};
use super::{apps, translate};
use crate::collisions::collisions;
use crate::inbox::{Heard, Told};
use crate::perform::blocking;

pub(super) fn internal() -> End {
    let message = "the call was answered with something else";
    Failure::new(ErrorKind::Internal, "internal", message).with_hint("please report this").into()
}

pub(super) async fn list(
    caller: Caller<'_>,
    call: List,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = match call.app.or_else(|| caller.app.cloned()) {
        Some(app) => Some(app_of(caller, Some(app), Meant::Only).await?),
        None => None,
    };
    let packs = caller.shared.core.query(move |state, _| {
        let apps = view::apps(state).into_iter().map(|view| view.id);
        let wanted = apps.filter(|id| app.as_ref().is_none_or(|app| app == id));
        let packs = wanted.flat_map(|id| {
            let views = view::packs(state, &id).unwrap_or_default();
            views.into_iter().map(move |view| translate::pack_state(&id, &view))
        });
        packs.collect::<Vec<_>>()
    });
    replies.last::<List>(&PackList { packs: packs.await? }).await
}

async fn state_of(caller: Caller<'_>, app: &AppId, pack: &PackId) -> Result<PackState, Failure> {
    let key = PackKey::new(app.clone(), pack.clone());
    let view = caller.shared.core.query(move |state, _| view::pack(state, &key)).await?;
    view.map(|view| translate::pack_state(app, &view)).ok_or_else(|| pack_not_found(pack))
}

pub(super) async fn status(
    caller: Caller<'_>,
    call: Status,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = app_of(caller, call.app, Meant::Has(call.pack.clone())).await?;
    let mut state = state_of(caller, &app, &call.pack).await?;
    if let Some(version) = call.relative_to {
        let key = PackKey::new(app, call.pack);
        let status = caller
            .shared
            .core
            .query(move |state, _| view::status_relative_to(state, &key, version));
        state.status = status.await?;
    }
    replies.last::<Status>(&state).await
}

pub(super) async fn local_status(
    caller: Caller<'_>,
    call: LocalStatus,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    // An unknown pack has no flags; it is no error. `Spec: packs 8.2`.
    let status = match app_of(caller, call.app, Meant::Has(call.pack.clone())).await {
        Ok(app) => {
            let key = PackKey::new(app, call.pack);
            caller.shared.core.query(move |state, _| view::local_status(state, &key)).await?
        }
        Err(error) if error.code.as_str() == "assetPackNotFound" => headstart_model::Status::EMPTY,
        Err(error) => return Err(error.into()),
    };
    replies.last::<LocalStatus>(&LocalStatusReply { status }).await
}

pub(super) async fn ensure(
    caller: Caller<'_>,
    call: Ensure,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = app_of(caller, call.app, Meant::has(call.packs.first(), Meant::Only)).await?;
    let freshness = if call.latest { Freshness::Latest } else { Freshness::Any };
    let terms = Terms { freshness, urgency: call.urgency, until: call.until };
    let packs = call.packs;
    // Whoever asks may have made room just before.
    caller.shared.core.event(Event::FactsChanged { news: caller.shared.context.free_space() });
    let mut told =
        caller.shared.core.subscribe(Heard { app: app.clone(), packs: Some(packs.clone()) });
    let (named, wanted) = (app.clone(), packs);
    let event = move |caller| Event::EnsureRequested { caller, app: named, packs: wanted, terms };
    let call = caller.shared.core.call(caller.client, event);
    tokio::pin!(call);
    let reply = loop {
        tokio::select! {
            biased;
            Some(told) = told.recv() => {
                if let Told::Notice(Notice::Pack { pack, update, .. }) = told
                    && let Ok(state) = state_of(caller, &app, &pack).await
                {
                    let update = translate::status_update(state.pack, &update);
                    replies.between::<Ensure>(&EnsureEvent::Update(update)).await?;
                }
            }
            reply = &mut call => break reply?,
        }
    };
    let Reply::Ensured { available, failed } = reply else { return Err(internal()) };
    let successes = packs_named(caller, &app, available).await?;
    let outcome = EnsureOutcome { successes, failures: apps::failures(failed) };
    replies.last::<Ensure>(&EnsureEvent::Done(outcome)).await
}

/// The packs with these ids, as they are described to clients.
pub(super) async fn packs_named(
    caller: Caller<'_>,
    app: &AppId,
    ids: Vec<PackId>,
) -> Result<Vec<Pack>, Failure> {
    let mut packs = Vec::new();
    for id in ids {
        packs.push(state_of(caller, app, &id).await?.pack);
    }
    Ok(packs)
}

pub(super) async fn check(
    caller: Caller<'_>,
    call: CheckForUpdates,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = app_of(caller, call.app, Meant::Managed).await?;
    let event = move |caller| Event::CheckForUpdatesRequested { caller, app };
    let reply = caller.shared.core.call(caller.client, event).await?;
    let Reply::Checked { updating, removed, withheld } = reply else { return Err(internal()) };
    let withheld = withheld.into_iter().map(translate::withheld).collect();
    replies.last::<CheckForUpdates>(&Updates { updating, removed, withheld }).await
}

pub(super) async fn remove(
    caller: Caller<'_>,
    call: Remove,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = app_of(caller, call.app, Meant::Has(call.pack.clone())).await?;
    let pack = call.pack;
    let event = move |caller| Event::RemoveRequested { caller, app, pack };
    caller.shared.core.call(caller.client, event).await?;
    replies.last::<Remove>(&Removed {}).await
}

pub(super) async fn cancel(
    caller: Caller<'_>,
    call: Cancel,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = app_of(caller, call.app, Meant::Has(call.pack.clone())).await?;
    let target = CancelTarget::Pack(app, call.pack);
    let event = move |caller| Event::CancelRequested { caller, target };
    match caller.shared.core.call(caller.client, event).await {
        // Cancelling always works, however often: what is not on its way is cancelled already.
        Err(failure) if failure.code.as_str() != "notScheduled" => return Err(failure.into()),
        _ => {}
    }
    replies.last::<Cancel>(&Cancelled {}).await
}

/// A stream without end, but for the one of a single pack that concluded. `Spec: concepts 5.4`.
pub(super) async fn updates(
    caller: Caller<'_>,
    call: StatusUpdates,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = app_of(caller, call.app, Meant::has(call.pack.as_ref(), Meant::Managed)).await?;
    let packs = call.pack.clone().map(|pack| vec![pack]);
    let mut told = caller.shared.core.subscribe(Heard { app: app.clone(), packs });
    replies.between::<StatusUpdates>(&StatusUpdateEvent::Subscribed {}).await?;
    // A pack may be withdrawn while it is on its way: its last news are told with what was known of it.
    let mut known = std::collections::HashMap::new();
    while let Some(told) = told.recv().await {
        let event = match told {
            Told::Lost(count) => StatusUpdateEvent::Lost { count },
            Told::Notice(Notice::Pack { pack, update, .. }) => {
                if let Ok(state) = state_of(caller, &app, &pack).await {
                    known.insert(pack.clone(), state.pack);
                }
                let Some(pack) = known.get(&pack).cloned() else { continue };
                let update = translate::status_update(pack, &update);
                if call.pack.is_some() && update.is_conclusion() {
                    let last = StatusUpdateEvent::Update(update);
                    return replies.last::<StatusUpdates>(&last).await;
                }
                StatusUpdateEvent::Update(update)
            }
            Told::Notice(_) => continue,
        };
        replies.between::<StatusUpdates>(&event).await?;
    }
    Err(stopping().into())
}

/// A stream ends with the service.
pub(super) fn stopping() -> Failure {
    Failure::new(ErrorKind::Unavailable, "serviceStopping", "the service is stopping")
        .with_hint("try again: the next call starts it anew")
}

pub(super) async fn locate(
    caller: Caller<'_>,
    call: Locate,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app =
        app_of(caller, call.app.clone(), Meant::has(call.pack.as_ref(), Meant::Local)).await?;
    let layout = caller.shared.context.layout.clone();
    let found = blocking(move || {
        let namespaces = Namespaces::new(&layout, &app);
        let Some(generation) = namespaces.current().map_err(|e| e.to_failure())? else {
            return Err(file_not_found(&call));
        };
        let unreadable = |error: &(dyn std::error::Error + 'static)| {
            Failure::from_error(ErrorKind::Internal, "namespaceUnreadable", error).with_hint(
                "stop the service (`headstart service stop`): the next call starts it anew",
            )
        };
        let map = MappedFile::open(&namespaces.snapshot(generation)).map_err(|e| unreadable(&e))?;
        let snapshot = Snapshot::open(map).map_err(|e| unreadable(&e))?;
        let path = call.path.as_str();
        let entry = match (&call.pack, &call.language) {
            (Some(pack), _) => snapshot.lookup_in(pack, path),
            (None, Some(language)) => snapshot.lookup_for(language, path),
            (None, None) => snapshot.lookup(path),
        };
        let entry = entry.map_err(|e| unreadable(&e))?.ok_or_else(|| file_not_found(&call))?;
        let file = layout.home().join(entry.pack.root).join(entry.path);
        Ok(file.to_string_lossy().into_owned())
    });
    let path = found.await??;
    replies.last::<Locate>(&Located { path }).await
}

fn file_not_found(call: &Locate) -> Failure {
    let message = match &call.pack {
        Some(pack) => format!("pack `{pack}` has no file `{}`, or is not local", call.path),
        None => format!("no local pack has a file `{}`", call.path),
    };
    Failure::new(ErrorKind::NotFound, "fileNotFound", message)
        .with_hint("`headstart packs ensure PACK` makes a pack local")
}

pub(super) async fn namespace(
    caller: Caller<'_>,
    call: OpenNamespace,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = app_of(caller, call.app, Meant::Local).await?;
    let layout = caller.shared.context.layout.clone();
    let found = blocking(move || {
        let namespaces = Namespaces::new(&layout, &app);
        let generation = namespaces.current().map_err(|e| e.to_failure())?.ok_or_else(|| {
            let message = format!("app `{app}` has no local pack yet");
            Failure::new(ErrorKind::NotFound, "namespaceNotFound", message)
                .with_hint("`headstart packs ensure PACK` makes a pack local")
        })?;
        let path = namespaces.snapshot(generation).to_string_lossy().into_owned();
        Ok::<_, Failure>(NamespaceSnapshot { generation, path })
    });
    let snapshot = found.await??;
    replies.last::<OpenNamespace>(&snapshot).await
}

pub(super) async fn explain(
    caller: Caller<'_>,
    call: Explain,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = app_of(caller, call.app, Meant::Has(call.pack.clone())).await?;
    let key = PackKey::new(app.clone(), call.pack.clone());
    let explanation =
        caller.shared.core.query(move |state, now| headstart_engine::explain(state, &key, now));
    let explanation = explanation.await??;
    let layout = caller.shared.context.layout.clone();
    let found =
        blocking(move || collisions(&layout, &app, Some(&call.pack), COLLISIONS_TOLD_MAX)).await?;
    replies.last::<Explain>(&translate::explanation(&explanation, found)).await
}
