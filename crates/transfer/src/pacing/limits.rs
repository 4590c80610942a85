//! Handles on the tree of limits, and waiting for one's turn.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::tree::{NodeId, Ticket, Tree};

/// For so long after its last bytes a foreground transfer counts as running.
const FOREGROUND_LASTS: Duration = Duration::from_secs(1);

/// Bytes a second; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(NonZeroU64);

impl Rate {
    /// So many bytes a second; none for zero: what may not move at all is stopped, not limited.
    #[must_use]
    pub const fn bytes_per_second(bytes: u64) -> Option<Self> {
        match NonZeroU64::new(bytes) {
            Some(bytes) => Some(Self(bytes)),
            None => None,
        }
    }

    /// The number of bytes a second.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

/// A limit, and everything below it. Cheap to clone; clones are the same node, which is gone when the last clone and
/// everything below it is.
#[derive(Debug, Clone)]
pub struct Limit(Arc<Place>);

#[derive(Debug)]
struct Place {
    shared: Arc<Shared>,
    node: NodeId,
    /// Keeps what is above alive.
    parent: Option<Limit>,
}

#[derive(Debug)]
struct Shared {
    began: Instant,
    state: Mutex<State>,
    /// Nodes with a rate. While there is none nobody waits, and nothing is locked.
    rates: AtomicUsize,
    /// A rate changed: whoever waits asks again how long.
    changed: Notify,
    /// When a foreground transfer last took bytes, in milliseconds since the beginning, plus one; 0 for never.
    foreground_at: AtomicU64,
}

#[derive(Debug)]
struct State {
    tree: Tree,
    waiting: HashMap<Ticket, oneshot::Sender<()>>,
}

impl Default for Limit {
    /// The root of a tree of its own, without a limit.
    fn default() -> Self {
        let state = State { tree: Tree::new(), waiting: HashMap::new() };
        let shared = Arc::new(Shared {
            began: Instant::now(),
            state: Mutex::new(state),
            rates: AtomicUsize::new(0),
            changed: Notify::new(),
            foreground_at: AtomicU64::new(0),
        });
        Self(Arc::new(Place { shared, node: Tree::ROOT, parent: None }))
    }
}

impl Limit {
    /// A node below this one, without a limit of its own. Nodes of one parent share it evenly.
    #[must_use]
    pub fn child(&self) -> Self {
        let shared = Arc::clone(&self.0.shared);
        let node = shared.lock().tree.add(self.0.node);
        Self(Arc::new(Place { shared, node, parent: Some(self.clone()) }))
    }

    /// The rate set at this node.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        self.0.shared.lock().tree.rate(self.0.node).map(Rate)
    }

    /// Sets or lifts the rate of this node. Transfers that run feel it at once.
    pub fn set_rate(&self, rate: Option<Rate>) {
        self.0.set_rate(rate);
    }

    /// The lowest rate here and above.
    #[must_use]
    pub fn narrowest(&self) -> Option<Rate> {
        if self.0.shared.rates.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.0.shared.lock().tree.narrowest(self.0.node).map(Rate)
    }

    /// Pays for bytes that arrived: waits until it is their turn.
    ///
    /// Cancel safe in that the bytes are paid in any case, then without waiting.
    pub(super) async fn pay(&self, bytes: u64) {
        if self.narrowest().is_none() {
            return;
        }
        let shared = &self.0.shared;
        let (sender, mut granted) = oneshot::channel();
        let ticket = {
            let mut state = shared.lock();
            let ticket = state.tree.ask(self.0.node, bytes);
            state.waiting.insert(ticket, sender);
            ticket
        };
        let _waiting = Waiting { place: &self.0, ticket };
        loop {
            let changed = shared.changed.notified();
            let Some(again_at) = shared.grant() else { return };
            tokio::select! {
                biased;
                _ = &mut granted => return,
                () = changed => {}
                () = tokio::time::sleep_until(shared.began + again_at) => {}
            }
        }
    }

    /// Pays for bytes that nobody waits for.
    pub(super) fn pay_at_once(&self, bytes: u64) {
        if bytes > 0 && self.narrowest().is_some() {
            let now = self.0.shared.now();
            self.0.shared.lock().tree.pay(self.0.node, bytes, now);
        }
    }

    /// A foreground transfer without a limit took bytes: it shows how much the path gives, so others stand back.
    pub(super) fn foreground_moves(&self) {
        let now = u64::try_from(self.0.shared.now().as_millis()).unwrap_or(u64::MAX);
        self.0.shared.foreground_at.store(now.saturating_add(1), Ordering::Relaxed);
    }

    /// Whether a foreground transfer of the same tree runs.
    pub(super) fn has_foreground(&self) -> bool {
        let at = self.0.shared.foreground_at.load(Ordering::Relaxed);
        let since = self.0.shared.now().saturating_sub(Duration::from_millis(at));
        at > 0 && since < FOREGROUND_LASTS
    }
}

impl Place {
    fn set_rate(&self, rate: Option<Rate>) {
        let now = self.shared.now();
        {
            let mut state = self.shared.lock();
            let before = state.tree.rate(self.node).is_some();
            state.tree.set_rate(self.node, rate.map(|rate| rate.0), now);
            match (before, rate.is_some()) {
                (false, true) => self.shared.rates.fetch_add(1, Ordering::Relaxed),
                (true, false) => self.shared.rates.fetch_sub(1, Ordering::Relaxed),
                _ => 0,
            };
        }
        self.shared.changed.notify_waiters();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.parent.is_some() {
            self.set_rate(None);
            self.shared.lock().tree.remove(self.node);
        }
    }
}

impl Shared {
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, and every state of the tree is a good one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets all go on whose turn it is; says when the next will be. None when nobody waits.
    fn grant(&self) -> Option<Duration> {
        let now = self.now();
        let mut state = self.lock();
        let (granted, again_at) = state.tree.grant(now);
        for ticket in granted {
            if let Some(sender) = state.waiting.remove(&ticket) {
                // It may have gone away at this moment; then its bytes are paid already.
                let _ = sender.send(());
            }
        }
        again_at
    }
}

/// Takes a ticket back when its owner goes away before its turn.
struct Waiting<'a> {
    place: &'a Place,
    ticket: Ticket,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let now = self.place.shared.now();
        let mut state = self.place.shared.lock();
        if state.waiting.remove(&self.ticket).is_some() {
            state.tree.abandon(self.place.node, self.ticket, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(bytes: u64) -> Option<Rate> {
        Rate::bytes_per_second(bytes)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_paid_takes_its_time_at_every_level() {
        let root = Limit::default();
        let leaf = root.child().child();
        root.set_rate(rate(1_000));
        let began = Instant::now();
        for _ in 0..10 {
            leaf.pay(1_000).await;
        }
        // The last is let through when those before it are paid, less the burst.
        let took = began.elapsed().as_secs_f64();
        assert!((8.5..=9.1).contains(&took), "{took} s");
    }

    #[tokio::test(start_paused = true)]
    async fn lifting_a_limit_frees_whoever_waits() {
        let root = Limit::default();
        root.set_rate(rate(1));
        root.pay(1_000_000).await;
        let waiting = tokio::spawn({
            let leaf = root.child();
            async move { leaf.pay(1_000_000).await }
        });
        tokio::task::yield_now().await;
        root.set_rate(None);
        let began = Instant::now();
        waiting.await.expect("no panic");
        assert!(began.elapsed() < Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn who_stops_waiting_has_paid_and_holds_nobody_up() {
        let root = Limit::default();
        root.set_rate(rate(1_000));
        root.pay(1_000).await;
        let gone = tokio::time::timeout(Duration::from_millis(1), root.pay(1_000)).await;
        assert!(gone.is_err());
        let began = Instant::now();
        root.pay(1).await;
        let took = began.elapsed().as_secs_f64();
        assert!((1.8..2.1).contains(&took), "{took} s");
    }

    #[tokio::test(start_paused = true)]
    async fn nodes_come_and_go() {
        let root = Limit::default();
        for _ in 0..100 {
            let child = root.child();
            child.set_rate(rate(5));
            assert_eq!(child.narrowest(), rate(5));
            let grandchild = child.child();
            drop(child);
            assert_eq!(grandchild.narrowest(), rate(5), "what is above stays");
        }
        assert_eq!(root.narrowest(), None);
        root.pay(u64::MAX).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_foreground_counts_as_running_for_a_moment() {
        let (one, other) = (Limit::default(), Limit::default());
        assert!(!one.has_foreground());
        one.child().foreground_moves();
        assert!(one.has_foreground() && !other.has_foreground());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(!one.has_foreground());
    }
}
