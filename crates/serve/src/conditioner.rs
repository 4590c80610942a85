//! The link conditioner: bandwidth, latency and loss of a pretended link.
//!
//! It is a **model** on the byte streams of the server, not packet mangling:
//! - *Bandwidth* limits what the server writes (headers, bodies, TLS records), summed over all its
//!   connections, by one token bucket. What clients send is not limited.
//! - *Latency* is added once per request, before the first byte of the answer.
//! - *Loss* treats what is written as segments of 1460 bytes. Each is lost with the given share; a
//!   written piece (at most 16 KiB) with a lost segment is held back for one recovery time: the
//!   latency, at least 20 ms. So loss costs stalls, as in a stream behind a retransmission, but
//!   nothing is lost or reordered, the sending rate is not halved afterwards, and hand-shakes and
//!   acknowledgements do not suffer. Real TCP on a lossy link is slower than this.

mod bucket;

use crate::{
    quantity::{Percent, Rate},
    seed::Draws,
};
use bucket::TokenBucket;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Bytes that one write may carry while the link is conditioned: small enough to share the link
/// fairly between connections.
const PIECE_BYTES: u64 = 16 * 1024;
/// Payload of one full TCP segment on Ethernet.
const SEGMENT_BYTES: u64 = 1_460;
/// Least time for which a lost segment holds the stream back.
const LEAST_RECOVERY: Duration = Duration::from_millis(20);

/// What the pretended link is like. The default changes nothing.
///
/// Spec: cli (`serve --bandwidth --latency --loss`); the model of loss is ours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkConditions {
    /// Bytes per second that all connections of the server share.
    pub bandwidth: Option<Rate>,
    /// Added before the first byte of each answer.
    pub latency: Duration,
    /// Share of the segments that are lost; see the module's text for what that means.
    pub loss: Percent,
    /// Seed of the losses. The same seed, connections and writes lose the same segments.
    pub seed: u64,
}

/// A handle on a server's link; clones share it. Conditions can change while the server runs.
#[derive(Debug, Clone, Default)]
pub struct Link(Arc<Mutex<LinkState>>);

#[derive(Debug, Default)]
struct LinkState {
    conditions: LinkConditions,
    bucket: Option<TokenBucket>,
}

/// Leave to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// The link is not conditioned.
    Free,
    /// So many bytes, from that moment on.
    Piece { bytes: usize, at: Instant },
}

impl Link {
    /// A link of these conditions.
    #[must_use]
    pub fn new(conditions: LinkConditions) -> Self {
        let link = Self::default();
        link.set(conditions);
        link
    }

    /// Replaces the conditions, for what is written from now on.
    pub fn set(&self, conditions: LinkConditions) {
        *self.state() =
            LinkState { conditions, bucket: conditions.bandwidth.map(TokenBucket::new) };
    }

    /// The present conditions.
    #[must_use]
    pub fn conditions(&self) -> LinkConditions {
        self.state().conditions
    }

    /// Asks to write up to `wanted` bytes. What is granted counts as written.
    pub(crate) fn grant(&self, wanted: usize, draws: &mut Draws, now: Instant) -> Grant {
        let mut state = self.state();
        let LinkState { conditions, bucket } = &mut *state;
        if bucket.is_none() && conditions.loss.is_zero() {
            return Grant::Free;
        }
        let most = bucket.as_ref().map_or(PIECE_BYTES, TokenBucket::piece_bytes);
        let piece = u64::try_from(wanted).unwrap_or(most).min(most);
        let mut at = bucket.as_mut().map_or(now, |b| b.take(piece, now));
        let segments = piece.div_ceil(SEGMENT_BYTES);
        if (0..segments).any(|_| conditions.loss.holds(draws.next())) {
            at += conditions.latency.max(LEAST_RECOVERY);
        }
        Grant::Piece { bytes: usize::try_from(piece).unwrap_or(wanted), at }
    }

    fn state(&self) -> MutexGuard<'_, LinkState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(grant: Grant) -> (usize, Instant) {
        match grant {
            Grant::Piece { bytes, at } => (bytes, at),
            Grant::Free => panic!("the link is conditioned"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn unconditioned_link_grants_everything_at_once() {
        let link = Link::default();
        let grant = link.grant(1 << 20, &mut Draws::new(0, 0), Instant::now());
        assert_eq!(grant, Grant::Free);
    }

    #[tokio::test(start_paused = true)]
    async fn two_connections_share_one_bandwidth() {
        let link = Link::new(LinkConditions {
            bandwidth: Some("1MB".parse().unwrap()),
            ..LinkConditions::default()
        });
        let started = Instant::now();
        let writer = |place| {
            let link = link.clone();
            async move {
                let mut draws = Draws::new(0, place);
                let mut left = 1_000_000_usize;
                while left > 0 {
                    let (bytes, at) = piece(link.grant(left, &mut draws, Instant::now()));
                    tokio::time::sleep_until(at).await;
                    left -= bytes;
                }
            }
        };
        tokio::join!(writer(0), writer(1));
        let taken = started.elapsed();
        // Two megabytes at one per second, less the 50 ms that the bucket lends at the start.
        assert!(taken >= Duration::from_millis(1_940), "{taken:?}");
        assert!(taken <= Duration::from_millis(2_010), "{taken:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn every_lost_segment_costs_one_recovery_time() {
        let link = Link::new(LinkConditions {
            loss: Percent::new(100),
            latency: Duration::from_millis(300),
            ..LinkConditions::default()
        });
        let now = Instant::now();
        let (bytes, at) = piece(link.grant(1 << 20, &mut Draws::new(0, 0), now));
        assert_eq!(bytes, 16 * 1024);
        assert_eq!(at - now, Duration::from_millis(300));
    }

    #[tokio::test(start_paused = true)]
    async fn losses_repeat_with_the_seed_and_come_as_often_as_asked() {
        let link =
            Link::new(LinkConditions { loss: Percent::new(10), ..LinkConditions::default() });
        let now = Instant::now();
        let run = |seed| {
            let mut draws = Draws::new(seed, 1);
            (0..2_000)
                .map(|_| piece(link.grant(1_000, &mut draws, now)).1 > now)
                .collect::<Vec<bool>>()
        };
        assert_eq!(run(5), run(5));
        assert_ne!(run(5), run(6));
        let lost = run(5).iter().filter(|lost| **lost).count();
        assert!((140..260).contains(&lost), "{lost} of 2000");
    }
}
