//! What of an extension's time counts. `Spec: concepts 10`.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::lock;
use super::run::Run;

/// The time in which an extension has exclusive control, or waits for it.
#[derive(Debug, Default)]
pub(super) struct Exclusive(Mutex<Spans>);

#[derive(Debug, Default)]
struct Spans {
    holders: u32,
    since: Option<Instant>,
    total: Duration,
}

/// The time with exclusive control of one connection; it ends when this is dropped.
pub(crate) struct ExclusiveTime(Arc<Run>);

impl ExclusiveTime {
    pub(super) fn begin(run: &Arc<Run>) -> Self {
        let mut spans = lock(&run.exclusive().0);
        spans.holders += 1;
        spans.since.get_or_insert_with(Instant::now);
        Self(Arc::clone(run))
    }
}

impl Drop for ExclusiveTime {
    fn drop(&mut self) {
        let mut spans = lock(&self.0.exclusive().0);
        spans.holders = spans.holders.saturating_sub(1);
        if spans.holders == 0
            && let Some(since) = spans.since.take()
        {
            spans.total += since.elapsed();
        }
    }
}

impl Exclusive {
    /// Whether it has exclusive control, or waits for it.
    pub(super) fn is_going(&self) -> bool {
        lock(&self.0).since.is_some()
    }

    fn total(&self) -> Duration {
        let spans = lock(&self.0);
        spans.total + spans.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// Measures one stretch of a run: a question until its answer, or what comes after that.
pub(super) struct Clock {
    began: Instant,
    exclusive_before: Duration,
    computed_before: Duration,
}

impl Clock {
    pub(super) fn start(run: &Run) -> Self {
        run.sample();
        Self {
            began: Instant::now(),
            exclusive_before: run.exclusive().total(),
            computed_before: run.counted().computed,
        }
    }

    /// Time with exclusive control, or in wait for it, pauses left out. A limit of it holds for all of it together: one that
    /// lets go for a moment, again and again, would never meet a limit of each.
    pub(super) fn exclusive(&self, run: &Run) -> Duration {
        run.exclusive().total().saturating_sub(self.exclusive_before)
    }

    /// Processor time, as of the last look.
    fn computed(&self, run: &Run) -> Duration {
        run.counted().computed.saturating_sub(self.computed_before)
    }

    /// Time that counts: all but that with exclusive control, and what it computed meanwhile.
    pub(super) fn used(&self, run: &Run) -> Duration {
        let elapsed = self.began.elapsed();
        elapsed.saturating_sub(self.exclusive(run)).max(self.computed(run).min(elapsed))
    }

    /// What it computed while it had exclusive control: all that counts of the time after an answer.
    pub(super) fn computed_exclusively(&self, run: &Run) -> Duration {
        self.computed(run).min(self.exclusive(run))
    }
}
