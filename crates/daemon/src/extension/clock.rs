//! What of an extension's time counts. `Spec: concepts 10`.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::lock;
use super::run::{End, Run};

/// The time in which an extension has exclusive control, or waits for it.
#[derive(Debug, Default)]
pub(super) struct Exclusive(Mutex<Spans>);

#[derive(Debug, Default)]
struct Spans {
    holders: u32,
    since: Option<Instant>,
    total: Duration,
    /// How many of the holders have it, and do not wait for it.
    having: u64,
    /// How often it was got.
    got: u64,
}

/// The time with exclusive control of one connection; it ends when this is dropped.
pub(crate) struct ExclusiveTime {
    run: Arc<Run>,
    has: bool,
}

impl ExclusiveTime {
    pub(super) fn begin(run: &Arc<Run>) -> Self {
        let mut spans = lock(&run.exclusive().0);
        spans.holders += 1;
        spans.since.get_or_insert_with(Instant::now);
        Self { run: Arc::clone(run), has: false }
    }

    /// The wait is over: the connection has it.
    pub(crate) fn got(&mut self) {
        let mut spans = lock(&self.run.exclusive().0);
        spans.having += 1;
        spans.got += 1;
        self.has = true;
    }
}

impl Drop for ExclusiveTime {
    fn drop(&mut self) {
        let mut spans = lock(&self.run.exclusive().0);
        spans.having = spans.having.saturating_sub(u64::from(self.has));
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

    fn got(&self) -> u64 {
        lock(&self.0).got
    }

    fn given_back(&self) -> u64 {
        let spans = lock(&self.0);
        spans.got.saturating_sub(spans.having)
    }

    fn total(&self) -> Duration {
        let spans = lock(&self.0);
        spans.total + spans.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// Measures one stretch of a run: a question until its answer, or what comes after that.
pub(super) struct Clock {
    began: Instant,
    /// How often it had got exclusive control and given it back.
    had_before: u64,
    exclusive_before: Duration,
    computed_before: Duration,
}

impl Clock {
    pub(super) fn start(run: &Run) -> Self {
        run.sample();
        Self {
            began: Instant::now(),
            had_before: run.exclusive().given_back(),
            exclusive_before: run.exclusive().total(),
            computed_before: run.counted().computed,
        }
    }

    /// Time with exclusive control, or in wait for it, pauses left out. A limit of it holds for all of it together: one that
    /// lets go for a moment, again and again, would never meet a limit of each.
    fn exclusive(&self, run: &Run) -> Duration {
        run.exclusive().total().saturating_sub(self.exclusive_before)
    }

    /// Why it is to end, when that was too long: it had the right, or others did and it never got it.
    pub(super) fn over(&self, run: &Run, limit: Duration) -> Option<End> {
        if self.exclusive(run) < limit {
            return None;
        }
        let only_waited = run.exclusive().got() == self.had_before;
        Some(if only_waited { End::AwaitedControl(limit) } else { End::ExclusiveControl(limit) })
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
