//! Whether somebody who has nothing to do should help with a range that is under way. Pure.
//!
//! Help costs: what the connection that is relieved of its rest has under way is thrown away, and a race fetches a block
//! twice. So it is given only where a range is far behind the others, or where connections that ended left a gap which the
//! remaining ones do not fill.

use std::time::Duration;

/// A range for which the network was waited for shorter than this has no rate worth comparing.
const WAITED_MIN: Duration = Duration::from_secs(3);
/// What ends sooner by itself is left alone: asking anew takes round trips too.
const WORTH: Duration = Duration::from_secs(2);
/// A range is a straggler at this fraction of the others' rate.
const FAR_BEHIND: f64 = 0.25;
/// A range of which no byte came for so long, while the network was waited for, is a straggler whatever it did before.
const SILENT: Duration = Duration::from_secs(3);
/// The others fill the gap that ended ones left if they carry so much of the best that was seen.
const FILLED: f64 = 0.7;

/// One range under way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Progress {
    /// Which.
    pub(super) job: u64,
    /// Blocks that are left, the one being received included.
    pub(super) blocks_left: usize,
    pub(super) bytes_left: u64,
    /// How long its present request has waited for the network. What verifying and writing take is not counted: where they are what is
    /// slow, another connection helps nobody, and what the one that is cut has under way is lost.
    pub(super) waited: Duration,
    /// Bytes of its present request.
    pub(super) bytes: u64,
    /// How long the network has been waited for without a byte.
    pub(super) silent: Duration,
    /// Whether its last block is being raced for already.
    pub(super) raced: bool,
}

/// What is known of the whole transfer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Situation {
    /// Bytes a second now, all ranges together.
    pub(super) rate: f64,
    /// The most that it ever was.
    pub(super) best_rate: f64,
    /// Bytes a second that ranges which ended had, on average; none before the first.
    pub(super) usual_range_rate: Option<f64>,
}

/// How to help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Help {
    /// Take over all blocks of this range but the first `keep`.
    Relieve { job: u64, keep: usize },
    /// Fetch the only block of this range too; whoever has it first wins.
    Race { job: u64 },
    /// Leave them alone.
    Nobody,
}

impl Progress {
    fn rate(&self) -> f64 {
        self.bytes as f64 / self.waited.as_secs_f64().max(1e-3)
    }

    fn time_left(&self) -> Duration {
        let seconds = self.bytes_left as f64 / self.rate().max(1.0);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }
}

/// Chooses the range that would take longest and can be helped.
pub(super) fn choose(under_way: &[Progress], situation: &Situation) -> Help {
    let slowest = under_way
        .iter()
        .filter(|range| range.silent >= SILENT || range.waited >= WAITED_MIN)
        .filter(|range| range.silent >= SILENT || range.time_left() >= WORTH)
        .filter(|range| range.blocks_left > 1 || (range.blocks_left == 1 && !range.raced))
        .max_by_key(|range| (range.silent >= SILENT, range.time_left()));
    let Some(range) = slowest else { return Help::Nobody };
    let straggles = range.silent >= SILENT || is_far_behind(range, under_way, situation);
    let gap = situation.rate < FILLED * situation.best_rate;
    let job = range.job;
    match (range.blocks_left, straggles, gap) {
        (1, true, _) => Help::Race { job },
        (2.., true, _) => Help::Relieve { job, keep: 1 },
        (2.., false, true) => Help::Relieve { job, keep: range.blocks_left.div_ceil(2) },
        _ => Help::Nobody,
    }
}

fn is_far_behind(range: &Progress, under_way: &[Progress], situation: &Situation) -> bool {
    let siblings =
        under_way.iter().filter(|other| other.job != range.job && other.waited >= WAITED_MIN);
    let best = siblings.map(Progress::rate).chain(situation.usual_range_rate).fold(0.0, f64::max);
    range.rate() < best * FAR_BEHIND
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STEADY: Situation = Situation { rate: 1e6, best_rate: 1e6, usual_range_rate: Some(1e6) };

    fn range(job: u64, blocks_left: usize, rate: u64) -> Progress {
        Progress {
            job,
            blocks_left,
            bytes_left: blocks_left as u64 * 1_000_000,
            waited: Duration::from_secs(5),
            bytes: rate * 5,
            silent: Duration::ZERO,
            raced: false,
        }
    }

    #[test]
    fn a_range_far_behind_keeps_its_block_and_loses_the_others() {
        let ranges = [range(1, 4, 800_000), range(2, 9, 50_000)];
        assert_eq!(choose(&ranges, &STEADY), Help::Relieve { job: 2, keep: 1 });
        assert_eq!(choose(&[range(2, 1, 50_000)], &STEADY), Help::Race { job: 2 });
        let raced = Progress { raced: true, ..range(2, 1, 50_000) };
        assert_eq!(choose(&[raced], &STEADY), Help::Nobody, "at most two fetch one block");
    }

    #[test]
    fn ranges_that_are_equally_slow_are_left_alone() {
        let ranges = [range(1, 4, 16_000), range(2, 4, 16_000)];
        let slow = Situation { rate: 32e3, best_rate: 33e3, usual_range_rate: Some(16e3) };
        assert_eq!(choose(&ranges, &slow), Help::Nobody);
        assert_eq!(choose(&[range(1, 1, 16_000)], &slow), Help::Nobody);
    }

    #[test]
    fn a_gap_that_ended_ranges_left_is_filled_by_halves() {
        let gap = Situation { rate: 250e3, best_rate: 1e6, usual_range_rate: Some(250e3) };
        assert_eq!(choose(&[range(3, 9, 250_000)], &gap), Help::Relieve { job: 3, keep: 5 });
        let one = Situation { rate: 1e6, best_rate: 1e6, usual_range_rate: Some(250e3) };
        assert_eq!(choose(&[range(3, 9, 1_000_000)], &one), Help::Nobody, "one fills the link");
    }

    #[test]
    fn silence_is_not_waited_out() {
        let silent = Progress { silent: SILENT, ..range(7, 1, 9_000_000) };
        assert_eq!(choose(&[range(1, 9, 900_000), silent], &STEADY), Help::Race { job: 7 });
        let short = Progress { silent: Duration::from_millis(900), ..silent };
        assert_eq!(choose(&[short], &STEADY), Help::Nobody);
    }

    proptest! {
        #[test]
        fn help_never_takes_everything_and_never_goes_where_nothing_is_left(
            ranges in prop::collection::vec((0_usize..5, 0_u64..2_000_000, 0_u64..9, 0_u64..9, any::<bool>()), 0..8),
            rate in 0.0_f64..2e6, best in 0.0_f64..2e6, usual in prop::option::of(0.0_f64..2e6),
        ) {
            let ranges: Vec<_> = ranges.into_iter().zip(0..).map(|((blocks, bytes, age, silent, raced), job)| Progress {
                waited: Duration::from_secs(age), bytes, silent: Duration::from_secs(silent), raced, ..range(job, blocks, 0)
            }).collect();
            let situation = Situation { rate, best_rate: best, usual_range_rate: usual };
            let of = |job: u64| ranges.iter().find(|range| range.job == job).expect("one of them");
            match choose(&ranges, &situation) {
                Help::Relieve { job, keep } => prop_assert!(keep >= 1 && keep < of(job).blocks_left),
                Help::Race { job } => prop_assert!(of(job).blocks_left == 1 && !of(job).raced),
                Help::Nobody => {}
            }
        }
    }
}
