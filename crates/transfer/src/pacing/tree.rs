//! The tree of limits: whose bytes may be read next. Pure: time is an argument.
//!
//! Each node may have a rate, which holds for everything below it. What is read is paid at every node up to the root. Where
//! a node is the bottleneck its children take turns by the bytes that they got, however many connections each has; what one
//! does not use the others have. A node that is paid out of turn (its bytes came already) owes, and waits the longer later.

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::time::Duration;

/// The most that a node which was idle may read at once, as time at its rate. `Ours:` short enough that a new limit is felt at
/// once, long enough that a timer which is late by a few milliseconds loses nothing.
const BURST: Duration = Duration::from_millis(100);

/// A node of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NodeId(usize);

/// Somebody who waits to have bytes paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// All limits. Times are counted from any fixed moment.
#[derive(Debug)]
pub(super) struct Tree {
    /// The root is the first. A place that is free again is none.
    nodes: Vec<Option<Node>>,
    next_ticket: u64,
}

#[derive(Debug)]
struct Node {
    parent: Option<usize>,
    children: Vec<usize>,
    rate: Option<NonZeroU64>,
    /// When all that was read is paid.
    free_at: Duration,
    /// Who waits at this node itself, and for how many bytes.
    queue: VecDeque<(Ticket, u64)>,
    /// Tickets here and below.
    waiting: usize,
    /// Bytes that it got, for turns among siblings. One that begins to wait starts level with those who wait already.
    served_bytes: u64,
    /// The same for its own queue against its children.
    own_served_bytes: u64,
}

impl Node {
    const fn new(parent: Option<usize>) -> Self {
        Self {
            parent,
            children: Vec::new(),
            rate: None,
            free_at: Duration::ZERO,
            queue: VecDeque::new(),
            waiting: 0,
            served_bytes: 0,
            own_served_bytes: 0,
        }
    }

    fn pay(&mut self, bytes: u64, now: Duration) {
        if let Some(rate) = self.rate {
            let since = now.saturating_sub(BURST);
            self.free_at = self.free_at.max(since).saturating_add(time_for(bytes, rate));
        }
    }
}

fn time_for(bytes: u64, rate: NonZeroU64) -> Duration {
    let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.get());
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

fn bytes_in(time: Duration, rate: NonZeroU64) -> u64 {
    let bytes = time.as_nanos() * u128::from(rate.get()) / 1_000_000_000;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// What came of looking for the next turn at a node.
enum Turn {
    /// The queue of this node.
    Of(usize),
    /// Nobody before this time.
    NotBefore(Duration),
    /// Nobody waits.
    Nobody,
}

impl Tree {
    pub(super) const ROOT: NodeId = NodeId(0);

    pub(super) fn new() -> Self {
        Self { nodes: vec![Some(Node::new(None))], next_ticket: 0 }
    }

    fn node(&self, id: usize) -> Option<&Node> {
        self.nodes.get(id).and_then(Option::as_ref)
    }

    fn node_mut(&mut self, id: usize) -> Option<&mut Node> {
        self.nodes.get_mut(id).and_then(Option::as_mut)
    }

    /// A node below `parent`, without a limit of its own.
    pub(super) fn add(&mut self, parent: NodeId) -> NodeId {
        let fresh = Some(Node::new(Some(parent.0)));
        let free = self.nodes.iter().position(Option::is_none);
        let id = free.unwrap_or(self.nodes.len());
        match self.nodes.get_mut(id) {
            Some(place) => *place = fresh,
            None => self.nodes.push(fresh),
        }
        if let Some(parent) = self.node_mut(parent.0) {
            parent.children.push(id);
        }
        NodeId(id)
    }

    /// Takes a node away that has nothing below it and nobody waiting.
    pub(super) fn remove(&mut self, node: NodeId) {
        let Some(gone) = self.nodes.get_mut(node.0).and_then(Option::take) else { return };
        if let Some(parent) = gone.parent.and_then(|parent| self.node_mut(parent)) {
            parent.children.retain(|child| *child != node.0);
        }
    }

    /// Sets the limit of a node in bytes a second, or lifts it. What is owed stays owed, in bytes.
    pub(super) fn set_rate(&mut self, node: NodeId, rate: Option<NonZeroU64>, now: Duration) {
        let Some(node) = self.node_mut(node.0) else { return };
        let owed = node.free_at.saturating_sub(now);
        let owed_bytes = node.rate.map_or(0, |old| bytes_in(owed, old));
        node.rate = rate;
        node.free_at = rate.map_or(Duration::ZERO, |rate| now + time_for(owed_bytes, rate));
    }

    /// The limit of this node alone.
    pub(super) fn rate(&self, node: NodeId) -> Option<NonZeroU64> {
        self.node(node.0)?.rate
    }

    /// The narrowest limit on the way to the root.
    pub(super) fn narrowest(&self, node: NodeId) -> Option<NonZeroU64> {
        self.path(node).filter_map(|id| self.node(id)?.rate).min()
    }

    /// A node and everything above it.
    fn path(&self, node: NodeId) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(node.0), |id| self.node(*id)?.parent)
    }

    /// Waits for `bytes` to be paid at `node` and above.
    pub(super) fn ask(&mut self, node: NodeId, bytes: u64) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.enter(node.0);
        if let Some(node) = self.node_mut(node.0) {
            node.queue.push_back((ticket, bytes));
        }
        for id in self.path(node).collect::<Vec<_>>() {
            if let Some(node) = self.node_mut(id) {
                node.waiting += 1;
            }
        }
        ticket
    }

    /// Those who begin to wait start level with those who wait already: having been idle earns nothing.
    fn enter(&mut self, id: usize) {
        let Some(node) = self.node(id) else { return };
        let begins = node.queue.is_empty();
        let level = self.level(node);
        if begins && let (Some(node), Some(level)) = (self.node_mut(id), level) {
            node.own_served_bytes = node.own_served_bytes.max(level);
        }
        let mut below = id;
        while let Some(parent) = self.node(below).and_then(|node| node.parent) {
            let begins = self.node(below).is_some_and(|node| node.waiting == 0);
            let level = self.node(parent).and_then(|parent| self.level(parent));
            if let (true, Some(level), Some(node)) = (begins, level, self.node_mut(below)) {
                node.served_bytes = node.served_bytes.max(level);
            }
            below = parent;
        }
    }

    /// The least that one of those got who wait at or below `node`.
    fn level(&self, node: &Node) -> Option<u64> {
        let own = (!node.queue.is_empty()).then_some(node.own_served_bytes);
        let children = node.children.iter().filter_map(|id| self.node(*id));
        let waiting = children.filter(|child| child.waiting > 0).map(|child| child.served_bytes);
        waiting.chain(own).min()
    }

    /// Whoever had this ticket waits no more. Its bytes came, so they are paid all the same.
    pub(super) fn abandon(&mut self, node: NodeId, ticket: Ticket, now: Duration) {
        let Some(found) = self.node_mut(node.0) else { return };
        let Some(at) = found.queue.iter().position(|(known, _)| *known == ticket) else { return };
        let bytes = found.queue.remove(at).map_or(0, |(_, bytes)| bytes);
        self.leave(node);
        self.pay(node, bytes, now);
    }

    /// Bytes that are not waited for.
    pub(super) fn pay(&mut self, node: NodeId, bytes: u64, now: Duration) {
        for id in self.path(node).collect::<Vec<_>>() {
            if let Some(node) = self.node_mut(id) {
                node.pay(bytes, now);
                node.served_bytes = node.served_bytes.saturating_add(bytes);
            }
        }
    }

    fn leave(&mut self, node: NodeId) {
        for id in self.path(node).collect::<Vec<_>>() {
            if let Some(node) = self.node_mut(id) {
                node.waiting = node.waiting.saturating_sub(1);
            }
        }
    }

    /// All whose turn it is now, and when to ask again if somebody still waits.
    pub(super) fn grant(&mut self, now: Duration) -> (Vec<Ticket>, Option<Duration>) {
        let mut granted = Vec::new();
        loop {
            match self.turn(Self::ROOT.0, now) {
                Turn::Nobody => return (granted, None),
                Turn::NotBefore(time) => return (granted, Some(time)),
                Turn::Of(id) => {
                    let Some(node) = self.node_mut(id) else { return (granted, None) };
                    let Some((ticket, bytes)) = node.queue.pop_front() else {
                        return (granted, None);
                    };
                    node.own_served_bytes = node.own_served_bytes.saturating_add(bytes);
                    self.leave(NodeId(id));
                    self.pay(NodeId(id), bytes, now);
                    granted.push(ticket);
                }
            }
        }
    }

    fn turn(&self, id: usize, now: Duration) -> Turn {
        let Some(node) = self.node(id).filter(|node| node.waiting > 0) else { return Turn::Nobody };
        if node.free_at > now {
            return Turn::NotBefore(node.free_at);
        }
        let own = (!node.queue.is_empty()).then_some((node.own_served_bytes, id));
        let children = node.children.iter().filter_map(|id| Some((self.node(*id)?, *id)));
        let waiting = children.filter(|(child, _)| child.waiting > 0);
        let mut candidates: Vec<_> =
            waiting.map(|(child, id)| (child.served_bytes, id)).chain(own).collect();
        candidates.sort_unstable();
        let mut earliest: Option<Duration> = None;
        for (_, candidate) in candidates {
            let turn = if candidate == id { Turn::Of(id) } else { self.turn(candidate, now) };
            match turn {
                Turn::Of(_) => return turn,
                Turn::NotBefore(time) => {
                    earliest = Some(earliest.map_or(time, |earliest| earliest.min(time)));
                }
                Turn::Nobody => {}
            }
        }
        earliest.map_or(Turn::Nobody, Turn::NotBefore)
    }
}

#[cfg(test)]
mod tests;
