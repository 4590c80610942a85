//! A block on its way into a bundle.

use crate::table::{BaseRun, ChunkRun};

/// A block that is read and based, not yet compressed.
pub(crate) struct Draft {
    pub(crate) chunks: Vec<u32>,
    pub(crate) plain: Vec<u8>,
    pub(crate) prefix: Vec<u8>,
    pub(crate) bases: Vec<BaseRun>,
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
