//! The one place of the service that reads clocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use headstart_engine::{MonotonicTime, Now, WallTime};

/// Wall and monotonic time together, so that nobody picks the wrong one. Clones show the same time.
#[derive(Debug, Clone)]
pub struct Clock {
    started: Instant,
    /// Milliseconds that somebody pretends to have passed already.
    ahead_ms: Arc<AtomicU64>,
}

impl Clock {
    /// A clock whose monotonic time begins now.
    #[must_use]
    pub fn start() -> Self {
        Self { started: Instant::now(), ahead_ms: Arc::default() }
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Now {
        let ahead_ms = self.ahead_ms();
        let running_ms = whole_ms(self.started.elapsed().as_millis());
        Now {
            wall: WallTime(wall_ms().saturating_add(ahead_ms)),
            monotonic: MonotonicTime(running_ms.saturating_add(ahead_ms)),
        }
    }

    /// Milliseconds that somebody pretends to have passed already.
    #[must_use]
    pub fn ahead_ms(&self) -> u64 {
        self.ahead_ms.load(Ordering::Relaxed)
    }

    /// Pretends that it is later by `ms` than it is. Time never goes back: a smaller pretence than the present one is none.
    pub fn pretend_ahead(&self, ms: u64) {
        self.ahead_ms.fetch_max(ms, Ordering::Relaxed);
    }

    /// How long the clock has run.
    #[must_use]
    pub fn uptime_seconds(&self) -> u64 {
        self.started.elapsed().as_secs()
    }

    /// The time of day, for what talks of dates.
    #[must_use]
    pub fn timestamp() -> jiff::Timestamp {
        jiff::Timestamp::now()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
fn wall_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| whole_ms(since.as_millis()))
}

fn whole_ms(ms: u128) -> u64 {
    u64::try_from(ms).unwrap_or(u64::MAX)
}
