//! The pace of one answer that is read: its bytes paid for, its connection held back.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use headstart_sys::tcp::TcpTap;
use tokio::time::Instant;

use super::delay::{BaseDelay, DelayControl, SEGMENTS_MIN, Sample};
use super::{Pace, Urgency};

/// A connection is looked at at most so often.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Of all connections that stand back for others, one reads so often: enough to see when they are gone. What the smallest
/// windows of many connections would take together is no longer next to nothing: 16 of them a tenth of 20 Mbit/s.
const STAND_BACK: Duration = Duration::from_millis(250);
/// The longest that one of many waits, so that servers and routers do not take its connection for dead.
const STAND_BACK_MAX: Duration = Duration::from_secs(4);
/// What a limited transfer lets the sender have under way, as time at its rate.
const LIMITED_AHEAD: Duration = Duration::from_millis(250);
/// Smallest window of a limited transfer: two reads. The system cannot keep one that is much smaller busy.
const LIMITED_WINDOW_MIN: u64 = 16 * 1024;
/// Connections whose window is remembered while nothing is read from them; any of them is forgotten for a new one.
const IDLE_MAX: usize = 1024;
/// Servers whose base delay is remembered; the longest silent is forgotten for a new one.
const SERVERS_MAX: usize = 64;

/// All connections that are held back, and how far away servers are.
#[derive(Debug)]
pub(crate) struct Paths {
    began: Instant,
    /// Answers that stand back at this moment.
    standing_back: AtomicU32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: HashMap<(SocketAddr, SocketAddr), Weak<Path>>,
    /// Connections that were left with a small window: the next answer goes on with it, or lifts it.
    idle: HashMap<(SocketAddr, SocketAddr), DelayControl>,
    /// Kept beyond connections: one that is opened while others fill the queue would take the queue for the distance.
    bases: HashMap<IpAddr, BaseDelay>,
}

/// One connection; several answers may share it (HTTP/2).
#[derive(Debug)]
struct Path {
    tap: TcpTap,
    paths: Weak<Paths>,
    addresses: (SocketAddr, SocketAddr),
    /// Answers on it that take what the path gives. While there are any it is not held back.
    foreground: AtomicUsize,
    /// Even the smallest window leaves a queue: somebody else uses the path.
    crowded: AtomicBool,
    control: Mutex<Control>,
}

#[derive(Debug)]
struct Control {
    delay: DelayControl,
    looked_at: Option<Duration>,
    arrived_bytes: u64,
    /// The window that was set; none while the system has its own way.
    window_bytes: Option<u32>,
}

impl Paths {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), standing_back: AtomicU32::new(0), state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, and every state is a good one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection between these addresses, if it can be had.
    fn open(self: &Arc<Self>, (local, remote): (SocketAddr, SocketAddr)) -> Option<Arc<Path>> {
        let known = self.lock().open.get(&(local, remote)).and_then(Weak::upgrade);
        if known.is_some() {
            return known;
        }
        let tap = TcpTap::find(local, remote)?;
        let segment_bytes = tap.round_trip()?.segment_bytes;
        let mut state = self.lock();
        let left = state.idle.remove(&(local, remote));
        let window_bytes = left.as_ref().map(DelayControl::window_bytes);
        let delay = left.unwrap_or_else(|| DelayControl::new(segment_bytes));
        let control = Control { delay, looked_at: None, arrived_bytes: 0, window_bytes };
        let path = Arc::new(Path {
            tap,
            paths: Arc::downgrade(self),
            addresses: (local, remote),
            foreground: AtomicUsize::new(0),
            crowded: AtomicBool::new(false),
            control: Mutex::new(control),
        });
        state.open.retain(|_, path| path.strong_count() > 0);
        state.open.insert((local, remote), Arc::downgrade(&path));
        Some(path)
    }

    /// Whether this connection was left with a small window.
    fn is_held_back(&self, addresses: &(SocketAddr, SocketAddr)) -> bool {
        self.lock().idle.contains_key(addresses)
    }

    /// Keeps the state of a connection from which nothing is read until its next answer.
    fn leave(&self, addresses: (SocketAddr, SocketAddr), delay: DelayControl) {
        let mut state = self.lock();
        if state.idle.len() >= IDLE_MAX
            && let Some(any) = state.idle.keys().next().copied()
        {
            state.idle.remove(&any);
        }
        state.idle.insert(addresses, delay);
    }

    /// The shortest round trip to a server, that of this moment counted in.
    fn base(&self, server: IpAddr, seen: Duration, now: Duration) -> Duration {
        let mut state = self.lock();
        if state.bases.len() >= SERVERS_MAX && !state.bases.contains_key(&server) {
            let oldest = state.bases.iter().min_by_key(|(_, base)| base.last()).map(|(ip, _)| *ip);
            oldest.map(|oldest| state.bases.remove(&oldest));
        }
        let base = state.bases.entry(server).or_default();
        base.seen(now, seen);
        base.shortest().unwrap_or(seen)
    }
}

impl Path {
    fn lock(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the connection and sets the window that `pace` calls for.
    fn steer(&self, paths: &Paths, pace: &Pace, arrived_bytes: u64) {
        let now = paths.began.elapsed();
        let mut control = self.lock();
        control.arrived_bytes += arrived_bytes;
        if control.looked_at.is_some_and(|at| now.saturating_sub(at) < LOOK_EVERY) {
            return;
        }
        control.looked_at = Some(now);
        let arrived_bytes = std::mem::take(&mut control.arrived_bytes);
        let Some(round_trip) = self.tap.round_trip() else { return };
        let seen = round_trip.shortest.into_iter().chain(round_trip.now).min();
        let base = seen.map(|seen| paths.base(self.addresses.1.ip(), seen, now));
        let limited = pace.limit.narrowest().map(|rate| {
            let ahead = u128::from(rate.get()) * LIMITED_AHEAD.as_millis() / 1000;
            u32::try_from(ahead.max(LIMITED_WINDOW_MIN.into())).unwrap_or(u32::MAX)
        });
        let segment_bytes = round_trip.segment_bytes;
        let gives_way = self.foreground.load(Ordering::Relaxed) == 0;
        let yielding = match (gives_way, round_trip.now, base) {
            (true, ..) if pace.limit.has_foreground() => Some(SEGMENTS_MIN * segment_bytes),
            (true, Some(round_trip), Some(base)) => {
                let sample = Sample { now, round_trip, base, arrived_bytes, segment_bytes };
                control.delay.update(&sample);
                let smallest = SEGMENTS_MIN * segment_bytes;
                let crowded = control.delay.window_bytes() <= smallest;
                self.crowded.store(crowded, Ordering::Relaxed);
                Some(control.delay.window_bytes())
            }
            // Nothing has arrived that could be measured: the first window is small.
            (true, ..) if base.is_some() => Some(control.delay.window_bytes()),
            _ => None,
        };
        let wanted = limited.into_iter().chain(yielding).min();
        if wanted.is_some() || control.window_bytes.is_some() {
            // A connection that takes no limit is closed or closing: there is nothing left to hold back.
            let _ = self.tap.limit_window(wanted.unwrap_or(u32::MAX));
        }
        control.window_bytes = wanted;
    }
}

impl Drop for Path {
    /// The connection may be used again. Its window stays, so that the next answer does not begin with a flood; whoever takes
    /// it next knows.
    fn drop(&mut self) {
        let control = self.control.get_mut().unwrap_or_else(PoisonError::into_inner);
        if control.window_bytes.is_none() {
            return;
        }
        match self.paths.upgrade() {
            Some(paths) => paths.leave(self.addresses, control.delay.clone()),
            // A connection that takes no limit is closed or closing: there is nothing left to lift.
            None => drop(self.tap.limit_window(u32::MAX)),
        }
    }
}

/// Counts as one that stands back, until it is dropped.
struct StandingBack<'a> {
    paths: &'a Paths,
    /// How many there are now, this one counted.
    number: u32,
}

impl<'a> StandingBack<'a> {
    fn new(paths: &'a Paths) -> Self {
        let number = paths.standing_back.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        Self { paths, number }
    }

    /// How long it waits for its turn.
    fn turn(&self) -> Duration {
        STAND_BACK.saturating_mul(self.number).min(STAND_BACK_MAX)
    }
}

impl Drop for StandingBack<'_> {
    fn drop(&mut self) {
        self.paths.standing_back.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The pace of one answer's body.
#[derive(Debug)]
pub(crate) struct Paced {
    pace: Pace,
    paths: Arc<Paths>,
    addresses: Option<(SocketAddr, SocketAddr)>,
    path: Option<Arc<Path>>,
    /// Whether this body counts at its path as one that does not give way.
    counted: bool,
    /// Bytes that came and are not paid.
    owed_bytes: u64,
}

impl Paced {
    /// For an answer that comes over the connection between `addresses` (own, peer's), if they are known.
    pub(crate) fn new(
        pace: Pace,
        paths: Arc<Paths>,
        addresses: Option<(SocketAddr, SocketAddr)>,
    ) -> Self {
        let mut paced = Self { pace, paths, addresses, path: None, counted: false, owed_bytes: 0 };
        // Before the first byte is read: the head start of a large window would fill every queue on the way.
        paced.steer(0);
        paced
    }

    /// Waits until more may be read. Cancel safe.
    pub(crate) async fn ready(&mut self) {
        if self.owed_bytes > 0 {
            self.pace.limit.pay(std::mem::take(&mut self.owed_bytes)).await;
        }
        let mut urgency = self.pace.urgency.subscribe();
        let gives_way = *urgency.borrow_and_update() == Urgency::Background;
        let crowded =
            || self.path.as_ref().is_some_and(|path| path.crowded.load(Ordering::Relaxed));
        if gives_way && (self.pace.limit.has_foreground() || crowded()) {
            let promoted = async {
                // The sender lives in `self.pace`, so this ends only with a change.
                let _ = urgency.changed().await;
            };
            let standing = StandingBack::new(&self.paths);
            let _ = tokio::time::timeout(standing.turn(), promoted).await;
        }
    }

    /// Bytes came.
    pub(crate) fn arrived(&mut self, bytes: u64) {
        self.owed_bytes += bytes;
        let limited = self.pace.limit.narrowest().is_some();
        if self.pace.urgency() == Urgency::Foreground && !limited {
            self.pace.limit.foreground_moves();
        }
        self.steer(bytes);
    }

    fn steer(&mut self, arrived_bytes: u64) {
        let urgency = self.pace.urgency();
        let held_back = urgency == Urgency::Background || self.pace.limit.narrowest().is_some();
        let is_held_back = |addresses| self.paths.is_held_back(addresses);
        if self.path.is_none()
            && (held_back || self.addresses.as_ref().is_some_and(is_held_back))
            && let Some(addresses) = self.addresses.take()
        {
            self.path = self.paths.open(addresses);
        }
        let Some(path) = &self.path else { return };
        let counts = urgency == Urgency::Foreground;
        if counts != self.counted {
            self.counted = counts;
            if counts {
                path.foreground.fetch_add(1, Ordering::Relaxed);
            } else {
                path.foreground.fetch_sub(1, Ordering::Relaxed);
            }
        }
        path.steer(&self.paths, &self.pace, arrived_bytes);
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        self.pace.limit.pay_at_once(self.owed_bytes);
        if let (true, Some(path)) = (self.counted, &self.path) {
            path.foreground.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_stand_back_take_turns() {
        let paths = Paths::new();
        let mut standing = vec![StandingBack::new(&paths)];
        assert_eq!(standing.first().map(StandingBack::turn), Some(STAND_BACK));
        standing.extend((1..10).map(|_| StandingBack::new(&paths)));
        assert_eq!(standing.last().map(StandingBack::turn), Some(STAND_BACK * 10));
        standing.extend((10..1000).map(|_| StandingBack::new(&paths)));
        assert_eq!(standing.last().map(StandingBack::turn), Some(STAND_BACK_MAX));
        standing.clear();
        assert_eq!(StandingBack::new(&paths).turn(), STAND_BACK);
    }
}
