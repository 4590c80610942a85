//! What is remembered of an app's downloader extension. `Spec: concepts 10`.

use headstart_model::Failure;
use serde::{Deserialize, Serialize};

use crate::time::WallTime;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const MINUTE_MS: u64 = 60 * 1000;
const DAYS_KEPT: u32 = u32::BITS;

/// Run time of an ordinary extension in a day, in milliseconds. `Spec: concepts 10`: an engineer of the original names
/// 10 minutes.
pub const BUDGET_MS: u64 = 10 * MINUTE_MS;
/// Of one whose app is used on most days. `Ours:` the original gives those more and names no number.
pub const BUDGET_FREQUENT_MS: u64 = 20 * MINUTE_MS;
/// Of one whose app nobody has used for two weeks.
pub const BUDGET_RARE_MS: u64 = 2 * MINUTE_MS;

/// On which days an app was used, by the clock of the device (UTC).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// The last day on which it was used, in days since 1970; 0 when it was never.
    day: u64,
    /// Bit n: it was used n days before that day.
    days: u32,
}

impl Usage {
    /// Notes that the app is used; true when that is news.
    pub(crate) fn note(&mut self, now: WallTime) -> bool {
        let day = now.0 / DAY_MS;
        match day.checked_sub(self.day) {
            Some(0) if self.days & 1 == 1 => return false,
            // A clock that was set back says nothing new about older days.
            None => return false,
            Some(later) => {
                let shift = u32::try_from(later).unwrap_or(DAYS_KEPT);
                self.days = self.days.checked_shl(shift).unwrap_or(0) | 1;
                self.day = day;
            }
        }
        true
    }

    /// On how many of the last `span` days it was used, today included.
    #[must_use]
    pub fn days_of(&self, span: u32, now: WallTime) -> u32 {
        let since = (now.0 / DAY_MS).saturating_sub(self.day);
        let shift = u32::try_from(since).unwrap_or(DAYS_KEPT);
        let days = self.days.checked_shl(shift).unwrap_or(0);
        let mask = 1_u32.checked_shl(span).map_or(u32::MAX, |bit| bit - 1);
        (days & mask).count_ones()
    }
}

/// How much of its run time an extension has used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Budget {
    /// When the present day of the budget began.
    since: WallTime,
    /// What was used since, in milliseconds.
    used_ms: u64,
}

impl Budget {
    /// Counts time that was used. A day begins with its first use.
    pub(crate) fn spend(&mut self, ms: u64, now: WallTime) {
        if self.is_over(now) {
            *self = Self { since: now, used_ms: 0 };
        }
        self.used_ms = self.used_ms.saturating_add(ms);
    }

    /// Begins a new day at once: an event that is simulated resets the allotment. `Spec: packs 7`.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Milliseconds used in the present day.
    #[must_use]
    pub fn used_ms(&self, now: WallTime) -> u64 {
        if self.is_over(now) { 0 } else { self.used_ms }
    }

    /// When the present day ends, and all of it may be used again.
    pub(crate) fn renewal(&self) -> WallTime {
        self.since.after_ms(DAY_MS)
    }

    fn is_over(&self, now: WallTime) -> bool {
        // A clock that was set back far would else stretch the day without end.
        now < self.since || self.since.ms_until(now) >= DAY_MS
    }
}

/// The downloader extension of an app.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Extension {
    /// Its run time.
    pub budget: Budget,
    /// Calls in a row that it did not answer.
    pub attempts: u32,
    /// Those of them that were about the present content request.
    pub request_attempts: u32,
    /// When it may be called again after that.
    pub retry_at: Option<WallTime>,
    /// Why it did not answer the last call.
    pub failure: Option<Failure>,
}

impl Extension {
    /// It is asked anew without delay: it may be another program now, or somebody wants to see what it does.
    pub(crate) fn forgive(&mut self) {
        *self = Self { budget: self.budget, ..Self::default() };
    }

    /// It has answered a call. What it did not answer of the content request stays counted until that has been dealt with.
    pub(crate) fn answered(&mut self) {
        let request_attempts = self.request_attempts;
        self.forgive();
        self.request_attempts = request_attempts;
    }
}

/// Run time that an extension may use in a day, in milliseconds: by how the app is used. `Spec: concepts 10`.
#[must_use]
pub fn budget_ms(usage: &Usage, first_launch: Option<WallTime>, now: WallTime) -> u64 {
    const WEEK: u32 = 7;
    // `Ours:` an app that was just installed has not had the time to be used.
    let Some(first_launch) = first_launch else { return BUDGET_MS };
    let known_days = first_launch.ms_until(now) / DAY_MS;
    if usage.days_of(WEEK, now) >= 4 {
        BUDGET_FREQUENT_MS
    } else if known_days >= u64::from(2 * WEEK) && usage.days_of(2 * WEEK, now) == 0 {
        BUDGET_RARE_MS
    } else {
        BUDGET_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: u64) -> WallTime {
        WallTime((1_000 + n) * DAY_MS + 5)
    }

    #[test]
    fn the_budget_follows_the_use_of_the_app() {
        let mut usage = Usage::default();
        assert_eq!(budget_ms(&usage, None, day(0)), BUDGET_MS);
        for n in 0..4 {
            assert!(usage.note(day(n)));
            assert!(!usage.note(day(n)), "a day counts once");
        }
        let first = Some(day(0));
        assert_eq!(budget_ms(&usage, first, day(4)), BUDGET_FREQUENT_MS);
        assert_eq!(budget_ms(&usage, first, day(9)), BUDGET_MS);
        assert_eq!(budget_ms(&usage, first, day(30)), BUDGET_RARE_MS);
        assert!(usage.note(day(60)));
        assert_eq!(usage.days_of(32, day(60)), 1, "what is long ago is forgotten");
    }

    #[test]
    fn a_day_of_the_budget_begins_with_its_first_use() {
        let mut budget = Budget::default();
        budget.spend(10, day(1));
        budget.spend(5, day(1).after_ms(DAY_MS - 1));
        assert_eq!(budget.used_ms(day(1).after_ms(DAY_MS - 1)), 15);
        assert_eq!(budget.used_ms(budget.renewal()), 0);
        budget.spend(7, budget.renewal());
        assert_eq!(budget.used_ms(day(2)), 7);
        assert_eq!(budget.used_ms(WallTime(1)), 0, "a clock set back begins a new day");
    }
}
