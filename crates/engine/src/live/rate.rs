//! How fast bytes arrive.

use crate::time::MonotonicTime;

/// The shortest span that a rate is reckoned over once there is more, in milliseconds. `Ours:` long enough that a burst does
/// not make the remaining time jump, short enough that a slower network shows while one watches.
const SPAN_MS: u64 = 2_000;

/// Bytes at a time.
type Mark = (MonotonicTime, u64);

/// The rate of bytes over the last seconds: between one and two spans.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rate {
    /// What the rate is reckoned from, and what it will be reckoned from next.
    marks: Option<(Mark, Mark)>,
    /// As last reckoned.
    per_second: Option<u64>,
}

impl Rate {
    /// Begins anew at `bytes`.
    pub(crate) const fn begin(&mut self, at: MonotonicTime, bytes: u64) {
        self.marks = Some(((at, bytes), (at, bytes)));
        self.per_second = None;
    }

    /// Takes note of the bytes done by now.
    pub(crate) fn note(&mut self, at: MonotonicTime, bytes: u64) {
        let (mut from, mut next) = self.marks.unwrap_or(((at, bytes), (at, bytes)));
        if next.0.ms_until(at) >= SPAN_MS {
            (from, next) = (next, (at, bytes));
        }
        self.marks = Some((from, next));
        let gained = bytes.saturating_sub(from.1).saturating_mul(1_000);
        self.per_second = gained.checked_div(from.0.ms_until(at));
    }

    /// Bytes a second as last reckoned; none before any time has passed.
    pub(crate) const fn per_second(&self) -> Option<u64> {
        self.per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_forgets_what_is_long_past() {
        let mut rate = Rate::default();
        rate.begin(MonotonicTime(0), 1_000);
        assert_eq!(rate.per_second(), None);
        rate.note(MonotonicTime(0), 1_000);
        assert_eq!(rate.per_second(), None, "no time has passed");
        rate.note(MonotonicTime(500), 1_500);
        assert_eq!(rate.per_second(), Some(1_000));
        for second in 2..=20 {
            rate.note(MonotonicTime(second * 1_000), 1_500 + 10 * (second - 1));
        }
        assert_eq!(rate.per_second(), Some(10), "the fast beginning is forgotten");
        rate.note(MonotonicTime(30_000), 1_690);
        assert_eq!(rate.per_second(), Some(0), "nothing has arrived for long");
        rate.begin(MonotonicTime(40_000), 0);
        assert_eq!(rate.per_second(), None);
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let mut rate = Rate::default();
        rate.begin(MonotonicTime(0), 0);
        rate.note(MonotonicTime(1), u64::MAX);
        assert_eq!(rate.per_second(), Some(u64::MAX));
        rate.note(MonotonicTime(2), 0);
        assert_eq!(rate.per_second(), Some(0));
    }
}
