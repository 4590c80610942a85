//! The headers that an app's servers get, such as a token. `Spec: cli, the device`.

use headstart_model::{AppId, ContentRequest, ErrorKind, Failure, Headers, ServerOrigin};

use crate::effect::Reply;
use crate::event::Caller;
use crate::failures;
use crate::id::{DownloadId, EffectId};
use crate::live::Timer;
use crate::transition::{calls, check, facts, pump};
use crate::work::Work;

/// Waiting downloads that are looked at in one event.
const BATCH: usize = 64;

/// A server gets other headers: what it refused may be let through now.
pub(crate) fn given(
    w: &mut Work<'_>,
    caller: Caller,
    app: &AppId,
    (server, headers): (Option<ServerOrigin>, Headers),
) {
    let outcome = give(w, app, server, headers).map(Reply::Server);
    w.answer_at_once(caller.request, outcome);
}

/// Has a server get these headers from now on; gives the server.
pub(crate) fn give(
    w: &mut Work<'_>,
    app: &AppId,
    server: Option<ServerOrigin>,
    headers: Headers,
) -> Result<ServerOrigin, Failure> {
    let (server, kept) = keep(w, app, server, headers)?;
    try_again(w, app, (&server, kept));
    Ok(server)
}

/// Whether the headers are others than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    Others,
    AsBefore,
}

fn keep(
    w: &mut Work<'_>,
    app: &AppId,
    server: Option<ServerOrigin>,
    headers: Headers,
) -> Result<(ServerOrigin, Kept), Failure> {
    let record = w.app(app).filter(|record| !record.is_leaving());
    let record = record.ok_or_else(|| failures::app_not_found(app))?;
    let server = server.or_else(|| record.address().and_then(ServerOrigin::of));
    let server = server.ok_or_else(|| failures::no_server(app))?;
    if record.server_headers.of(server.as_str()) == headers {
        return Ok((server, Kept::AsBefore));
    }
    let fits =
        w.app_mut(app).is_none_or(|record| record.server_headers.set(server.clone(), headers));
    if fits { Ok((server, Kept::Others)) } else { Err(failures::too_many_servers(app)) }
}

/// Somebody who was asked has named a header that opened a server of the app's content: it goes along with every request from now on.
/// Others that wait since they were refused try again; those that run ask for themselves if they have to.
pub(crate) fn learned(
    w: &mut Work<'_>,
    effect: EffectId,
    (server, headers): (ServerOrigin, Headers),
) {
    let Some(app) = calls::app_of_effect(w, effect) else { return };
    // A redirect leads anywhere: what opened that is known to its transfer and not kept.
    if !is_named(w, &app, &server) {
        return;
    }
    let added =
        w.app_mut(&app).is_some_and(|record| record.server_headers.add(server.clone(), headers));
    if added {
        try_again(w, &app, (&server, Kept::AsBefore));
    }
}

/// Whether the app, or a manifest of its own, names something on this server.
fn is_named(w: &Work<'_>, app: &AppId, server: &ServerOrigin) -> bool {
    let Some(record) = w.app(app) else { return false };
    let is = |address: &str| ServerOrigin::of(address).as_ref() == Some(server);
    let mirrors = record.repository().map(|repository| repository.mirrors).unwrap_or_default();
    let archives = || w.records().packs_of(app).filter_map(|(_, pack)| pack.archive.as_deref());
    record.address().is_some_and(is)
        || mirrors.iter().any(|mirror| is(mirror))
        || archives().any(is)
}

/// What waits because it was refused is tried again at once; what runs goes on with the new headers from where it is.
fn try_again(w: &mut Work<'_>, app: &AppId, (server, kept): (&ServerOrigin, Kept)) {
    if kept == Kept::Others && is_named(w, app, server) {
        check::other_source(w, app);
        let running =
            w.live().active.iter().filter(|(_, active)| is_content(w, active.download, app));
        for order in running.map(|(order, _)| *order).collect::<Vec<_>>() {
            w.live_mut().step();
            pump::stop(w, order);
        }
    }
    w.live_mut().refused.insert(app.clone(), DownloadId(0));
    relieve(w);
    let Some(record) = w.app(app) else { return };
    if record.check_failure.is_some() && record.installation().is_none() {
        check::content_requested(w, app, ContentRequest::Periodic);
    } else if record.content_request.is_some() || check::is_sought(w, app) {
        check::want(w, app);
    }
}

/// Whether a download is of what the service fetches for this app itself: a pack, or its manifest.
fn is_content(w: &Work<'_>, id: DownloadId, app: &AppId) -> bool {
    match w.download(id) {
        Some(download) => download.key.app == *app,
        None => w.file(id).is_some_and(|file| file.app == *app && file.is_manifest()),
    }
}

/// Ends the back-off of what a server refused, of the apps whose servers get other headers: a batch of all that waits at a time, so that no
/// event grows with the queue.
pub(crate) fn relieve(w: &mut Work<'_>) {
    let Some((app, after)) = w.live_mut().refused.pop_first() else { return };
    let batch = w.live().timers.retries_after(after, BATCH);
    let last = batch.last().copied().filter(|_| batch.len() == BATCH);
    for id in batch {
        w.live_mut().step();
        if is_content(w, id, &app) && was_refused(w, id) {
            facts::retry_now(w, id);
        }
    }
    if let Some(last) = last {
        w.live_mut().refused.insert(app, last);
    }
    go_on_relieving(w);
}

/// Has the next batch looked at soon, if there is one.
pub(crate) fn go_on_relieving(w: &mut Work<'_>) {
    if !w.live().refused.is_empty() {
        // Not in this very event, which handles all that is due by now.
        let soon = w.now.monotonic.after_ms(1);
        w.live_mut().timers.set(Timer::Relief, soon);
    }
}

fn was_refused(w: &Work<'_>, id: DownloadId) -> bool {
    let failure = match w.download(id) {
        Some(download) => download.failure.as_ref(),
        None => w.file(id).and_then(|file| file.failure.as_ref()),
    };
    failure.is_some_and(|failure| failure.kind == ErrorKind::Refused)
}
