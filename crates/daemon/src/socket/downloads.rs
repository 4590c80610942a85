//! `io.headstart.Downloads`.

use headstart_engine::view::{self, Subject};
use headstart_engine::{Class, DownloadId, Event, FileUpdate, Notice, Origin, Reply};
use headstart_model::download::BackgroundAssetsErrorCode as Code;
use headstart_model::protocol::downloads::{
    Acknowledge, Acknowledged, AcquireExclusiveControl, Attend, CancelDownload, CancelledDownload,
    Change, Changed, Current, CurrentPage, DelegateEvent, DownloadExplanation, ExclusiveControl,
    ExplainDownload, List, PAGE_MAX, QueueEntry, QueuePage, QueueSubject, ReleaseExclusiveControl,
    ReleasedExclusiveControl, Schedule, Scheduled, ScheduledDownload, WriteProgress,
};
use headstart_model::{AppId, Failure};

use super::meant::{Meant, app_of};
use super::reply::{Caller, End, Replies};
use super::{packs, translate};
use crate::extension::{ExclusiveTime, Run};
use crate::inbox::{Heard, Told};

/// The app that a call is about, and from where it comes.
async fn origin_of(caller: Caller<'_>, named: Option<AppId>) -> Result<(AppId, Origin), Failure> {
    let app = app_of(caller, named, Meant::Only).await?;
    let origin = match (caller.run, caller.app) {
        (Some(_), _) => Origin::Extension,
        (None, Some(own)) if *own == app => Origin::App,
        (None, _) => Origin::Administration,
    };
    Ok((app, origin))
}

pub(super) async fn schedule(
    caller: Caller<'_>,
    call: Schedule,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let (app, origin) = origin_of(caller, call.app).await?;
    let (downloads, foreground) = (call.downloads, call.foreground);
    // Whoever asks may have made room just before.
    caller.shared.core.event(Event::FactsChanged { news: caller.shared.context.free_space() });
    let event =
        move |caller| Event::DownloadsScheduled { caller, app, origin, downloads, foreground };
    caller.shared.core.call(caller.client, event).await?;
    replies.last::<Schedule>(&Scheduled {}).await
}

pub(super) async fn cancel(
    caller: Caller<'_>,
    call: CancelDownload,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let (app, _) = origin_of(caller, call.app).await?;
    let identifier = call.identifier;
    let event = move |caller| Event::FileCancelRequested { caller, app, identifier };
    caller.shared.core.call(caller.client, event).await?;
    replies.last::<CancelDownload>(&CancelledDownload {}).await
}

pub(super) async fn current(
    caller: Caller<'_>,
    call: Current,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let (app, _) = origin_of(caller, call.app).await?;
    let after = call.after.map(DownloadId);
    let found =
        caller.shared.core.query(move |state, _| view::current(state, &app, after, PAGE_MAX));
    let found = found.await?;
    // A page may be short for what it says: only an empty one is the last for certain.
    let next = found.last().map(|last| last.id.0);
    let downloads = found.into_iter().map(|view| ScheduledDownload {
        download: view.download,
        status: view.status,
        bytes_done: view.bytes_done,
        bytes_total: view.bytes_total,
    });
    replies.last::<Current>(&CurrentPage { downloads: downloads.collect(), next }).await
}

/// Exclusive control that a connection has.
pub(super) struct Held {
    /// Where it is an extension's, the time that does not count.
    _time: Option<ExclusiveTime>,
}

/// While an extension waits for the right or has it, its clock stands still. `Spec: concepts 10`.
pub(super) async fn acquire(
    caller: Caller<'_>,
    call: AcquireExclusiveControl,
    replies: &mut Replies<'_>,
    held: &mut Option<Held>,
) -> Result<(), End> {
    let (app, _) = origin_of(caller, call.app).await?;
    if held.is_some() {
        return Err(Code::Invalid
            .failure("this connection has exclusive control already")
            .with_hint("release it first")
            .into());
    }
    let wait_ms = call.wait_milliseconds;
    let mut time = caller.run.map(Run::begin_exclusive);
    let event = move |caller| Event::ExclusiveRequested { caller, app, wait_ms };
    caller.shared.core.call(caller.client, event).await?;
    if let Some(time) = &mut time {
        time.got();
    }
    *held = Some(Held { _time: time });
    replies.last::<AcquireExclusiveControl>(&ExclusiveControl {}).await
}

pub(super) async fn release(
    caller: Caller<'_>,
    replies: &mut Replies<'_>,
    held: &mut Option<Held>,
) -> Result<(), End> {
    give_back(caller, held);
    replies.last::<ReleaseExclusiveControl>(&ReleasedExclusiveControl {}).await
}

/// Gives exclusive control back, if this connection has it.
pub(super) fn give_back(caller: Caller<'_>, held: &mut Option<Held>) {
    if held.take().is_some() {
        caller.shared.core.event(Event::ExclusiveReleased { client: caller.client });
    }
}

/// A stream without end: questions, each until it is acknowledged, and news that need no answer.
pub(super) async fn attend(
    caller: Caller<'_>,
    call: Attend,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let (app, origin) = origin_of(caller, call.app).await?;
    if origin == Origin::Extension {
        return Err(Code::CallFromExtensionNotAllowed
            .failure("an extension is asked by itself, and hears nothing else")
            .with_hint("let the app attend")
            .into());
    }
    let mut questions = caller.shared.asker.attend(caller.client);
    let mut told = caller.shared.core.subscribe(Heard { app: app.clone(), packs: None });
    let forgotten = caller.shared.rights();
    // Before the caller is told so: whoever else listened may go at that word, and this one hears what that one did not deal with.
    caller.shared.core.event(Event::DelegateAttached { client: caller.client, app });
    replies.between::<Attend>(&DelegateEvent::Attending {}).await?;
    loop {
        let event = tokio::select! {
            biased;
            // The engine has forgotten this listener: it comes again.
            () = forgotten.cancelled() => None,
            question = questions.recv() => question,
            news = told.recv() => match news {
                Some(Told::Lost(count)) => Some(DelegateEvent::Lost { count }),
                Some(Told::Notice(notice)) => match news_of(notice) {
                    Some(event) => Some(event),
                    None => continue,
                },
                None => None,
            },
        };
        let Some(event) = event else { break };
        replies.between::<Attend>(&event).await?;
    }
    Err(packs::stopping().into())
}

/// What is told and needs no answer.
fn news_of(notice: Notice) -> Option<DelegateEvent> {
    let Notice::File { download, update, .. } = notice else { return None };
    let download = *download;
    match update {
        FileUpdate::Began => Some(DelegateEvent::Began { download }),
        FileUpdate::Paused(_) => Some(DelegateEvent::Paused { download }),
        FileUpdate::Downloading { bytes_new, bytes_done, bytes_total } => {
            let progress = WriteProgress {
                bytes_written: bytes_new,
                total_bytes_written: bytes_done,
                total_bytes_expected: bytes_total,
            };
            Some(DelegateEvent::Progress { download, progress })
        }
        FileUpdate::Finished | FileUpdate::Failed(_) => None,
    }
}

pub(super) async fn acknowledge(
    caller: Caller<'_>,
    call: Acknowledge,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let (app, _) = origin_of(caller, call.app).await?;
    let (id, answer) = (headstart_engine::CallId(call.callback), call.answer);
    let event = move |caller| Event::Acknowledged { caller, app, call: id, answer };
    caller.shared.core.call(caller.client, event).await?;
    replies.last::<Acknowledge>(&Acknowledged {}).await
}

pub(super) async fn list(
    caller: Caller<'_>,
    call: List,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let after = call.after.map(DownloadId);
    let app = call.app;
    let found =
        caller.shared.core.query(move |state, _| view::queue(state, app.as_ref(), after, PAGE_MAX));
    let found = found.await?;
    let next = (found.len() == PAGE_MAX).then(|| found.last().map(|last| last.id.0)).flatten();
    let downloads = found.into_iter().map(|view| QueueEntry {
        id: view.id.0,
        app: view.app,
        subject: match view.subject {
            Subject::Pack(pack) => QueueSubject::Pack(pack),
            Subject::File(identifier) => QueueSubject::Identifier(identifier),
        },
        state: view.status,
        priority: view.priority,
        essential: view.essential,
        foreground: view.class == Class::Foreground,
        paused: view.paused,
        bytes_done: view.bytes_done,
        bytes_total: view.bytes_total,
    });
    replies.last::<List>(&QueuePage { downloads: downloads.collect(), next }).await
}

pub(super) async fn change(
    caller: Caller<'_>,
    call: Change,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let (name, app, action) = (call.id, call.app, call.action);
    let found =
        caller.shared.core.query(move |state, _| view::find_download(state, app.as_ref(), &name));
    let id = found.await??;
    let event = move |caller| Event::QueueChangeRequested { caller, id, action };
    let Reply::Changed = caller.shared.core.call(caller.client, event).await? else {
        return Err(packs::internal());
    };
    replies.last::<Change>(&Changed {}).await
}

pub(super) async fn explain(
    caller: Caller<'_>,
    call: ExplainDownload,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let (name, mut app) = (call.id, call.app.or_else(|| caller.app.cloned()));
    if caller.run.is_some() {
        app = Some(origin_of(caller, app).await?.0);
    }
    let found = caller.shared.core.query(move |state, now| {
        let id = view::find_download(state, app.as_ref(), &name)?;
        headstart_engine::explain_download(state, id, now)
            .ok_or_else(|| Code::DoesNotExist.failure("the download has just come to its end"))
    });
    let explained = found.await??;
    let reply = DownloadExplanation {
        state: explained.status,
        reasons: explained.reasons.iter().map(translate::reason).collect(),
        eta: explained.eta.map(translate::time),
    };
    replies.last::<ExplainDownload>(&reply).await
}
