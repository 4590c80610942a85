//! An extension that has nothing to do: suspended, and ended after a while. `Spec: concepts 4.1, 10`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use headstart_model::protocol::extension::ExtensionEvent;

use super::run::{End, Run};
use super::{Inner, call};

/// How long an extension runs on after an answer, in case of another question.
const GRACE: Duration = Duration::from_millis(100);
/// How long one that is to end may tidy up.
const FAREWELL: Duration = Duration::from_millis(500);
/// How long one may have exclusive control, or wait for it, without a pause. `Ours:` the original sets no limit, and nothing else could get
/// at the app's downloads meanwhile.
pub(super) const EXCLUSIVE_PATIENCE: Duration = Duration::from_mins(1);
/// How often what it uses is looked at until it is suspended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Whether an extension keeps exclusive control, or waits for it, for too long.
pub(super) fn exclusive_too_long(run: &Run) -> bool {
    run.exclusive_since().is_some_and(|since| since >= EXCLUSIVE_PATIENCE)
}

/// Suspends an extension that is asked nothing more, and ends it when that lasts.
pub(super) fn watch(inner: &Arc<Inner>, run: &Arc<Run>) {
    if run.is_debugged() {
        return;
    }
    let (inner, run, turn) = (Arc::clone(inner), Arc::clone(run), run.turn());
    let runtime = inner.runtime.clone();
    runtime.spawn(async move {
        tokio::select! {
            () = rest(&inner, &run, turn) => {}
            () = run.until_ended() => {}
        }
    });
}

async fn rest(inner: &Arc<Inner>, run: &Arc<Run>, turn: u64) {
    let since = Instant::now();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if run.turn() != turn {
            return;
        }
        call::check_memory(inner, run);
        let exclusive = run.exclusive_since().is_some();
        if exclusive_too_long(run) {
            return end(inner, run, End::ExclusiveControl(EXCLUSIVE_PATIENCE)).await;
        }
        if !exclusive && since.elapsed() >= GRACE {
            break;
        }
    }
    if !run.suspend_after(turn) {
        return;
    }
    tokio::time::sleep(inner.limits.idle).await;
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
