//! In which order chunks lie in a bundle, and where blocks end.

use std::collections::BTreeMap;

use headstart_model::PackPath;

use crate::chunk_set::ChunkSet;
use crate::limits::BLOCK_BYTES_TARGET;
use crate::numbers::index;
use crate::tree::Tree;

/// The chunks of `wanted`, each once: those of `first`, in its order, then the others by (file name, path) of the first file that
/// has it. Says how many are of `first`.
///
/// Files of one name in parallel folders are often near-equal; side by side they compress better. `docs/format/pack.md`.
fn order(tree: &Tree, wanted: &ChunkSet, first: &[PackPath]) -> (Vec<u32>, usize) {
    // By name and not by place in the launch set, which is about when and not about what is alike.
    let rank: BTreeMap<&PackPath, usize> = first.iter().zip(0..).collect();
    let rank_of = |path: &PackPath| {
        std::iter::successors(Some(path.clone()), PackPath::parent)
            .find_map(|at| rank.get(&at).copied())
    };
    let mut files: Vec<_> =
        tree.files().map(|(_, path, file)| (rank_of(path), path, file)).collect();
    files.sort_by(|(a_rank, a, _), (b_rank, b, _)| {
        let last = usize::MAX;
        let key = |rank: &Option<usize>| rank.unwrap_or(last);
        (key(a_rank), a.file_name(), a).cmp(&(key(b_rank), b.file_name(), b))
    });
    let mut seen = ChunkSet::empty(tree.chunk_count());
    let mut order = Vec::new();
    let mut of_first = 0;
    for (rank, _, file) in files {
        let chunks = tree.chunks_of(file).iter().copied();
        order.extend(chunks.filter(|chunk| wanted.contains(*chunk) && seen.insert(*chunk)));
        if rank.is_some() {
            of_first = order.len();
        }
    }
    (order, of_first)
}

/// The blocks of a bundle with the chunks of `wanted`: those of the files and folders of `first` before all others, in no block with
/// them. One ends when it holds [`BLOCK_BYTES_TARGET`].
pub(crate) fn blocks(tree: &Tree, wanted: &ChunkSet, first: &[PackPath]) -> Vec<Vec<u32>> {
    let (order, of_first) = order(tree, wanted, first);
    let mut blocks = Vec::new();
    let mut block = Vec::new();
    let mut bytes = 0;
    for (number, chunk) in (1..).zip(&order) {
        block.push(*chunk);
        bytes += index(tree.chunk_bytes(*chunk));
        if bytes >= BLOCK_BYTES_TARGET || number == of_first {
            blocks.push(std::mem::take(&mut block));
            bytes = 0;
        }
    }
    if !block.is_empty() {
        blocks.push(block);
    }
    blocks
}
