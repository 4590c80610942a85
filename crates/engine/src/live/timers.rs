//! Everything that happens because time passed: one queue, one sentence each.

use std::collections::{BTreeMap, BTreeSet};

use headstart_model::AppId;

use crate::id::{DownloadId, EffectId, RequestId};
use crate::time::MonotonicTime;

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A download that failed may try again.
    Retry(DownloadId),
    /// An order that ended without success is issued again.
    Reissue(EffectId),
    /// A check that failed is tried again.
    Check(AppId),
    /// The app's periodic content request.
    Periodic(AppId),
    /// The app's extension may be asked again.
    Extension(AppId),
    /// A call has waited long enough for the exclusive right.
    Exclusive(RequestId),
    /// Essential downloads have waited long enough for the network.
    Patience,
    /// More downloads are to be relieved of their back-off, or decided on.
    Relief,
}

/// Timers by time. Each timer is set at most once; setting it again moves it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Timers {
    by_time: BTreeSet<(MonotonicTime, Timer)>,
    times: BTreeMap<Timer, MonotonicTime>,
}

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer, at: MonotonicTime) {
        self.remove(&timer);
        self.times.insert(timer.clone(), at);
        self.by_time.insert((at, timer));
    }

    pub(crate) fn remove(&mut self, timer: &Timer) {
        if let Some(at) = self.times.remove(timer) {
            self.by_time.remove(&(at, timer.clone()));
        }
    }

    /// When a timer is set to go off.
    pub(crate) fn time_of(&self, timer: &Timer) -> Option<MonotonicTime> {
        self.times.get(timer).copied()
    }

    /// The earliest time.
    pub(crate) fn first(&self) -> Option<MonotonicTime> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Removes and returns the earliest timer that is due.
    pub(crate) fn pop_due(&mut self, now: MonotonicTime) -> Option<Timer> {
        if self.first()? > now {
            return None;
        }
        let (_, timer) = self.by_time.pop_first()?;
        self.times.remove(&timer);
        Some(timer)
    }

    /// The next downloads after `after` that wait for a retry, at most `limit`.
    pub(crate) fn retries_after(&self, after: DownloadId, limit: usize) -> Vec<DownloadId> {
        let from = Timer::Retry(DownloadId(after.0.saturating_add(1)));
        let ids = self.times.range(from..).map_while(|(timer, _)| match timer {
            Timer::Retry(id) => Some(*id),
            _ => None,
        });
        ids.take(limit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_goes_off_once_and_at_its_last_time() {
        let mut timers = Timers::default();
        timers.set(Timer::Patience, MonotonicTime(5));
        timers.set(Timer::Patience, MonotonicTime(9));
        assert_eq!(timers.pop_due(MonotonicTime(8)), None);
        assert_eq!(timers.pop_due(MonotonicTime(9)), Some(Timer::Patience));
        assert_eq!(timers.first(), None);
    }

    #[test]
    fn retries_are_found_by_download_and_nothing_else_is() {
        let mut timers = Timers::default();
        for id in [3, 1, 2] {
            timers.set(Timer::Retry(DownloadId(id)), MonotonicTime(100 - id));
        }
        timers.set(Timer::Reissue(EffectId(1)), MonotonicTime(1));
        assert_eq!(timers.retries_after(DownloadId(0), 2), [DownloadId(1), DownloadId(2)]);
        assert_eq!(timers.retries_after(DownloadId(2), 9), [DownloadId(3)]);
    }
}
