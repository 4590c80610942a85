//! In which order chunks lie in a bundle, and where blocks end.

use crate::chunk_set::ChunkSet;
use crate::limits::BLOCK_BYTES_TARGET;
use crate::numbers::index;
use crate::tree::Tree;

/// The chunks of `wanted`, each once, by (file name, path) of the first file that has it.
///
/// Files of one name in parallel folders are often near-equal; side by side they compress better. `docs/format/pack.md`.
pub(crate) fn order(tree: &Tree, wanted: &ChunkSet) -> Vec<u32> {
    let mut files: Vec<_> = tree.files().collect();
    files.sort_by(|(_, a, _), (_, b, _)| (a.file_name(), a).cmp(&(b.file_name(), b)));
    let mut seen = ChunkSet::empty(tree.chunk_count());
    let chunks = files.into_iter().flat_map(|(_, _, file)| tree.chunks_of(file).iter().copied());
    chunks.filter(|chunk| wanted.contains(*chunk) && seen.insert(*chunk)).collect()
}

/// Cuts the order into blocks: one ends when it holds [`BLOCK_BYTES_TARGET`].
pub(crate) fn blocks(tree: &Tree, order: &[u32]) -> Vec<Vec<u32>> {
    let mut blocks = Vec::new();
    let mut block = Vec::new();
    let mut bytes = 0;
    for chunk in order {
        block.push(*chunk);
        bytes += index(tree.chunk_bytes(*chunk));
        if bytes >= BLOCK_BYTES_TARGET {
            blocks.push(std::mem::take(&mut block));
            bytes = 0;
        }
    }
    if !block.is_empty() {
        blocks.push(block);
    }
    blocks
}
