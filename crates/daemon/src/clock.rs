//! The one place of the service that reads clocks.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use headstart_engine::{MonotonicTime, Now, WallTime};

/// Wall and monotonic time together, so that nobody picks the wrong one.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// A clock whose monotonic time begins now.
    #[must_use]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Now {
        Now {
            wall: WallTime(wall_ms()),
            monotonic: MonotonicTime(whole_ms(self.started.elapsed().as_millis())),
        }
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
