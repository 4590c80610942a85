//! A token bucket as one moment in time: when everything granted so far would be sent.

use super::PIECE_BYTES;
use crate::quantity::Rate;
use std::time::Duration;
use tokio::time::Instant;

/// How far ahead of the steady rate an idle link may run: 1/20 of a second's worth.
const BURST: Duration = Duration::from_millis(50);

/// Grants bytes at a steady rate. Over any time `t` it grants at most `rate × t` plus 50 ms worth
/// plus one piece.
#[derive(Debug)]
pub(super) struct TokenBucket {
    rate: Rate,
    sent_by: Option<Instant>,
}

impl TokenBucket {
    pub(super) const fn new(rate: Rate) -> Self {
        Self { rate, sent_by: None }
    }

    /// The most to ask for at once: 50 ms worth, so that a slow link drips instead of stuttering.
    pub(super) fn piece_bytes(&self) -> u64 {
        (self.rate.bytes_per_second() / 20).clamp(1, PIECE_BYTES)
    }

    /// Takes `bytes` out and tells from when on they may be sent.
    pub(super) fn take(&mut self, bytes: u64, now: Instant) -> Instant {
        let nanoseconds =
            u128::from(bytes) * 1_000_000_000 / u128::from(self.rate.bytes_per_second());
        let cost = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        let sent_by = self.sent_by.map_or(now, |at| at.max(now)) + cost;
        self.sent_by = Some(sent_by);
        sent_by.checked_sub(BURST).map_or(now, |at| at.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(rate: &str) -> TokenBucket {
        TokenBucket::new(rate.parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn steady_taking_is_paced_at_the_rate() {
        let mut bucket = bucket("100kB");
        let started = Instant::now();
        for _ in 0..100 {
            let at = bucket.take(5_000, Instant::now());
            tokio::time::sleep_until(at).await;
        }
        let taken = started.elapsed();
        assert!(taken >= Duration::from_millis(4_949), "{taken:?}");
        assert!(taken <= Duration::from_millis(5_001), "{taken:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn idleness_saves_up_no_more_than_the_burst() {
        let mut bucket = bucket("100kB");
        let _ = bucket.take(5_000, Instant::now());
        tokio::time::advance(Duration::from_hours(1)).await;
        let now = Instant::now();
        assert_eq!(bucket.take(5_000, now), now);
        assert_eq!(bucket.take(5_000, now) - now, Duration::from_millis(50));
    }

    #[test]
    fn pieces_shrink_with_the_rate_but_never_to_nothing() {
        assert_eq!(bucket("1").piece_bytes(), 1);
        assert_eq!(bucket("100k").piece_bytes(), 5_000);
        assert_eq!(bucket("1G").piece_bytes(), PIECE_BYTES);
    }
}
