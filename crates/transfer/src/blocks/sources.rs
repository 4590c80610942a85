//! Which source is asked next.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::source::{BlockSource, Distance};
use crate::ledger::SourceMeter;
use crate::{Meter, TransferError};

/// Weight of the newest range in the rate of a source.
const NEWEST_WEIGHT: f64 = 0.5;

/// The sources of one file, each with what it did so far.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    all: Vec<Source<'a>>,
    standings: Mutex<Vec<Standing>>,
    /// With which a source was dropped, for those that find none left.
    last_error: Mutex<Option<TransferError>>,
}

/// One source.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) number: usize,
    pub(super) from: &'a BlockSource,
    pub(super) meter: SourceMeter,
}

/// How a source behaved.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Standing {
    /// It cannot give this file.
    dropped: bool,
    /// Times that it gave wrong bytes; never forgiven within a transfer.
    corrupt: u32,
    /// Failures since it last gave a block.
    failures: u32,
    /// It gave a block.
    has_given: bool,
    /// It asked to be left alone until then.
    rests_until: Duration,
    /// Ranges that it is giving now.
    active: u32,
    /// Bytes a second of one range, of late.
    rate: Option<f64>,
}

impl Standing {
    fn is_untroubled(&self) -> bool {
        !self.dropped && self.corrupt == 0 && self.failures == 0
    }
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Choice<'s, 'a> {
    /// Ask this one, which counts as active until [`Sources::done`].
    Ask(&'s Source<'a>),
    /// All that are left want to be left alone for so long.
    Wait(Duration),
    /// None is left.
    Nobody,
}

impl<'a> Sources<'a> {
    pub(super) fn new(all: &'a [BlockSource], meter: &Meter) -> Self {
        let source = |(number, from): (usize, &'a BlockSource)| {
            let meter = match from {
                BlockSource::Url(url) => meter.source(url),
                BlockSource::Other(other) => meter.named(other.name()),
            };
            Source { number, from, meter }
        };
        let sources: Vec<_> = all.iter().enumerate().map(source).collect();
        let standings = Mutex::new(vec![Standing::default(); sources.len()]);
        Self { all: sources, standings, last_error: Mutex::default() }
    }

    /// The least troubled source. Of equals one on this machine; then one that was never tried, if another one is at work
    /// meanwhile; then the one that promises most for one more range, the earlier of equals.
    pub(super) fn choose(&self, now: Duration) -> Choice<'_, 'a> {
        let mut standings = self.lock();
        let usable = || {
            let all = self.all.iter().zip(standings.iter());
            all.filter(|(_, standing)| !standing.dropped)
        };
        let rested = || usable().filter(|(_, standing)| standing.rests_until <= now);
        let trouble = |standing: &Standing| (standing.corrupt, standing.failures);
        let Some(least) = rested().map(|(_, standing)| trouble(standing)).min() else {
            let earliest = usable().map(|(_, standing)| standing.rests_until).min();
            return earliest.map_or(Choice::Nobody, |time| Choice::Wait(time.saturating_sub(now)));
        };
        let equals = || rested().filter(|(_, standing)| trouble(standing) == least);
        let is_busy = equals().any(|(_, standing)| standing.active > 0);
        let fastest = equals().filter_map(|(_, standing)| standing.rate).fold(0.0, f64::max);
        let promise = |standing: &Standing| match standing.rate {
            None if standing.active == 0 && is_busy => f64::INFINITY,
            rate => rate.unwrap_or(fastest) / f64::from(standing.active + 1),
        };
        let best = equals().min_by(|(one, first), (other, second)| {
            let near = |source: &Source<'_>| source.from.distance() != Distance::Local;
            let order = near(one).cmp(&near(other));
            order
                .then(promise(second).total_cmp(&promise(first)))
                .then(one.number.cmp(&other.number))
        });
        let Some(source) = best.map(|(source, _)| source) else { return Choice::Nobody };
        if let Some(standing) = standings.get_mut(source.number) {
            standing.active += 1;
        }
        Choice::Ask(source)
    }

    /// A range of this source has ended, in whatever way; `rate` if it lasted long enough to have one.
    pub(super) fn done(&self, source: &Source<'_>, rate: Option<f64>) {
        self.change(source, |standing| {
            standing.active = standing.active.saturating_sub(1);
            if let Some(rate) = rate {
                let known = standing.rate.unwrap_or(rate);
                standing.rate = Some(known + NEWEST_WEIGHT * (rate - known));
            }
        });
    }

    /// Whether the next source to be asked has given no trouble, so that it can be asked without waiting.
    pub(super) fn has_untroubled(&self) -> bool {
        self.lock().iter().any(Standing::is_untroubled)
    }

    /// Whether a failure of the source may be one of the way that all share. Not of one that never gave a block, while another has given
    /// no trouble.
    pub(super) fn may_be_of_the_way(&self, source: &Source<'_>) -> bool {
        let standings = self.lock();
        let has_given = standings.get(source.number).is_some_and(|standing| standing.has_given);
        has_given || !standings.iter().any(Standing::is_untroubled)
    }

    /// Whether any source is left.
    pub(super) fn is_any_left(&self) -> bool {
        self.lock().iter().any(|standing| !standing.dropped)
    }

    /// Keeps an error that is not told because others may do better, if it is one that drops its source.
    pub(super) fn keep(&self, error: TransferError) {
        if !error.is_retryable() {
            *lock(&self.last_error) = Some(error);
        }
    }

    /// Why no source is left, if that was not told. Given once: whoever does not tell it keeps it again.
    pub(super) fn last_error(&self) -> Option<TransferError> {
        lock(&self.last_error).take()
    }

    /// The source gave a verified block.
    pub(super) fn gave(&self, source: &Source<'_>) {
        self.change(source, |standing| {
            standing.failures = 0;
            standing.has_given = true;
        });
    }

    /// The source failed: it gives way to better ones.
    pub(super) fn failed(&self, source: &Source<'_>, error: &TransferError) {
        self.change(source, |standing| {
            if matches!(error, TransferError::Corrupt { .. }) {
                standing.corrupt = standing.corrupt.saturating_add(1);
            }
            standing.failures = standing.failures.saturating_add(1);
            standing.dropped |= !error.is_retryable();
        });
    }

    /// The source is left alone by all until `time`.
    pub(super) fn rest(&self, source: &Source<'_>, time: Duration) {
        self.change(source, |standing| standing.rests_until = standing.rests_until.max(time));
    }

    fn change(&self, source: &Source<'_>, change: impl FnOnce(&mut Standing)) {
        if let Some(standing) = self.lock().get_mut(source.number) {
            change(standing);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Standing>> {
        lock(&self.standings)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it is held, and every state is a good one.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use headstart_model::{Digest, VerifyError};
    use url::Url;

    use super::*;
    use crate::{Interruption, LocalCopy, ShownUrl};

    const NOW: Duration = Duration::ZERO;

    fn servers() -> Vec<BlockSource> {
        let url = |text| BlockSource::from(Url::parse(text).expect("a URL"));
        ["https://a/", "https://b/", "https://c/"].map(url).to_vec()
    }

    /// The number of the next source, which ends at once.
    fn next(sources: &Sources<'_>) -> Option<usize> {
        let Choice::Ask(source) = sources.choose(NOW) else { return None };
        sources.done(source, None);
        Some(source.number)
    }

    fn cut() -> TransferError {
        let url = ShownUrl::from(&Url::parse("https://a/").expect("a URL"));
        TransferError::Interrupted { url, received_bytes: 0, how: Interruption::EndedEarly }
    }

    #[test]
    fn failing_sources_give_way_and_come_back() {
        let (all, meter) = (servers(), Meter::new());
        let sources = Sources::new(&all, &meter);
        let (zero, one) = (Digest::of(b"0"), Digest::of(b"1"));
        let source = VerifyError::Digest { expected: zero, actual: one };
        let shown = ShownUrl::from(&Url::parse("https://a/").expect("a URL"));
        let corrupt = TransferError::Corrupt { url: shown.clone(), offset: 0, source };
        let missing = TransferError::NotFound { url: shown };

        assert_eq!(next(&sources), Some(0));
        sources.failed(&sources.all[0], &cut());
        assert_eq!(next(&sources), Some(1));
        sources.failed(&sources.all[1], &corrupt);
        assert_eq!(next(&sources), Some(2));
        sources.failed(&sources.all[2], &missing);
        assert!(!sources.has_untroubled());
        assert_eq!(next(&sources), Some(0));
        sources.gave(&sources.all[0]);
        assert!(sources.has_untroubled());
        // Wrong bytes weigh more than any number of broken connections.
        for _ in 0..9 {
            sources.failed(&sources.all[0], &cut());
        }
        sources.gave(&sources.all[1]);
        assert_eq!(next(&sources), Some(0));
        sources.failed(&sources.all[0], &missing);
        sources.failed(&sources.all[1], &missing);
        assert!(matches!(sources.choose(NOW), Choice::Nobody));
        assert!(!sources.is_any_left());
    }

    #[test]
    fn a_source_that_never_gave_anything_says_nothing_of_the_way() {
        let (all, meter) = (servers(), Meter::new());
        let sources = Sources::new(&all, &meter);
        let [first, second, third] = &sources.all[..] else { panic!("three") };
        sources.failed(first, &cut());
        assert!(!sources.may_be_of_the_way(first));
        sources.gave(second);
        sources.failed(second, &cut());
        assert!(sources.may_be_of_the_way(second), "it had worked");
        sources.failed(third, &cut());
        assert!(sources.may_be_of_the_way(third), "nobody is left who has not failed");
    }

    #[test]
    fn servers_share_the_work_by_what_they_carry() {
        let (all, meter) = (servers(), Meter::new());
        let sources = Sources::new(&all, &meter);
        let ask = || match sources.choose(NOW) {
            Choice::Ask(source) => source,
            other => panic!("{other:?}"),
        };
        assert_eq!([ask(), ask(), ask(), ask()].map(|source| source.number), [0, 1, 2, 0]);
        for (number, rate) in [(0, 300.0), (0, 300.0), (1, 1_000.0), (2, 1.0)] {
            sources.done(&sources.all[number], Some(rate));
        }
        // The third is so slow that it is asked when the others have hundreds of ranges each.
        let asked: Vec<_> = (0..13).map(|_| ask().number).collect();
        let count = |number| asked.iter().filter(|asked| **asked == number).count();
        assert_eq!((count(0), count(1), count(2)), (3, 10, 0));
    }

    #[test]
    fn what_is_at_hand_is_asked_first() {
        let (mut all, meter) = (servers(), Meter::new());
        all.push(LocalCopy::new("/media/stick/bundle".into()).into());
        let sources = Sources::new(&all, &meter);
        assert_eq!(next(&sources), Some(3));
        assert_eq!(meter.ledger().sources[3].origin, "file:///media/stick");
        sources.failed(&sources.all[3], &cut());
        assert_eq!(next(&sources), Some(0));
    }

    #[test]
    fn who_asks_to_be_left_alone_is() {
        let (all, meter) = (servers(), Meter::new());
        let sources = Sources::new(&all[..2], &meter);
        sources.rest(&sources.all[0], Duration::from_secs(9));
        assert_eq!(next(&sources), Some(1));
        sources.rest(&sources.all[1], Duration::from_secs(5));
        let Choice::Wait(time) = sources.choose(Duration::from_secs(1)) else { panic!("asked") };
        assert_eq!(time, Duration::from_secs(4));
    }
}
