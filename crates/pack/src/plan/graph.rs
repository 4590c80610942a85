//! Which blocks open which: the blocks of all offers as one graph over pieces.

use std::collections::BTreeSet;

use crate::chunk_set::ChunkSet;
use crate::numbers::index;
use crate::plan::choice::{Offer, Wish};
use crate::table::BaseSpace;

/// References from blocks to pieces that a graph may have; with more, only a bundle by itself is planned, without one.
/// `Ours:` some hundred megabytes of memory; a pack of 100 GB has a tenth of it.
pub(super) const REFERENCES_MAX: usize = 32 * 1024 * 1024;

/// Lists of numbers, one after the other.
#[derive(Debug, Default)]
struct Lists {
    starts: Vec<usize>,
    items: Vec<u32>,
}

impl Lists {
    fn of(&self, list: usize) -> &[u32] {
        let start = self.starts.get(list).copied().unwrap_or(self.items.len());
        let end = self.starts.get(list + 1).copied().unwrap_or(self.items.len());
        self.items.get(start..end).unwrap_or_default()
    }

    fn push(&mut self, list: impl Iterator<Item = u32>) {
        self.starts.push(self.items.len());
        self.items.extend(list);
        let start = self.starts.last().copied().unwrap_or(0);
        if let Some(list) = self.items.get_mut(start..) {
            list.sort_unstable();
        }
        let mut kept = start;
        for at in start..self.items.len() {
            if kept == start || self.items.get(at) != self.items.get(kept - 1) {
                self.items.swap(kept, at);
                kept += 1;
            }
        }
        self.items.truncate(kept);
    }
}

/// A block of one of the offers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) offer: usize,
    pub(super) number: u32,
    /// Bytes to fetch for it; 0 when it is here.
    pub(super) fetched_bytes: u64,
}

/// All blocks that yield something that is not held.
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    /// For each node the pieces that it yields, and those that it needs, as far as they are not held.
    yields: Lists,
    needs: Lists,
    /// For each piece the nodes that need it.
    needed_by: Lists,
    wanted: ChunkSet,
    wanted_count: u32,
    pieces: u32,
}

impl Graph {
    /// `None` when there are more than `references_max` references.
    pub(super) fn new(wish: &Wish<'_>, references_max: usize) -> Option<Self> {
        let pieces = wish.pieces.count();
        let mut graph = Self {
            nodes: Vec::new(),
            yields: Lists::default(),
            needs: Lists::default(),
            needed_by: Lists::default(),
            wanted: ChunkSet::empty(pieces),
            wanted_count: 0,
            pieces,
        };
        for piece in wish.pieces.of(wish.goal).iter().filter(|piece| !wish.held.contains(**piece)) {
            graph.wanted.insert(*piece);
        }
        graph.wanted_count = graph.wanted.count();
        for (number, offer) in wish.offers.iter().enumerate() {
            graph.add((number, offer), wish, references_max)?;
        }
        graph.turn_around();
        Some(graph)
    }

    fn add(
        &mut self,
        (number, offer): (usize, &Offer<'_>),
        wish: &Wish<'_>,
        references_max: usize,
    ) -> Option<()> {
        let new = wish.pieces.of(offer.new);
        let old = offer.old.map_or(&[][..], |old| wish.pieces.of(old));
        let missing = |piece: &u32| !wish.held.contains(*piece);
        for (block_number, block) in (0..).zip(offer.table.blocks()) {
            let yields = || {
                block.chunks().filter_map(|chunk| new.get(index(chunk)).copied()).filter(missing)
            };
            if yields().next().is_none() {
                continue;
            }
            let needs = block.bases.iter().flat_map(|base| {
                let space = if base.space == BaseSpace::Old { old } else { new };
                base.run.chunks().filter_map(|chunk| space.get(index(chunk)).copied())
            });
            self.yields.push(yields());
            self.needs.push(needs.filter(missing));
            if self.yields.items.len() + self.needs.items.len() > references_max {
                return None;
            }
            let here = offer.here.contains(&block_number);
            let fetched_bytes = if here { 0 } else { u64::from(block.stored_bytes) };
            self.nodes.push(Node { offer: number, number: block_number, fetched_bytes });
        }
        Some(())
    }

    fn turn_around(&mut self) {
        let mut counts = vec![0_usize; index(self.pieces) + 1];
        for piece in &self.needs.items {
            if let Some(count) = counts.get_mut(index(*piece) + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for count in &mut counts {
            sum += *count;
            *count = sum;
        }
        let mut next = counts.clone();
        let mut items = vec![0; self.needs.items.len()];
        for node in 0..self.nodes.len() {
            for piece in self.needs.of(node) {
                let Some(at) = next.get_mut(index(*piece)) else { continue };
                if let (Some(item), Ok(node)) = (items.get_mut(*at), u32::try_from(node)) {
                    *item = node;
                }
                *at += 1;
            }
        }
        self.needed_by = Lists { starts: counts, items };
    }

    /// What one look over the graph costs, in steps.
    pub(super) fn steps(&self) -> u64 {
        let references = self.yields.items.len() + self.needs.items.len();
        crate::numbers::size(references + self.nodes.len())
    }

    /// The nodes of `enabled` that can be opened one after the other, and the pieces that are there then.
    fn opened(&self, enabled: &[bool]) -> (Vec<bool>, ChunkSet) {
        let mut there = ChunkSet::empty(self.pieces);
        let mut opened = vec![false; self.nodes.len()];
        let mut missing: Vec<usize> =
            (0..self.nodes.len()).map(|node| self.needs.of(node).len()).collect();
        let ready = |missing: &[usize], node: usize| {
            missing.get(node) == Some(&0) && enabled.get(node) == Some(&true)
        };
        let mut queue: Vec<usize> =
            (0..self.nodes.len()).filter(|node| ready(&missing, *node)).collect();
        while let Some(node) = queue.pop() {
            if let Some(opened) = opened.get_mut(node) {
                *opened = true;
            }
            for piece in self.yields.of(node) {
                if !there.insert(*piece) {
                    continue;
                }
                for user in self.needed_by.of(index(*piece)) {
                    let user = index(*user);
                    if let Some(left) = missing.get_mut(user) {
                        *left -= 1;
                    }
                    if ready(&missing, user) {
                        queue.push(user);
                    }
                }
            }
        }
        (opened, there)
    }

    /// Leaves of `enabled` what can be opened and is of use; `None` when that does not yield all that is wanted.
    pub(super) fn trimmed(&self, enabled: &[bool]) -> Option<Vec<bool>> {
        let (opened, there) = self.opened(enabled);
        let all = self.wanted.iter().all(|piece| there.contains(piece));
        all.then(|| self.useful(&opened))
    }

    /// A piece that is wanted and cannot be had.
    pub(super) fn lacking(&self) -> Option<u32> {
        let (_, there) = self.opened(&vec![true; self.nodes.len()]);
        self.wanted.iter().find(|piece| !there.contains(*piece))
    }

    /// The nodes of `enabled` that yield something wanted, or something that such a node needs.
    fn useful(&self, enabled: &[bool]) -> Vec<bool> {
        let mut needed = self.wanted.clone();
        let mut useful = vec![false; self.nodes.len()];
        loop {
            let mut grown = false;
            // Bases lie in earlier blocks as a rule, so going backwards one or two rounds find all.
            for node in (0..self.nodes.len()).rev() {
                let is_new = enabled.get(node) == Some(&true) && useful.get(node) == Some(&false);
                if is_new && self.yields.of(node).iter().any(|piece| needed.contains(*piece)) {
                    grown = true;
                    if let Some(useful) = useful.get_mut(node) {
                        *useful = true;
                    }
                    for piece in self.needs.of(node) {
                        needed.insert(*piece);
                    }
                }
            }
            if !grown {
                return useful;
            }
        }
    }

    /// How many nodes of `enabled` yield each piece.
    pub(super) fn providers(&self, enabled: &[bool]) -> Vec<u32> {
        let mut providers = vec![0; index(self.pieces)];
        for node in (0..self.nodes.len()).filter(|node| enabled.get(*node) == Some(&true)) {
            for piece in self.yields.of(node) {
                if let Some(count) = providers.get_mut(index(*piece)) {
                    *count += 1;
                }
            }
        }
        providers
    }

    /// Whether nobody else yields something wanted that `node` yields.
    pub(super) fn is_essential(&self, node: usize, providers: &[u32]) -> bool {
        self.yields
            .of(node)
            .iter()
            .any(|piece| self.wanted.contains(*piece) && providers.get(index(*piece)) == Some(&1))
    }

    /// The blocks of `offer` among the nodes of `enabled`.
    pub(super) fn chosen(&self, enabled: &[bool], offer: usize) -> BTreeSet<u32> {
        let nodes = self.nodes.iter().zip(enabled);
        let chosen = nodes.filter(|(node, enabled)| **enabled && node.offer == offer);
        chosen.map(|(node, _)| node.number).collect()
    }

    /// How many pieces `node` yields.
    pub(super) fn yield_count(&self, node: usize) -> usize {
        self.yields.of(node).len()
    }
}
