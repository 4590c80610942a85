//! An extension that has nothing to do: suspended, and ended after a while. `Spec: concepts 4.1, 10`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use headstart_model::protocol::extension::ExtensionEvent;

use super::clock::Clock;
use super::run::{End, Run};
use super::{Inner, call};

/// How long an extension runs on after an answer, in case of another question.
const GRACE: Duration = Duration::from_millis(100);
/// How long one that is to end may tidy up.
const FAREWELL: Duration = Duration::from_millis(500);
/// How often what it uses is looked at until it is suspended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Suspends an extension that is asked nothing more, and ends it when that lasts.
pub(super) fn watch(inner: &Arc<Inner>, run: &Arc<Run>) {
    if run.is_debugged() {
        return;
    }
    let (inner, run, turn) = (Arc::clone(inner), Arc::clone(run), run.turn());
    let runtime = inner.runtime.clone();
    runtime.spawn(async move {
        let clock = Clock::start(&run);
        let next = tokio::select! {
            next = wind_down(&inner, &run, turn, &clock) => next,
            () = run.until_ended() => Next::Nothing,
        };
        inner.owe_time(run.app(), clock.computed_exclusively(&run));
        match next {
            Next::Nothing => {}
            Next::End(over) => end(&inner, &run, over).await,
            Next::Rest => rest(&inner, &run, turn).await,
        }
    });
}

/// What follows when an extension has had its time after an answer.
enum Next {
    /// Another question came, or its end.
    Nothing,
    End(End),
    Rest,
}

async fn wind_down(inner: &Inner, run: &Run, turn: u64, clock: &Clock) -> Next {
    let since = Instant::now();
    let patience = inner.limits.exclusive;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if run.turn() != turn {
            return Next::Nothing;
        }
        call::check_use(inner, run);
        if let Some(over) = clock.over(run, patience) {
            return Next::End(over);
        }
        if !run.exclusive().is_going() && since.elapsed() >= GRACE {
            return Next::Rest;
        }
    }
}

async fn rest(inner: &Arc<Inner>, run: &Arc<Run>, turn: u64) {
    if !run.suspend_after(turn) {
        return;
    }
    tokio::select! {
        () = tokio::time::sleep(inner.limits.idle) => {}
        () = run.until_ended() => return,
    }
    if run.end_after(turn) {
        farewell(inner, run).await;
    }
}

/// Ends an extension: it is told, asked to end, and then ended.
pub(super) async fn end(inner: &Inner, run: &Arc<Run>, end: End) {
    // Told before its way out is closed, and not waited for. `Spec: api 6`.
    run.tell(ExtensionEvent::WillTerminate {});
    run.set_end(end);
    farewell(inner, run).await;
}

/// What has to end does so politely, or not.
async fn farewell(inner: &Inner, run: &Arc<Run>) {
    inner.drop_run(run);
    let confined = run.confined();
    confined.terminate();
    let until = Instant::now() + FAREWELL;
    while confined.end().is_none() && Instant::now() < until {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    confined.kill();
}
