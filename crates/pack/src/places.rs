//! Where chunks belong in the files of a tree.

use crate::numbers::index;
use crate::tree::Tree;

/// One place of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Number of the entry (a file) in [`Tree::entries`].
    pub entry: u32,
    /// Where in the file the chunk begins, in bytes.
    pub offset: u64,
}

/// For each chunk of a tree every place where it stands. Memory: 16 bytes for each use of a chunk, and four for each chunk.
#[derive(Debug, Clone, Default)]
pub struct Places {
    starts: Vec<u32>,
    places: Vec<Place>,
}

impl Places {
    /// The places of all chunks of `tree`.
    #[must_use]
    pub fn of(tree: &Tree) -> Self {
        let mut starts = vec![0_u32; index(tree.chunk_count()) + 1];
        let all = || {
            tree.files().flat_map(|(entry, _, file)| {
                let entry = u32::try_from(entry).unwrap_or(u32::MAX);
                let mut next = 0;
                tree.chunks_of(file).iter().map(move |chunk| {
                    let offset = next;
                    next += u64::from(tree.chunk_bytes(*chunk));
                    (*chunk, Place { entry, offset })
                })
            })
        };
        for (chunk, _) in all() {
            if let Some(start) = starts.get_mut(index(chunk) + 1) {
                *start += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut places = vec![Place { entry: 0, offset: 0 }; index(sum)];
        for (chunk, place) in all() {
            if let Some(position) = next.get_mut(index(chunk)) {
                if let Some(slot) = places.get_mut(index(*position)) {
                    *slot = place;
                }
                *position += 1;
            }
        }
        Self { starts, places }
    }

    /// Every place of `chunk`, by entry and offset.
    #[must_use]
    pub fn of_chunk(&self, chunk: u32) -> &[Place] {
        let start = self.starts.get(index(chunk)).copied().map_or(0, index);
        let end = self.starts.get(index(chunk) + 1).copied().map_or(0, index);
        self.places.get(start..end).unwrap_or_default()
    }
}
