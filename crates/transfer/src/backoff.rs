//! How long to wait before asking again, and when to give up. Pure: randomness is an argument, time is only computed.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::Urgency;

/// When a failed request is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in a row without progress, the first one included, before a transfer gives up. Of several sources each has one
    /// more that does not count, while another has given no trouble.
    pub attempts: NonZeroU32,
    /// The same while somebody waits, as the transfer's [pace](crate::Pace) says at each failure, if that is fewer. `Ours:` who
    /// begins to wait in the middle of a transfer is told as soon as others who wait.
    pub urgent_attempts: Option<NonZeroU32>,
    /// Upper end of the first random wait; doubles with every further failure.
    pub base_delay: Duration,
    /// The random wait never exceeds this.
    pub max_delay: Duration,
    /// The longest `Retry-After` that is obeyed; a longer one counts as this long.
    pub max_retry_after: Duration,
    /// Times that one block may arrive with wrong bytes before the transfer fails with
    /// [`TransferError::Corrupt`](crate::TransferError::Corrupt); counted as `attempts` are.
    pub corrupt_attempts: NonZeroU32,
}

impl Default for RetryPolicy {
    /// `Ours:` six attempts from half a second upwards bridge a server's restart (about 8 s on average); longer outages are
    /// waited for by whoever started the transfer.
    fn default() -> Self {
        Self {
            attempts: NonZeroU32::new(6).expect("six is not zero"),
            urgent_attempts: None,
            base_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(30),
            max_retry_after: Duration::from_mins(2),
            corrupt_attempts: NonZeroU32::new(3).expect("three is not zero"),
        }
    }
}

/// What to do after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextAttempt {
    /// Ask again after this time.
    After(Duration),
    /// The attempts are used up.
    GiveUp,
}

/// Exponential back-off with full jitter: each wait is random between nothing and a bound that doubles.
///
/// `Ours:` full jitter spreads the return of a million devices after an outage evenly over the whole bound.
#[derive(Debug, Clone)]
pub struct Backoff {
    policy: RetryPolicy,
    failures: u32,
}

impl Backoff {
    /// A back-off before the first attempt.
    #[must_use]
    pub const fn new(policy: RetryPolicy) -> Self {
        Self { policy, failures: 0 }
    }

    /// Something was gained that need not be asked for again: counting starts anew. Nothing else resets the count.
    pub const fn progressed(&mut self) {
        self.failures = 0;
    }

    /// Failures since the last progress.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// An attempt failed. `random` is uniform over all `u64`; `retry_after` is what the server asked for.
    ///
    /// The wait that a server asks for is capped and then lengthened at random, by up to half of it or by the random wait if
    /// that is longer: those who were told the same time do not return together.
    pub fn failed(&mut self, random: u64, retry_after: Option<Duration>) -> NextAttempt {
        self.failed_as(Urgency::Background, random, retry_after)
    }

    /// As [`failed`](Self::failed), of a transfer that is as urgent as this at the moment.
    pub fn failed_as(
        &mut self,
        urgency: Urgency,
        random: u64,
        retry_after: Option<Duration>,
    ) -> NextAttempt {
        self.failures = self.failures.saturating_add(1);
        let urgent = self.policy.urgent_attempts.filter(|_| urgency == Urgency::Foreground);
        let attempts =
            urgent.map_or(self.policy.attempts, |urgent| urgent.min(self.policy.attempts));
        if self.failures >= attempts.get() {
            return NextAttempt::GiveUp;
        }
        NextAttempt::After(self.wait(random, retry_after))
    }

    /// How long to wait after the failures so far, however many are allowed; after none as after one.
    pub(crate) fn wait(&self, random: u64, retry_after: Option<Duration>) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(31);
        let bound =
            self.policy.base_delay.saturating_mul(1 << doublings).min(self.policy.max_delay);
        let asked = retry_after.unwrap_or_default().min(self.policy.max_retry_after);
        asked.saturating_add(fraction(bound.max(asked / 2), random))
    }
}

/// The share `random / 2^64` of `bound`.
fn fraction(bound: Duration, random: u64) -> Duration {
    let bound_ns = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
    let scaled = (u128::from(bound_ns) * u128::from(random)) >> 64;
    Duration::from_nanos(u64::try_from(scaled).unwrap_or(u64::MAX))
}

/// Random numbers for waiting times: splitmix64, shared by all transfers of a client. Not for secrets.
#[derive(Debug)]
pub struct Jitter(AtomicU64);

impl Jitter {
    /// The increment of splitmix64: the golden ratio of 2^64.
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

    /// A generator; the same seed gives the same numbers.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next number, uniform over all `u64`.
    pub fn next(&self) -> u64 {
        let mut z = self.0.fetch_add(Self::STEP, Ordering::Relaxed).wrapping_add(Self::STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy(attempts: u32) -> RetryPolicy {
        RetryPolicy {
            attempts: NonZeroU32::new(attempts).expect("not zero"),
            base_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(1),
            max_retry_after: Duration::from_secs(10),
            ..RetryPolicy::default()
        }
    }

    #[test]
    fn waits_double_up_to_the_bound_and_then_end() {
        let mut backoff = Backoff::new(policy(7));
        let waits: Vec<_> = (0..7).map(|_| backoff.failed(1 << 63, None)).collect();
        let half = |ms| NextAttempt::After(Duration::from_millis(ms));
        let expected =
            [half(50), half(100), half(200), half(400), half(500), half(500), NextAttempt::GiveUp];
        assert_eq!(waits, expected);
    }

    #[test]
    fn only_progress_resets_the_count() {
        let mut backoff = Backoff::new(policy(2));
        assert!(matches!(backoff.failed(0, None), NextAttempt::After(_)));
        backoff.progressed();
        assert!(matches!(backoff.failed(0, None), NextAttempt::After(_)));
        assert_eq!(backoff.failed(0, None), NextAttempt::GiveUp);
        assert_eq!(backoff.failures(), 2);
    }

    #[test]
    fn the_servers_wait_is_obeyed_up_to_the_cap_and_jittered() {
        let mut backoff = Backoff::new(policy(9));
        let asked = |secs| Some(Duration::from_secs(secs));
        assert_eq!(backoff.failed(0, asked(5)), NextAttempt::After(Duration::from_secs(5)));
        assert_eq!(backoff.failed(0, asked(5_000)), NextAttempt::After(Duration::from_secs(10)));
        assert_eq!(
            backoff.failed(1 << 63, asked(5)),
            NextAttempt::After(Duration::from_millis(6_250))
        );
    }

    #[test]
    fn splitmix_gives_its_published_numbers() {
        let jitter = Jitter::new(0);
        assert_eq!(jitter.next(), 0xE220_A839_7B1D_CDAF);
        assert_eq!(jitter.next(), 0x6E78_9E6A_A1B9_65F4);
    }

    /// What a server meets in each tenth of a second after an outage at time 0 that lasts `outage_s`, when every one of
    /// 20,000 devices was just fetching; while it lasts each attempt fails.
    fn arrivals(outage_s: u64, retry_after: Option<Duration>) -> Vec<u32> {
        let jitter = Jitter::new(3);
        let outage = Duration::from_secs(outage_s);
        let mut arrivals = vec![0; 4_000];
        for _ in 0..20_000 {
            let mut backoff =
                Backoff::new(RetryPolicy { attempts: NonZeroU32::MAX, ..RetryPolicy::default() });
            let mut at = Duration::ZERO;
            while at <= outage {
                let NextAttempt::After(wait) = backoff.failed(jitter.next(), retry_after) else {
                    panic!("gave up")
                };
                at += wait;
            }
            let tenth = usize::try_from(at.as_millis() / 100).expect("small");
            arrivals[tenth] += 1;
        }
        arrivals
    }

    #[test]
    fn a_mass_outage_ends_without_a_crowd_at_the_door() {
        // Spread over half a minute evenly, a tenth of a second would see 67 of the 20,000; told to wait a minute, they
        // come over half a minute too.
        for (outage_s, asked) in [(120, None), (30, Some(Duration::from_mins(1)))] {
            let arrivals = arrivals(outage_s, asked);
            let most = arrivals.iter().max().expect("not empty");
            assert!(*most < 200, "{most} at once after {outage_s} s, told to wait {asked:?}");
        }
    }

    proptest! {
        #[test]
        fn no_wait_exceeds_its_bounds(random: u64, failures in 1_u32..100, asked in 0_u64..u64::MAX) {
            let mut backoff = Backoff::new(policy(u32::MAX));
            let mut last = NextAttempt::GiveUp;
            for _ in 0..failures {
                last = backoff.failed(random, Some(Duration::from_secs(asked)));
            }
            let NextAttempt::After(wait) = last else { panic!("gave up") };
            prop_assert!(wait <= Duration::from_secs(15));
        }
    }
}
