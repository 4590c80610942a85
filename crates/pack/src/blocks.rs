//! A block on its way into a bundle.

use crate::bases::Base;
use crate::table::ChunkRun;

/// A block that is read and based, not yet compressed.
pub(crate) struct Draft {
    pub(crate) chunks: Vec<u32>,
    pub(crate) plain: Vec<u8>,
    pub(crate) bases: Vec<Base>,
    /// The bytes of the bases, one after the other.
    pub(crate) prefix: Vec<u8>,
}

impl Draft {
    /// Without bases.
    pub(crate) const fn alone(chunks: Vec<u32>, plain: Vec<u8>) -> Self {
        Self { chunks, plain, bases: Vec::new(), prefix: Vec::new() }
    }

    /// The bytes of the near bases; `None` if all are near.
    pub(crate) fn near_prefix(&self) -> Option<Vec<u8>> {
        if self.bases.iter().all(|base| base.is_near) {
            return None;
        }
        let (mut near, mut rest) = (Vec::new(), &*self.prefix);
        for base in &self.bases {
            let (bytes, after) = rest.split_at_checked(base.bytes)?;
            if base.is_near {
                near.extend_from_slice(bytes);
            }
            rest = after;
        }
        Some(near)
    }
}

/// Chunk numbers as runs, in order.
pub(crate) fn runs(chunks: &[u32]) -> Vec<ChunkRun> {
    let mut runs: Vec<ChunkRun> = Vec::new();
    for chunk in chunks {
        match runs.last_mut() {
            Some(run) if run.first + run.count == *chunk => run.count += 1,
            _ => runs.push(ChunkRun { first: *chunk, count: 1 }),
        }
    }
    runs
}
