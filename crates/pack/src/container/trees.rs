//! The codes that zlib and its relatives give a block: the same frequencies always lead to the same table.

use super::block::{CodeTable, LENGTH_ORDER, Token, frequencies};
use crate::numbers::index;

/// The table that zlib writes for a block of these tokens.
pub(super) fn table_of(tokens: &[Token]) -> CodeTable {
    let (literals, distances) = frequencies(tokens);
    let literals = code_lengths(&literals, 15);
    let distances = code_lengths(&distances, 15);
    let mut symbols = Vec::new();
    run_lengths(&literals, &mut symbols);
    run_lengths(&distances, &mut symbols);
    let mut counts = [0_u32; 19];
    for (symbol, _) in &symbols {
        if let Some(count) = counts.get_mut(usize::from(*symbol)) {
            *count += 1;
        }
    }
    let lengths = code_lengths(&counts, 7);
    let length = |place: &usize| lengths.get(*place).copied().unwrap_or(0);
    let mut order: Vec<u8> = LENGTH_ORDER.iter().map(length).collect();
    while order.len() > 4 && order.last() == Some(&0) {
        order.pop();
    }
    let count = |lengths: &[u8]| u16::try_from(lengths.len()).unwrap_or(u16::MAX);
    CodeTable { literals: count(&literals), distances: count(&distances), order, symbols }
}

/// The symbols that stand for these lengths: repetitions as zlib finds them, from left to right.
fn run_lengths(lengths: &[u8], out: &mut Vec<(u8, u8)>) {
    let mut last = None;
    let (mut count, mut rest) = (0_u8, lengths);
    while let Some((length, after)) = rest.split_first() {
        rest = after;
        count += 1;
        let (most, least) = match (*length, last) {
            (0, _) => (138, 3),
            (length, Some(last)) if length == last => (6, 3),
            _ => (7, 4),
        };
        if count < most && rest.first() == Some(length) {
            continue;
        }
        if count < least {
            out.extend((0..count).map(|_| (*length, 0)));
        } else if *length != 0 {
            if last != Some(*length) {
                out.push((*length, 0));
                count -= 1;
            }
            out.push((16, count - 3));
        } else if count <= 10 {
            out.push((17, count - 3));
        } else {
            out.push((18, count - 11));
        }
        count = 0;
        last = Some(*length);
    }
}

/// A tree under construction, its nodes numbered: the symbols first.
struct Nodes {
    frequency: Vec<u32>,
    depth: Vec<u32>,
    parent: Vec<usize>,
    heap: Vec<usize>,
}

impl Nodes {
    fn key(&self, node: usize) -> (u32, u32) {
        let get = |column: &[u32]| column.get(node).copied().unwrap_or(0);
        (get(&self.frequency), get(&self.depth))
    }

    fn at(&self, place: usize) -> usize {
        self.heap.get(place).copied().unwrap_or(0)
    }

    fn set(&mut self, place: usize, node: usize) {
        if let Some(slot) = self.heap.get_mut(place) {
            *slot = node;
        }
    }

    /// Moves the node at `place` down until both below are larger. The heap begins at place 1.
    fn sift_down(&mut self, mut place: usize) {
        let node = self.at(place);
        let mut child = place * 2;
        while child < self.heap.len() {
            if child + 1 < self.heap.len()
                && self.key(self.at(child + 1)) <= self.key(self.at(child))
            {
                child += 1;
            }
            if self.key(node) <= self.key(self.at(child)) {
                break;
            }
            self.set(place, self.at(child));
            place = child;
            child *= 2;
        }
        self.set(place, node);
    }

    /// Takes the two smallest together under a new node. Gives them, the smaller first.
    fn join(&mut self) -> (usize, usize) {
        let first = self.at(1);
        let end = self.heap.pop().unwrap_or(0);
        self.set(1, end);
        self.sift_down(1);
        let second = self.at(1);
        let (one, two) = (self.key(first), self.key(second));
        let node = self.frequency.len();
        self.frequency.push(one.0 + two.0);
        self.depth.push(one.1.max(two.1) + 1);
        self.parent.push(0);
        for child in [first, second] {
            if let Some(parent) = self.parent.get_mut(child) {
                *parent = node;
            }
        }
        self.set(1, node);
        self.sift_down(1);
        (first, second)
    }
}

/// The length of the code of each symbol up to the last one that is used.
fn code_lengths(frequencies: &[u32], bits_max: u8) -> Vec<u8> {
    let used = |(_, frequency): &(usize, &u32)| **frequency > 0;
    let mut nodes = Nodes {
        frequency: frequencies.to_vec(),
        depth: vec![0; frequencies.len()],
        parent: vec![0; frequencies.len()],
        heap: vec![0],
    };
    nodes.heap.extend(frequencies.iter().enumerate().filter(used).map(|(symbol, _)| symbol));
    let mut top = nodes.heap.last().copied().filter(|_| nodes.heap.len() > 1);
    // A tree has at least two codes.
    while nodes.heap.len() < 3 {
        let symbol = match top {
            Some(found @ 2..) => {
                top = Some(found);
                0
            }
            found => {
                let next = found.map_or(0, |found| found + 1);
                top = Some(next);
                next
            }
        };
        if let Some(frequency) = nodes.frequency.get_mut(symbol) {
            *frequency = 1;
        }
        nodes.heap.push(symbol);
    }
    for place in (1..=(nodes.heap.len() - 1) / 2).rev() {
        nodes.sift_down(place);
    }
    let mut joined = Vec::new();
    while nodes.heap.len() > 2 {
        let (first, second) = nodes.join();
        joined.push(first);
        joined.push(second);
    }
    let mut lengths = depths(&nodes, &joined, bits_max, frequencies.len());
    lengths.truncate(top.map_or(0, |top| top + 1));
    lengths
}

/// Bits of each symbol from its depth, none longer than `bits_max`.
fn depths(nodes: &Nodes, joined: &[usize], bits_max: u8, symbols: usize) -> Vec<u8> {
    let mut lengths = vec![0_u8; nodes.frequency.len()];
    let mut counts = [0_i32; 17];
    let mut overflow = 0_i32;
    for node in joined.iter().rev() {
        let parent = nodes.parent.get(*node).copied().unwrap_or(0);
        let mut bits = lengths.get(parent).copied().unwrap_or(0) + 1;
        if bits > bits_max {
            bits = bits_max;
            overflow += 1;
        }
        if let Some(slot) = lengths.get_mut(*node) {
            *slot = bits;
        }
        if *node < symbols {
            add(&mut counts, bits, 1);
        }
    }
    if overflow > 0 {
        shorten(&mut counts, bits_max, overflow);
        let mut leaves = joined.iter().filter(|node| **node < symbols);
        for bits in (1..=bits_max).rev() {
            let count = counts.get(usize::from(bits)).copied().unwrap_or(0).max(0);
            for node in leaves.by_ref().take(index(count.unsigned_abs())) {
                if let Some(slot) = lengths.get_mut(*node) {
                    *slot = bits;
                }
            }
        }
    }
    lengths
}

fn add(counts: &mut [i32; 17], bits: u8, change: i32) {
    if let Some(count) = counts.get_mut(usize::from(bits)) {
        *count += change;
    }
}

/// Moves leaves up until no code is longer than `bits_max`.
fn shorten(counts: &mut [i32; 17], bits_max: u8, mut overflow: i32) {
    while overflow > 0 {
        let has = |bits: &u8| counts.get(usize::from(*bits)).is_some_and(|count| *count > 0);
        let bits = (1..bits_max).rev().find(has).unwrap_or(1);
        add(counts, bits, -1);
        add(counts, bits + 1, 2);
        add(counts, bits_max, -1);
        overflow -= 2;
    }
}
