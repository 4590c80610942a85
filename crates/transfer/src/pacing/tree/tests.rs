use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const CHUNK_BYTES: u64 = 16 * 1024;

fn rate(bytes: u64) -> Option<NonZeroU64> {
    NonZeroU64::new(bytes)
}

/// Nodes that always want more, each through some connections; time passes as the tree says.
struct World {
    tree: Tree,
    now: Duration,
    owners: HashMap<Ticket, NodeId>,
    got: HashMap<NodeId, u64>,
}

impl World {
    fn new(tree: Tree) -> Self {
        Self { tree, now: Duration::ZERO, owners: HashMap::new(), got: HashMap::new() }
    }

    fn ask(&mut self, node: NodeId, connections: usize) {
        for _ in 0..connections {
            let ticket = self.tree.ask(node, CHUNK_BYTES);
            self.owners.insert(ticket, node);
        }
    }

    /// Everybody who is served asks again at once.
    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            let (granted, again) = self.tree.grant(self.now);
            for ticket in &granted {
                let node = self.owners.remove(ticket).expect("a ticket that was asked for");
                *self.got.entry(node).or_default() += CHUNK_BYTES;
                self.ask(node, 1);
            }
            if !granted.is_empty() {
                continue;
            }
            let next = again.expect("limited, and somebody always waits");
            if next > end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
        }
    }

    fn got(&self, node: NodeId) -> u64 {
        self.got.get(&node).copied().unwrap_or(0)
    }
}

fn close(actual: u64, expected: u64) {
    let (low, high) = (expected * 95 / 100, expected * 105 / 100);
    assert!((low..=high).contains(&actual), "{actual} bytes, about {expected} expected");
}

#[test]
fn siblings_share_evenly_however_many_connections_each_has() {
    let mut tree = Tree::new();
    tree.set_rate(Tree::ROOT, rate(1_000_000), Duration::ZERO);
    let (many, one) = (tree.add(Tree::ROOT), tree.add(Tree::ROOT));
    let mut world = World::new(tree);
    world.ask(many, 8);
    world.ask(one, 1);
    world.run(Duration::from_secs(10));
    close(world.got(many), 5_000_000);
    close(world.got(one), 5_000_000);
}

#[test]
fn what_one_may_not_use_the_others_have() {
    let mut tree = Tree::new();
    tree.set_rate(Tree::ROOT, rate(1_000_000), Duration::ZERO);
    let app = tree.add(Tree::ROOT);
    let (slow, fast) = (tree.add(app), tree.add(app));
    tree.set_rate(slow, rate(100_000), Duration::ZERO);
    let mut world = World::new(tree);
    world.ask(slow, 2);
    world.ask(fast, 2);
    world.run(Duration::from_secs(10));
    close(world.got(slow), 1_000_000);
    close(world.got(fast), 9_000_000);
}

#[test]
fn a_changed_limit_is_felt_at_once_in_both_directions() {
    let mut tree = Tree::new();
    let node = tree.add(Tree::ROOT);
    tree.set_rate(node, rate(200_000), Duration::ZERO);
    let mut world = World::new(tree);
    world.ask(node, 4);
    world.run(Duration::from_secs(10));
    close(world.got(node), 2_000_000);
    world.tree.set_rate(node, rate(2_000_000), world.now);
    world.run(Duration::from_secs(1));
    close(world.got(node), 4_000_000);
    world.tree.set_rate(node, rate(200_000), world.now);
    world.run(Duration::from_secs(10));
    close(world.got(node), 6_000_000);
}

#[test]
fn one_who_was_idle_takes_no_more_than_its_share_and_a_burst() {
    let mut tree = Tree::new();
    tree.set_rate(Tree::ROOT, rate(1_000_000), Duration::ZERO);
    let (steady, late) = (tree.add(Tree::ROOT), tree.add(Tree::ROOT));
    let mut world = World::new(tree);
    world.ask(steady, 1);
    world.run(Duration::from_secs(100));
    world.ask(late, 4);
    world.run(Duration::from_secs(10));
    close(world.got(late), 5_000_000);
    close(world.got(steady), 105_000_000);
}

#[test]
fn without_limits_everybody_passes_at_once() {
    let mut tree = Tree::new();
    let node = tree.add(Tree::ROOT);
    let tickets = [tree.ask(node, u64::MAX), tree.ask(Tree::ROOT, 1)];
    let (mut granted, again) = tree.grant(Duration::ZERO);
    granted.sort_unstable();
    assert_eq!((granted, again), (tickets.to_vec(), None));
}

#[test]
fn who_goes_away_pays_and_holds_nobody_up() {
    let mut tree = Tree::new();
    tree.set_rate(Tree::ROOT, rate(1_000), Duration::ZERO);
    let (gone, stays) = (tree.add(Tree::ROOT), tree.add(Tree::ROOT));
    let _ = tree.ask(gone, 1_000);
    let _ = tree.grant(Duration::ZERO);
    let ticket = tree.ask(gone, 1_000);
    tree.abandon(gone, ticket, Duration::ZERO);
    tree.remove(gone);
    let waits = tree.ask(stays, 10);
    let (granted, again) = tree.grant(Duration::from_millis(1_900));
    assert_eq!((granted, again), (vec![], Some(Duration::from_secs(2))));
    assert_eq!(tree.grant(Duration::from_secs(2)), (vec![waits], None));
}

proptest! {
    #[test]
    fn no_limit_is_exceeded_and_nobody_starves(
        root_rate in 50_000_u64..5_000_000,
        rates in prop::collection::vec(prop::option::of(20_000_u64..2_000_000), 1..6),
        connections in prop::collection::vec(1_usize..5, 6),
        parents in prop::collection::vec(0_usize..6, 6),
    ) {
        let mut tree = Tree::new();
        tree.set_rate(Tree::ROOT, rate(root_rate), Duration::ZERO);
        let mut nodes = vec![Tree::ROOT];
        for (limit, parent) in rates.iter().zip(&parents) {
            let node = tree.add(nodes[parent % nodes.len()]);
            tree.set_rate(node, limit.and_then(NonZeroU64::new), Duration::ZERO);
            nodes.push(node);
        }
        let mut world = World::new(tree);
        for (node, connections) in nodes.iter().skip(1).zip(&connections) {
            world.ask(*node, *connections);
        }
        world.run(Duration::from_secs(20));
        for node in &nodes {
            let below = nodes.iter().filter(|other| world.tree.path(**other).any(|id| id == node.0));
            let through: u64 = below.map(|node| world.got(*node)).sum();
            if let Some(limit) = world.tree.rate(*node) {
                let burst = limit.get() / 10 + CHUNK_BYTES;
                prop_assert!(through <= limit.get() * 20 + burst, "{through} at {limit} a second");
            }
        }
        // The root is used up, or everybody below has all that its own limits allow.
        let all: u64 = nodes.iter().map(|node| world.got(*node)).sum();
        for node in nodes.iter().skip(1) {
            prop_assert!(world.got(*node) > 0, "somebody got nothing of {all}");
        }
    }
}
