//! How many ranges of one file are fetched at once. Pure.

use crate::Urgency;
use crate::pacing::BACKGROUND_RANGES_MAX;

/// Decides from the rate whether more connections pay.
///
/// `Ours:` one connection rarely fills a link that loses packets, while on a good one more of them gain nothing, cost the
/// server, and cut each other short. So it begins with few, doubles them as a trial, and goes back where that gained nothing.
#[derive(Debug)]
pub(super) struct Spread {
    target: usize,
    limit: usize,
    /// What was carried before the trial, and by how many.
    before: Option<(f64, usize)>,
    settled: bool,
}

impl Spread {
    /// Connections at the beginning.
    const FIRST: usize = 4;
    /// The most.
    const LIMIT: usize = 16;
    /// More connections pay when the rate rises by this factor.
    const GAIN: f64 = 1.1;

    pub(super) const fn new() -> Self {
        Self { target: Self::FIRST, limit: Self::LIMIT, before: None, settled: false }
    }

    /// So many are wanted: few by a transfer that gives way, whatever more would gain.
    pub(super) fn target(&self, urgency: Urgency) -> usize {
        match urgency {
            Urgency::Foreground => self.target,
            Urgency::Background => self.target.min(BACKGROUND_RANGES_MAX),
        }
    }

    /// The rate with all the connections that are wanted in the foreground, over a time in which they were all under way.
    pub(super) fn measured(&mut self, rate: f64) {
        if self.settled {
            return;
        }
        match self.before {
            Some((before, target)) if rate < before * Self::GAIN => {
                self.target = target;
                self.settled = true;
            }
            _ if self.target == self.limit => self.settled = true,
            _ => {
                self.before = Some((rate, self.target));
                self.target = (self.target * 2).min(self.limit);
            }
        }
    }

    /// The server does not bear so many: `left` go on, and no more are tried.
    pub(super) fn refused(&mut self, left: usize) {
        self.limit = left.max(1);
        self.target = self.target.min(self.limit);
        self.settled = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(spread: &Spread) -> usize {
        spread.target(Urgency::Foreground)
    }

    #[test]
    fn connections_grow_while_they_pay() {
        let mut spread = Spread::new();
        assert_eq!(wanted(&spread), 4);
        spread.measured(100.0);
        assert_eq!(wanted(&spread), 8);
        spread.measured(190.0);
        assert_eq!(wanted(&spread), 16);
        assert_eq!(spread.target(Urgency::Background), BACKGROUND_RANGES_MAX);
        spread.measured(900.0);
        assert_eq!(wanted(&spread), 16);
        spread.refused(2);
        assert_eq!(spread.target(Urgency::Background), 2);
    }

    #[test]
    fn connections_are_what_they_were_when_more_gain_nothing_and_fall_when_refused() {
        let mut spread = Spread::new();
        spread.measured(100.0);
        spread.measured(105.0);
        spread.measured(900.0);
        assert_eq!(wanted(&spread), 4);
        spread.refused(3);
        assert_eq!(wanted(&spread), 3);
        spread.measured(900.0);
        spread.refused(0);
        assert_eq!(wanted(&spread), 1);
    }
}
