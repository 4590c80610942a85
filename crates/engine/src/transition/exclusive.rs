//! The one right of each app to change its downloads. `Spec: concepts 12`.

use headstart_model::{AppId, ErrorKind, Failure};

use crate::effect::Reply;
use crate::event::Caller;
use crate::failures;
use crate::id::{ClientId, RequestId};
use crate::live::{Timer, Wait};
use crate::record::App;
use crate::work::Work;

/// Somebody wants the right. `Spec: concepts 12`: without a limit, or up to a moment; now means one attempt.
pub(crate) fn requested(w: &mut Work<'_>, caller: Caller, app: &AppId, wait_ms: Option<u64>) {
    let failure = match w.app(app) {
        None => Some(failures::app_not_found(app)),
        Some(record) if App::is_leaving(record) => Some(failures::app_being_removed(app)),
        Some(_) => None,
    };
    if let Some(failure) = failure {
        return w.answer_at_once(caller.request, Err(failure));
    }
    if w.live_mut().exclusive.take(app, caller.client) {
        return w.answer_at_once(caller.request, Ok(Reply::ExclusiveControl));
    }
    if wait_ms == Some(0) {
        return w.answer_at_once(caller.request, Err(not_acquired(app)));
    }
    w.live_mut().requests.open(caller, app.clone(), Wait::Exclusive);
    w.live_mut().exclusive.queue(app, caller.request, caller.client);
    if let Some(wait_ms) = wait_ms {
        let at = w.now.monotonic.after_ms(wait_ms);
        w.live_mut().timers.set(Timer::Exclusive(caller.request), at);
    }
}

fn not_acquired(app: &AppId) -> Failure {
    let message = format!("another process has exclusive control of the downloads of `{app}`");
    Failure::new(ErrorKind::Conflict, "exclusiveControlTaken", message)
        .with_hint("wait for it, or try again later")
}

/// The time of a call is over.
pub(crate) fn too_late(w: &mut Work<'_>, request: RequestId) {
    let Some(app) = w.live().requests.find(request).map(|request| request.app.clone()) else {
        return;
    };
    w.live_mut().exclusive.unqueue(&app, request);
    w.answer(request, Err(not_acquired(&app)));
}

/// A connection gives the right back, or is gone: the next one has it.
pub(crate) fn released(w: &mut Work<'_>, client: ClientId) {
    if let Some(request) = w.live_mut().exclusive.release(client) {
        w.live_mut().timers.remove(&Timer::Exclusive(request));
        w.answer(request, Ok(Reply::ExclusiveControl));
    }
}

/// A connection is gone: it neither waits nor has anything any more.
pub(crate) fn client_gone(w: &mut Work<'_>, client: ClientId) {
    for request in w.live().requests.of_client(client) {
        let waiting = w.live().requests.find(request);
        let app = waiting.filter(|r| matches!(r.wait, Wait::Exclusive)).map(|r| r.app.clone());
        if let Some(app) = app {
            w.live_mut().timers.remove(&Timer::Exclusive(request));
            w.live_mut().exclusive.unqueue(&app, request);
        }
    }
    released(w, client);
}
