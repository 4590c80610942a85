//! How many ranges are fetched side by side: few at first, more while that makes the whole faster. Pure.
//!
//! One connection fills most links. More help where each is slow by itself: after packet loss, over long ways, or when the
//! server limits each. They hurt where the server or the way is overloaded, so trouble halves them.

use std::num::NonZeroUsize;
use std::time::Duration;

/// Ranges at first, as soon as the server is known to give ranges: while one ends and the next is asked for, the others carry
/// on.
const FIRST: usize = 4;
/// How long a number is tried before it is judged. `Ours:` a few round trips of a long way, and the time that a fresh
/// connection takes to get up to speed.
const TRIAL: Duration = Duration::from_millis(750);
/// More ranges must make the whole faster by this factor to be kept.
const GAIN_MIN: f64 = 1.10;
/// After a trial without gain the number stays for so long, then twice as long after each further one.
const REST: Duration = Duration::from_secs(10);
/// Longest such rest.
const REST_MAX: Duration = Duration::from_mins(2);

/// The number of ranges side by side.
#[derive(Debug, Clone)]
pub(super) struct Growth {
    most: usize,
    allowed: usize,
    opened: bool,
    trial: Trial,
    /// What was carried in the trial before the present number, and that number.
    before: Option<(f64, usize)>,
    rest: Duration,
    rate: f64,
    best_rate: f64,
}

#[derive(Debug, Clone, Copy)]
struct Trial {
    began: Duration,
    bytes: u64,
    /// Whether all that are allowed were busy whenever bytes came.
    full: bool,
    /// Nothing is changed before this time.
    rests_until: Duration,
}

impl Growth {
    /// At most `most` ranges.
    pub(super) const fn new(most: NonZeroUsize) -> Self {
        let trial =
            Trial { began: Duration::ZERO, bytes: 0, full: true, rests_until: Duration::ZERO };
        Self {
            most: most.get(),
            allowed: 1,
            opened: false,
            trial,
            before: None,
            rest: REST,
            rate: 0.0,
            best_rate: 0.0,
        }
    }

    /// How many may be fetched now.
    pub(super) const fn allowed(&self) -> usize {
        self.allowed
    }

    /// Whether a source has shown that it gives ranges.
    pub(super) const fn is_opened(&self) -> bool {
        self.opened
    }

    /// Bytes a second of late, and the most that it ever was.
    pub(super) const fn rates(&self) -> (f64, f64) {
        (self.rate, self.best_rate)
    }

    /// A source has shown that it gives ranges.
    pub(super) fn opened(&mut self, now: Duration) {
        if !self.opened {
            self.opened = true;
            self.allowed = FIRST.min(self.most);
            self.begin(now);
        }
    }

    /// Bytes came while `busy` ranges were under way. Says whether more are allowed than before.
    pub(super) fn bytes(&mut self, now: Duration, bytes: u64, busy: usize) -> bool {
        self.trial.bytes += bytes;
        self.trial.full &= busy >= self.allowed;
        let elapsed = now.saturating_sub(self.trial.began);
        if elapsed < TRIAL {
            return false;
        }
        self.rate = self.trial.bytes as f64 / elapsed.as_secs_f64();
        self.best_rate = self.best_rate.max(self.rate);
        let allowed = self.allowed;
        if self.opened && self.trial.full && now >= self.trial.rests_until {
            self.judge(now);
        }
        self.begin(now);
        self.allowed > allowed
    }

    fn judge(&mut self, now: Duration) {
        match self.before.take() {
            Some((rate, allowed)) if self.rate < rate * GAIN_MIN => {
                self.allowed = allowed;
                self.trial.rests_until = now + self.rest;
                self.rest = (self.rest * 2).min(REST_MAX);
            }
            _ if self.allowed < self.most => {
                self.before = Some((self.rate, self.allowed));
                self.allowed = (self.allowed * 2).min(self.most);
            }
            _ => {}
        }
    }

    const fn begin(&mut self, now: Duration) {
        self.trial.began = now;
        self.trial.bytes = 0;
        self.trial.full = true;
    }

    /// A range failed.
    pub(super) fn failed(&mut self, now: Duration, trouble: Trouble) {
        self.allowed = match trouble {
            Trouble::Broken => (self.allowed / 2).max(1),
            Trouble::Overloaded => 1,
        };
        self.before = None;
        self.begin(now);
        self.trial.rests_until = now + self.rest;
    }
}

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A connection was cut, silent or not to be had.
    Broken,
    /// The server asks for less.
    Overloaded,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn growth(most: usize) -> Growth {
        let mut growth = Growth::new(NonZeroUsize::new(most).expect("not zero"));
        growth.opened(Duration::ZERO);
        growth
    }

    /// Lets `seconds` pass on a way that carries `per_range` for each range up to `whole`; gives the number at the end.
    fn run(growth: &mut Growth, from: u64, seconds: u64, (per_range, whole): (u64, u64)) -> usize {
        for step in 0..seconds * 10 {
            let bytes = (per_range * growth.allowed() as u64).min(whole) / 10;
            let now = Duration::from_secs(from) + Duration::from_millis(100 * step);
            growth.bytes(now, bytes, growth.allowed());
        }
        growth.allowed()
    }

    #[test]
    fn one_goes_ahead_and_then_a_few() {
        let mut growth = Growth::new(NonZeroUsize::new(8).expect("not zero"));
        assert_eq!(growth.allowed(), 1);
        assert_eq!(
            run(&mut growth, 0, 60, (1_000_000, 9_000_000)),
            1,
            "no source has shown ranges"
        );
        growth.opened(Duration::from_mins(1));
        assert_eq!(growth.allowed(), FIRST);
    }

    #[test]
    fn it_grows_while_each_range_is_slow_and_stops_at_the_end_of_the_way() {
        assert_eq!(run(&mut growth(16), 0, 6, (300_000, 100_000_000)), 16);
        assert_eq!(run(&mut growth(16), 0, 9, (300_000, 2_400_000)), 8);
        assert_eq!(
            run(&mut growth(16), 0, 9, (2_500_000, 2_500_000)),
            FIRST,
            "a few fill the link"
        );
        assert_eq!(run(&mut growth(3), 0, 9, (300_000, 100_000_000)), 3);
    }

    #[test]
    fn it_is_tried_again_when_ways_change() {
        let mut growth = growth(8);
        assert_eq!(run(&mut growth, 0, 9, (2_500_000, 2_500_000)), FIRST);
        assert_eq!(run(&mut growth, 9, 30, (300_000, 100_000_000)), 8);
    }

    #[test]
    fn trouble_makes_it_smaller() {
        let mut growth = growth(16);
        run(&mut growth, 0, 6, (300_000, 100_000_000));
        growth.failed(Duration::from_secs(6), Trouble::Broken);
        assert_eq!(growth.allowed(), 8);
        growth.failed(Duration::from_secs(6), Trouble::Overloaded);
        assert_eq!(growth.allowed(), 1);
        assert_eq!(run(&mut growth, 6, 5, (300_000, 100_000_000)), 1, "it rests");
        assert!(run(&mut growth, 11, 60, (300_000, 100_000_000)) > 4);
    }

    #[test]
    fn ranges_that_are_not_used_earn_no_more() {
        let mut growth = growth(16);
        for second in 0..60 {
            growth.bytes(Duration::from_secs(second), 1_000_000 * second, 1);
        }
        assert_eq!(growth.allowed(), FIRST);
    }

    proptest! {
        #[test]
        fn it_stays_within_its_bounds(
            most in 1_usize..20,
            events in prop::collection::vec((0_u64..3000, 0_u64..10_000_000, 0_usize..20, 0_u8..12), 0..200),
        ) {
            let mut growth = growth(most);
            let mut now = Duration::ZERO;
            for (elapsed, bytes, busy, trouble) in events {
                now += Duration::from_millis(elapsed);
                match trouble {
                    0 => growth.failed(now, Trouble::Overloaded),
                    1 => growth.failed(now, Trouble::Broken),
                    _ => { growth.bytes(now, bytes, busy); }
                }
                prop_assert!((1..=most).contains(&growth.allowed()));
            }
        }
    }
}
