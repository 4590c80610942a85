//! Moments and spans. The engine has no clock: every event brings both times along.

use serde::{Deserialize, Serialize};

/// A moment by the wall clock: milliseconds since the start of 1970 in UTC. May jump either way between two events.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct WallTime(pub u64);

impl WallTime {
    /// The moment `span_ms` milliseconds later.
    #[must_use]
    pub const fn after_ms(self, span_ms: u64) -> Self {
        Self(self.0.saturating_add(span_ms))
    }

    /// Milliseconds from this moment to `later`; 0 when `later` is not later.
    #[must_use]
    pub const fn ms_until(self, later: Self) -> u64 {
        later.0.saturating_sub(self.0)
    }
}

/// A moment by a clock that never jumps: milliseconds since an arbitrary start. Has no meaning in another process, so it
/// is never written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonotonicTime(pub u64);

impl MonotonicTime {
    /// The moment `span_ms` milliseconds later.
    #[must_use]
    pub const fn after_ms(self, span_ms: u64) -> Self {
        Self(self.0.saturating_add(span_ms))
    }

    /// Milliseconds from this moment to `later`; 0 when `later` is not later.
    #[must_use]
    pub const fn ms_until(self, later: Self) -> u64 {
        later.0.saturating_sub(self.0)
    }
}

/// The time of an event by both clocks, so that no caller can pick the wrong one: what is shown or kept is wall time,
/// what is waited for is monotonic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Now {
    /// By the wall clock.
    pub wall: WallTime,
    /// By the clock that never jumps.
    pub monotonic: MonotonicTime,
}

impl Now {
    /// The wall time at which the monotonic clock will show `at`, if nobody sets the wall clock meanwhile.
    #[must_use]
    pub const fn wall_at(self, at: MonotonicTime) -> WallTime {
        self.wall.after_ms(self.monotonic.ms_until(at))
    }
}
