//! Sets of chunk numbers.

use crate::numbers::index;

/// A set of chunk numbers of one tree, one bit each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkSet {
    words: Vec<u64>,
    chunks: u32,
}

impl ChunkSet {
    /// No chunk of a tree with `chunks` chunks.
    #[must_use]
    pub fn empty(chunks: u32) -> Self {
        Self { words: vec![0; index(chunks.div_ceil(64))], chunks }
    }

    /// Every chunk of a tree with `chunks` chunks.
    #[must_use]
    pub fn full(chunks: u32) -> Self {
        let mut set = Self::empty(chunks);
        (0..chunks).for_each(|chunk| {
            set.insert(chunk);
        });
        set
    }

    /// Whether `chunk` is in the set; false for a chunk that the tree does not have.
    #[must_use]
    pub fn contains(&self, chunk: u32) -> bool {
        self.words.get(index(chunk / 64)).is_some_and(|word| word >> (chunk % 64) & 1 == 1)
    }

    /// Adds `chunk`; true when it was not there. A chunk that the tree does not have is left out.
    pub fn insert(&mut self, chunk: u32) -> bool {
        if chunk >= self.chunks {
            return false;
        }
        let Some(word) = self.words.get_mut(index(chunk / 64)) else { return false };
        let bit = 1 << (chunk % 64);
        let added = *word & bit == 0;
        *word |= bit;
        added
    }

    /// Takes `chunk` out.
    pub fn remove(&mut self, chunk: u32) {
        if let Some(word) = self.words.get_mut(index(chunk / 64)) {
            *word &= !(1 << (chunk % 64));
        }
    }

    /// How many chunks are in the set.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// Whether every chunk of the tree is in the set.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.count() == self.chunks
    }

    /// The chunks in the set, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        (0..self.chunks).filter(|chunk| self.contains(*chunk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_counted_once_and_outsiders_left_out() {
        let mut set = ChunkSet::empty(70);
        assert!(set.insert(69) && !set.insert(69) && !set.insert(70));
        assert_eq!((set.count(), set.iter().collect::<Vec<_>>()), (1, vec![69]));
        set.remove(69);
        set.remove(1000);
        assert_eq!(set.count(), 0);
        assert!(!set.is_complete() && ChunkSet::full(70).is_complete());
        assert!(ChunkSet::empty(0).is_complete());
    }
}
