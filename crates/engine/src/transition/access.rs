//! The headers that an app's servers get, such as a token. `Spec: cli, any machine`.

use headstart_model::{AppId, ContentRequest, Failure, Headers, ServerOrigin};

use crate::effect::Reply;
use crate::event::Caller;
use crate::failures;
use crate::id::{DownloadId, EffectId};
use crate::transition::{calls, check, facts, pump};
use crate::work::Work;

/// A server gets other headers: what it refused may be let through now.
pub(crate) fn given(
    w: &mut Work<'_>,
    caller: Caller,
    app: &AppId,
    (server, headers): (Option<ServerOrigin>, Headers),
) {
    let outcome = keep(w, app, server, headers).map(|(server, kept)| {
        try_again(w, app, kept);
        Reply::Server(server)
    });
    w.answer_at_once(caller.request, outcome);
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

/// Somebody who was asked has named a header: it goes along with every request from now on. Others that wait since they were refused try
/// again; those that run ask for themselves if they have to.
pub(crate) fn learned(
    w: &mut Work<'_>,
    effect: EffectId,
    (server, headers): (ServerOrigin, Headers),
) {
    let Some(app) = calls::app_of_effect(w, effect) else { return };
    let added = w.app_mut(&app).is_some_and(|record| record.server_headers.add(server, headers));
    if added {
        try_again(w, &app, Kept::AsBefore);
    }
}

/// What waits because it was refused is tried again at once; what runs goes on with the new headers from where it is.
fn try_again(w: &mut Work<'_>, app: &AppId, kept: Kept) {
    if kept == Kept::Others {
        check::other_source(w, app);
    }
    let packs = w.records().packs_of(app).filter_map(|(_, pack)| pack.download);
    let manifest = w.live().files.manifests.get(app).copied();
    for id in packs.chain(manifest).collect::<Vec<_>>() {
        w.live_mut().step();
        go_on(w, id, kept);
    }
    let Some(record) = w.app(app) else { return };
    if record.check_failure.is_some() && record.installation().is_none() {
        check::content_requested(w, app, ContentRequest::Periodic);
    } else if record.content_request.is_some() || check::is_sought(w, app) {
        check::want(w, app);
    }
}

fn go_on(w: &mut Work<'_>, id: DownloadId, kept: Kept) {
    match w.live().order_of(id) {
        Some((order, _)) if kept == Kept::Others => pump::stop(w, order),
        Some(_) => {}
        None => facts::retry_now(w, id),
    }
}
