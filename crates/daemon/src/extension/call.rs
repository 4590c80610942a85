//! One question to an extension: put, watched, and answered or not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use headstart_engine::{Event, ExtensionAnswer, Inquiry};
use headstart_model::Failure;
use tokio::sync::oneshot;

use super::asked::{Fate, Ticket};
use super::clock::Clock;
use super::run::{End, Run};
use super::{Inner, idle, start, words};

/// How often what an extension uses is looked at while it works.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Threads that an extension may run. `Ours:` more than any runtime starts for one answer, and few beside what the person's
/// other programs and the service need: the kernel limits tasks for all of them together.
const THREADS_MAX: u64 = 64;
/// How long an extension may take from its start until it asks what it is wanted for.
const START_PATIENCE: Duration = Duration::from_secs(10);
/// How many answers' time that is at most, where answers have little.
const STARTS_IN_ANSWERS: u32 = 4;

/// What came of a question.
struct Ended {
    answer: Result<ExtensionAnswer, Failure>,
    used: Duration,
}

/// Puts a question to the app's extension and reports what came of it.
pub(super) async fn perform(
    inner: &Arc<Inner>,
    ticket: Ticket,
    inquiry: Inquiry,
    budget: Duration,
) {
    let (app, call) = (inquiry.app.clone(), inquiry.call);
    let asked = question_name(&inquiry);
    let began = Instant::now();
    let ended = match ready(inner, ticket, &inquiry).await {
        Ok(run) => {
            let reached = began.elapsed();
            let ended = put(inner, &run, (ticket, inquiry), budget).await;
            tracing::info!(
                %app, question = asked, pid = run.pid(), reached_ms = ms(reached),
                used_ms = ms(ended.used), answered = ended.answer.is_ok(), "extension asked"
            );
            ended
        }
        Err(failure) => {
            inner.asked().take(ticket);
            Ended { answer: Err(failure), used: Duration::ZERO }
        }
    };
    let used_ms = ms(ended.used);
    inner.core.event(match ended.answer {
        Ok(answer) => Event::ExtensionReturned { app, call, answer, used_ms },
        Err(failure) => {
            tracing::warn!(%app, question = asked, %failure, "the extension gave no answer");
            Event::ExtensionFailed { app, call, failure, used_ms }
        }
    });
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn question_name(inquiry: &Inquiry) -> &'static str {
    use headstart_engine::Question;
    match inquiry.question {
        Question::Downloads { .. } => "downloads",
        Question::ShouldDownload { .. } => "shouldDownload",
        Question::Challenge { .. } => "challenge",
        Question::Failed { .. } => "failed",
        Question::Finished { .. } => "finished",
    }
}

/// The app's extension, started if it is not there, and listening.
async fn ready(inner: &Arc<Inner>, ticket: Ticket, inquiry: &Inquiry) -> Result<Arc<Run>, Failure> {
    if inner.is_debugger_waiting(&inquiry.app)
        && let Some(run) = inner.take_run(&inquiry.app)
    {
        run.kill(End::Debugger);
    }
    let run = match inner.run(&inquiry.app).filter(|run| run.wake()) {
        Some(run) => run,
        None => start::start(inner, &inquiry.app, ticket).await?,
    };
    let patience = START_PATIENCE.min(inner.limits.patience.saturating_mul(STARTS_IN_ANSWERS));
    let patience = if run.is_debugged() { Duration::MAX } else { patience };
    until_serving(inner, &run, patience).await;
    match run.ended() {
        None => Ok(run),
        Some(end) => Err(end.failure(&inquiry.app)),
    }
}

/// Waits until an extension listens, or has ended; what it uses is limited then already.
async fn until_serving(inner: &Inner, run: &Run, patience: Duration) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    let late = tokio::time::sleep(patience);
    tokio::pin!(late);
    loop {
        tokio::select! {
            biased;
            () = run.until_serving() => return,
            () = run.until_ended() => return,
            () = &mut late => return run.kill(End::NotServing(patience)),
            _ = look.tick() => check_use(inner, run),
        }
    }
}

/// Puts a question to a listening extension and waits for its answer, within its limits.
async fn put(
    inner: &Arc<Inner>,
    run: &Arc<Run>,
    (ticket, inquiry): (Ticket, Inquiry),
    budget: Duration,
) -> Ended {
    let (kind, event) = words::to_extension(&inner.context.layout, inquiry.call, inquiry.question);
    let receiver = {
        // From here on what the engine says reaches the run itself.
        let mut asked = inner.asked();
        match asked.take(ticket) {
            Fate::Put => Ok(run.begin(inquiry.call, kind)),
            Fate::Ended(why) => Err(why),
            Fate::Forgotten => Err(End::Idle),
        }
    };
    let receiver = match receiver {
        Ok(receiver) => receiver,
        Err(why) => {
            if run.ended().is_none() {
                idle::watch(inner, run);
            }
            return Ended { answer: Err(why.failure(run.app())), used: Duration::ZERO };
        }
    };
    let (clock, owed) = (Clock::start(run), inner.take_owed_time(run.app()));
    if !run.tell(event) {
        run.disconnected().await;
    }
    let answer = watch(inner, run, receiver, budget.saturating_sub(owed), &clock).await;
    run.sample();
    // What a person does in a debugger is not the extension's time.
    let used = if run.is_debugged() { Duration::ZERO } else { clock.used(run) };
    run.count(used);
    let answer = match answer {
        Some(answer) => answer,
        None => Err(run.ended().unwrap_or(End::Disconnected).failure(run.app())),
    };
    if run.ended().is_none() {
        idle::watch(inner, run);
    }
    Ended { answer, used: used + owed }
}

/// Waits for the answer; none when the extension has ended, by itself or because it went beyond its limits.
async fn watch(
    inner: &Arc<Inner>,
    run: &Arc<Run>,
    mut receiver: oneshot::Receiver<Result<ExtensionAnswer, Failure>>,
    budget: Duration,
    clock: &Clock,
) -> Option<Result<ExtensionAnswer, Failure>> {
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            biased;
            // One that is not wanted any more has no answer.
            answer = &mut receiver => return answer.ok(),
            () = run.until_ended() => return None,
            _ = look.tick() => {
                if run.is_debugged() {
                    continue;
                }
                check_use(inner, run);
                let (used, limits) = (clock.used(run), &inner.limits);
                let over = if let Some(over) = clock.over(run, limits.exclusive) {
                    Some(over)
                } else if used >= budget {
                    Some(End::Budget)
                } else if used >= limits.patience {
                    Some(End::Patience(limits.patience))
                } else {
                    None
                };
                if let Some(over) = over {
                    idle::end(inner, run, over).await;
                    return None;
                }
            }
        }
    }
}

/// Ends an extension that uses too much memory, or too many threads, at once: a moment later it may be much more.
pub(super) fn check_use(inner: &Inner, run: &Run) {
    let (usage, allowed_bytes) = (run.sample(), inner.limits.memory_bytes);
    if run.is_debugged() {
        return;
    }
    if usage.anonymous_bytes > allowed_bytes {
        run.kill(End::Memory { used_bytes: usage.anonymous_bytes, allowed_bytes });
    } else if usage.threads > THREADS_MAX {
        run.kill(End::Threads { running: usage.threads, allowed: THREADS_MAX });
    }
}
