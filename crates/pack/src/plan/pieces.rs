//! The chunks of several trees in one numbering.

use std::collections::HashMap;

use headstart_model::Digest;

use crate::numbers::index;
use crate::tree::{CompleteTree, Tree};

/// Trees in one numbering; their chunks together fit 32 bits then. `Ours:` a plan looks at a handful.
pub const SPACES_MAX: usize = 24;

/// One tree among [`Pieces`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Space(usize);

/// Numbers of *pieces*: chunks of different trees that are known to have the same bytes are one piece.
///
/// `Ours:` a plan over several bundles asks who yields which bytes, whatever number a tree gives them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pieces {
    spaces: Vec<Vec<u32>>,
    bytes: Vec<u32>,
}

impl Pieces {
    /// The piece of each chunk of a tree, by the tree's number; nothing for a space of other pieces.
    #[must_use]
    pub fn of(&self, space: Space) -> &[u32] {
        self.spaces.get(space.0).map_or(&[], Vec::as_slice)
    }

    /// How many different pieces there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.bytes.len()).expect("the builder counts in 32 bits")
    }

    /// Length of a piece in bytes; 0 for one that does not exist.
    #[must_use]
    pub fn bytes(&self, piece: u32) -> u32 {
        self.bytes.get(index(piece)).copied().unwrap_or(0)
    }
}

/// Gathers trees, and what is known of equal chunks in them.
#[derive(Debug, Default)]
pub struct PiecesBuilder {
    /// For each chunk of all trees another one with the same bytes, or itself.
    parents: Vec<u32>,
    bytes: Vec<u32>,
    /// Where each space begins and how many chunks it has.
    spaces: Vec<(u32, u32)>,
    named: HashMap<Digest, u32>,
}

impl PiecesBuilder {
    /// No tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tree whose chunks are not named; `None` when there are [`SPACES_MAX`] already.
    pub fn tree(&mut self, tree: &Tree) -> Option<Space> {
        if self.spaces.len() >= SPACES_MAX {
            return None;
        }
        let first = u32::try_from(self.parents.len()).ok()?;
        let count = tree.chunk_count();
        self.parents.extend(first..first.checked_add(count)?);
        self.bytes.extend((0..count).map(|chunk| tree.chunk_bytes(chunk)));
        self.spaces.push((first, count));
        Some(Space(self.spaces.len() - 1))
    }

    /// Adds a tree with the names of its chunks: equal names are equal bytes.
    pub fn complete(&mut self, complete: &CompleteTree) -> Option<Space> {
        let space = self.tree(complete.tree())?;
        for (chunk, name) in (0..).zip(complete.names()) {
            let Some(chunk) = self.id(space, chunk) else { break };
            let known = *self.named.entry(*name).or_insert(chunk);
            self.unite(known, chunk);
        }
        Some(space)
    }

    /// Tells that `same[n]`, where there is one, is the chunk of `old` with the bytes of chunk `n` of `new`.
    pub fn same(&mut self, new: Space, old: Space, same: &[Option<u32>]) {
        for (chunk, other) in (0..).zip(same) {
            let Some(other) = other else { continue };
            if let (Some(new), Some(old)) = (self.id(new, chunk), self.id(old, *other)) {
                self.unite(old, new);
            }
        }
    }

    fn id(&self, space: Space, chunk: u32) -> Option<u32> {
        let (first, count) = *self.spaces.get(space.0)?;
        (chunk < count).then(|| first + chunk)
    }

    fn root(&mut self, mut id: u32) -> u32 {
        loop {
            let parent = self.parents.get(index(id)).copied().unwrap_or(id);
            if parent == id {
                return id;
            }
            let above = self.parents.get(index(parent)).copied().unwrap_or(parent);
            // Halving the way keeps later look-ups short.
            if let Some(slot) = self.parents.get_mut(index(id)) {
                *slot = above;
            }
            id = above;
        }
    }

    fn unite(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        // Equal bytes have equal lengths; what says otherwise is not believed.
        if a == b || self.bytes.get(index(a)) != self.bytes.get(index(b)) {
            return;
        }
        if let Some(slot) = self.parents.get_mut(index(a.max(b))) {
            *slot = a.min(b);
        }
    }

    /// The numbering.
    #[must_use]
    pub fn finish(mut self) -> Pieces {
        let mut pieces = Pieces::default();
        let mut numbers: HashMap<u32, u32> = HashMap::new();
        for (first, count) in std::mem::take(&mut self.spaces) {
            let mut space = Vec::with_capacity(index(count));
            for id in first..first + count {
                let root = self.root(id);
                let next = pieces.count();
                let piece = *numbers.entry(root).or_insert(next);
                if piece == next {
                    pieces.bytes.push(self.bytes.get(index(root)).copied().unwrap_or(0));
                }
                space.push(piece);
            }
            pieces.spaces.push(space);
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use headstart_model::PackPath;

    use super::*;
    use crate::tree::TreeBuilder;

    fn complete(names: &[u8]) -> CompleteTree {
        let mut builder = TreeBuilder::new();
        let chunks = names.iter().map(|name| (Digest::of(&[*name]), 10));
        builder.file(&PackPath::new("f").expect("fine"), false, chunks).expect("small");
        builder.finish()
    }

    #[test]
    fn equal_names_and_told_equals_are_one_piece() {
        let mut builder = PiecesBuilder::new();
        let held = builder.complete(&complete(&[1, 2])).expect("room");
        let middle = builder.tree(complete(&[2, 3]).tree()).expect("room");
        let new = builder.complete(&complete(&[4, 1])).expect("room");
        builder.same(middle, held, &[Some(1), None]);
        builder.same(new, middle, &[Some(1), None]);
        let pieces = builder.finish();
        assert_eq!(pieces.count(), 3);
        assert_eq!(pieces.of(held), [0, 1]);
        assert_eq!(pieces.of(middle), [1, 2]);
        assert_eq!(pieces.of(new), [2, 0]);
        assert_eq!((pieces.bytes(2), pieces.bytes(3)), (10, 0));
    }

    #[test]
    fn what_does_not_exist_or_has_another_length_is_not_believed() {
        let mut builder = PiecesBuilder::new();
        let old = builder.complete(&complete(&[1])).expect("room");
        let mut other = TreeBuilder::new();
        let chunk = [(Digest::of(&[9]), 11)];
        other.file(&PackPath::new("f").expect("fine"), false, chunk).expect("small");
        let new = builder.tree(other.finish().tree()).expect("room");
        builder.same(new, old, &[Some(0), Some(7)]);
        builder.same(new, old, &[Some(7)]);
        assert_eq!(builder.finish().count(), 2);
    }

    #[test]
    fn trees_beyond_the_limit_are_left_out() {
        let mut builder = PiecesBuilder::new();
        let spaces = (0..=SPACES_MAX).filter_map(|_| builder.complete(&complete(&[1])));
        assert_eq!(spaces.count(), SPACES_MAX);
    }
}
