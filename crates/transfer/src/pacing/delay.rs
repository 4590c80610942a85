//! How far a sender may run ahead of a background transfer: the less the longer packets wait in queues on the way. Pure.
//!
//! The shape is that of LEDBAT (RFC 6817), with the window kept by the receiver as in rLEDBAT (RFC 9840): the round trip now,
//! less the shortest that was seen, is what queues add. Below the target the window grows, above it shrinks, so whoever else
//! uses the path keeps its latency and takes all the room that it wants.

use std::collections::VecDeque;
use std::time::Duration;

/// The queueing delay that background transfers settle at. `Ours:` RFC 6817 allows 100 ms; a person who plays notices 20.
const TARGET: Duration = Duration::from_millis(6);
/// Smallest window, in packets: RFC 6817's. Nothing starves, and next to nothing is taken.
pub(super) const SEGMENTS_MIN: u32 = 2;
/// First window, in packets.
const SEGMENTS_FIRST: u32 = 10;
/// Largest window, in bytes: no path that is worth yielding on needs more.
const WINDOW_BYTES_MAX: f64 = 16.0 * 1024.0 * 1024.0;
/// Round trips that are looked at; the shortest counts, so that a late packet or a sleeping radio is not taken for a queue.
const RECENT: usize = 3;
/// How long a base delay is believed: paths change. RFC 6817 has ten minutes too.
const BASE_AGE_MAX: Duration = Duration::from_mins(10);

/// The shortest round trip of a path of late. `Spec: RFC 6817 3.4.2`.
#[derive(Debug, Clone, Default)]
pub(super) struct BaseDelay {
    /// One minute each: when it began and the shortest of it.
    minutes: VecDeque<(Duration, Duration)>,
}

impl BaseDelay {
    pub(super) fn seen(&mut self, now: Duration, round_trip: Duration) {
        match self.minutes.back_mut() {
            Some((since, shortest)) if now.saturating_sub(*since) < Duration::from_mins(1) => {
                *shortest = round_trip.min(*shortest);
            }
            _ => self.minutes.push_back((now, round_trip)),
        }
        while self.minutes.len() > 1
            && self
                .minutes
                .front()
                .is_some_and(|(since, _)| now.saturating_sub(*since) > BASE_AGE_MAX)
        {
            self.minutes.pop_front();
        }
    }

    pub(super) fn shortest(&self) -> Option<Duration> {
        self.minutes.iter().map(|(_, shortest)| *shortest).min()
    }

    /// When it was last heard of.
    pub(super) fn last(&self) -> Option<Duration> {
        self.minutes.back().map(|(since, _)| *since)
    }
}

/// One look at a path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) now: Duration,
    /// Round trip at this moment, queues included.
    pub(super) round_trip: Duration,
    /// The shortest known.
    pub(super) base: Duration,
    /// Bytes that arrived since the last look.
    pub(super) arrived_bytes: u64,
    pub(super) segment_bytes: u32,
}

/// The window of one connection.
#[derive(Debug, Clone)]
pub(super) struct DelayControl {
    window_bytes: f64,
    recent: VecDeque<Duration>,
    /// While no queue was ever met the window doubles with every round trip.
    starting: bool,
    /// No second big step down before the first one can have been felt.
    no_cut_before: Duration,
    /// The last look.
    last: Duration,
}

impl DelayControl {
    pub(super) fn new(segment_bytes: u32) -> Self {
        Self {
            window_bytes: f64::from(segment_bytes) * f64::from(SEGMENTS_FIRST),
            recent: VecDeque::new(),
            starting: true,
            no_cut_before: Duration::ZERO,
            last: Duration::ZERO,
        }
    }

    /// The window in bytes.
    pub(super) fn window_bytes(&self) -> u32 {
        // Between a few packets and the largest window, so it fits.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounded above"
        )]
        let bytes = self.window_bytes as u32;
        bytes
    }

    /// Takes a look into account.
    pub(super) fn update(&mut self, sample: &Sample) {
        self.recent.push_back(sample.round_trip);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        let recent = self.recent.iter().min().copied().unwrap_or(sample.round_trip);
        let queueing = recent.saturating_sub(sample.base).as_secs_f64();
        let target = TARGET.as_secs_f64();
        let arrived_bytes = sample.arrived_bytes as f64;
        let segment_bytes = f64::from(sample.segment_bytes);
        let smallest = segment_bytes * f64::from(SEGMENTS_MIN);
        // With the smallest window little is read at a time and seldom, so it never looks used: it grows if there is room.
        let used = self.window_bytes <= smallest || self.is_used(sample);
        self.last = sample.now;
        let off_target = ((target - queueing) / target).max(-1.0);
        if self.starting && queueing < target / 2.0 {
            self.window_bytes += if used { arrived_bytes } else { 0.0 };
        } else if queueing > 2.0 * target && sample.now >= self.no_cut_before {
            // Somebody else wants the path: make room in a few round trips instead of a few hundred.
            self.starting = false;
            self.window_bytes *= if queueing > 4.0 * target { 0.5 } else { 0.8 };
            self.no_cut_before = sample.now + sample.round_trip;
        } else {
            self.starting = false;
            if off_target < 0.0 || used {
                // `Spec: RFC 6817 2.4.2`, with a gain of one.
                self.window_bytes += off_target * arrived_bytes * segment_bytes / self.window_bytes;
            }
        }
        self.window_bytes = self.window_bytes.clamp(smallest, WINDOW_BYTES_MAX);
    }

    /// Whether the transfer makes use of its window: one that is held back elsewhere would only learn to burst.
    fn is_used(&self, sample: &Sample) -> bool {
        let elapsed = sample.now.saturating_sub(self.last).as_secs_f64();
        let possible = self.window_bytes * elapsed / sample.round_trip.as_secs_f64().max(1e-6);
        sample.arrived_bytes as f64 >= possible / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT_BYTES: u32 = 1448;

    /// A link with a queue: background bytes go through it beside those of somebody else.
    struct Link {
        bytes_per_second: f64,
        round_trip: Duration,
        queued_bytes: f64,
    }

    impl Link {
        fn queueing(&self) -> Duration {
            Duration::from_secs_f64(self.queued_bytes / self.bytes_per_second)
        }
    }

    /// Runs the control over a link for some time; `others` is the share of the link that is asked for by others, who fill
    /// the queue up to `others_queue`. Says what share of the link the background got in the second half and the longest
    /// queueing delay in it.
    fn run(control: &mut DelayControl, others: f64, others_queue: Duration) -> (f64, Duration) {
        let mut link = Link {
            bytes_per_second: 2_500_000.0,
            round_trip: Duration::from_millis(40),
            queued_bytes: 0.0,
        };
        let (mut got, mut longest, mut now) = (0.0, Duration::ZERO, Duration::ZERO);
        let half = Duration::from_secs(15);
        let step = Duration::from_millis(20);
        while now < half * 2 {
            let round_trip = link.round_trip + link.queueing().max(others_queue);
            let offered =
                f64::from(control.window_bytes()) * step.as_secs_f64() / round_trip.as_secs_f64();
            let room = link.bytes_per_second * (1.0 - others) * step.as_secs_f64();
            link.queued_bytes = (link.queued_bytes + offered - room).max(0.0);
            let arrived = offered.min(room);
            let base = link.round_trip;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a few kilobytes"
            )]
            let arrived_bytes = arrived as u64;
            let segment_bytes = SEGMENT_BYTES;
            control.update(&Sample { now, round_trip, base, arrived_bytes, segment_bytes });
            if now >= half {
                got += arrived;
                longest = longest.max(link.queueing());
            }
            now += step;
        }
        (got / (link.bytes_per_second * half.as_secs_f64()), longest)
    }

    #[test]
    fn alone_it_fills_the_link_and_hardly_queues() {
        let (share, longest) = run(&mut DelayControl::new(SEGMENT_BYTES), 0.0, Duration::ZERO);
        assert!(share > 0.93, "{share} of the link");
        assert!(longest < TARGET * 2, "{longest:?} of queue");
    }

    #[test]
    fn beside_somebody_who_fills_the_queue_it_keeps_almost_nothing() {
        let mut control = DelayControl::new(SEGMENT_BYTES);
        run(&mut control, 0.0, Duration::ZERO);
        let (share, _) = run(&mut control, 0.0, Duration::from_millis(100));
        assert!(share < 0.02, "{share} of the link");
        assert_eq!(control.window_bytes(), SEGMENTS_MIN * SEGMENT_BYTES);
        let (share, _) = run(&mut control, 0.0, Duration::ZERO);
        assert!(share > 0.9, "{share} of the link when the other is gone");
    }

    #[test]
    fn beside_somebody_who_needs_half_it_takes_the_other_half() {
        let (share, longest) = run(&mut DelayControl::new(SEGMENT_BYTES), 0.5, Duration::ZERO);
        assert!((0.42..=0.5).contains(&share), "{share} of the link");
        assert!(longest < TARGET * 3, "{longest:?} of queue");
    }

    #[test]
    fn what_reads_seldom_and_little_grows_again_when_the_others_are_gone() {
        let mut control = DelayControl::new(SEGMENT_BYTES);
        run(&mut control, 0.0, Duration::from_millis(100));
        let smallest = SEGMENTS_MIN * SEGMENT_BYTES;
        assert_eq!(control.window_bytes(), smallest);
        // One record of TLS each second, as one of many who stand back reads it, over a path of 10 ms.
        let round_trip = Duration::from_millis(10);
        for second in 60..64 {
            let now = Duration::from_secs(second);
            let (base, arrived_bytes) = (round_trip, 16 * 1024);
            let segment_bytes = SEGMENT_BYTES;
            control.update(&Sample { now, round_trip, base, arrived_bytes, segment_bytes });
        }
        assert!(control.window_bytes() > smallest, "{}", control.window_bytes());
    }

    #[test]
    fn one_late_packet_is_no_queue() {
        let mut control = DelayControl::new(SEGMENT_BYTES);
        run(&mut control, 0.0, Duration::ZERO);
        let before = control.window_bytes();
        let base = Duration::from_millis(40);
        let late = Sample {
            now: Duration::from_mins(1),
            round_trip: Duration::from_millis(400),
            base,
            arrived_bytes: 1448,
            segment_bytes: SEGMENT_BYTES,
        };
        control.update(&late);
        assert!(control.window_bytes() >= before * 99 / 100);
    }

    #[test]
    fn a_base_is_forgotten_after_a_while() {
        let mut base = BaseDelay::default();
        base.seen(Duration::ZERO, Duration::from_millis(10));
        for minute in 1..=9 {
            base.seen(Duration::from_mins(minute), Duration::from_millis(30));
        }
        assert_eq!(base.shortest(), Some(Duration::from_millis(10)));
        base.seen(Duration::from_mins(12), Duration::from_millis(40));
        assert_eq!(base.shortest(), Some(Duration::from_millis(30)));
    }
}
