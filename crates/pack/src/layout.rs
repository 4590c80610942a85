//! In which order chunks lie in a bundle, and where blocks end.

use std::collections::BTreeMap;

use headstart_model::PackPath;

use crate::chunk_set::ChunkSet;
use crate::limits::BLOCK_BYTES_TARGET;
use crate::numbers::index;
use crate::tree::Tree;

/// Files of so many bytes keep to themselves, so that a device which lacks one of them needs no block of another.
const LARGE_FILE_BYTES: u64 = 32 << 20;
/// A block with so many bytes is closed where a large file begins or ends. `Ours:` smaller ones would cost more than they are worth.
const SHARED_BYTES_MAX: usize = BLOCK_BYTES_TARGET / 4;

/// A chunk in its place.
struct Placed {
    chunk: u32,
    /// The number of the large file that it is placed with, else 0.
    large_file: u32,
}

/// The chunks of `wanted`, each once: those of `first`, in its order, then the others by (file name, path) of the first file that
/// has it. Says how many are of `first`.
///
/// Files of one name in parallel folders are often near-equal; side by side they compress better. `docs/format/pack.md`.
fn order(tree: &Tree, wanted: &ChunkSet, first: &[PackPath]) -> (Vec<Placed>, usize) {
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
    for (number, (rank, _, file)) in (1..).zip(files) {
        let large_file = if file.size >= LARGE_FILE_BYTES { number } else { 0 };
        let chunks = tree.chunks_of(file).iter().copied();
        let chunks = chunks.filter(|chunk| wanted.contains(*chunk) && seen.insert(*chunk));
        order.extend(chunks.map(|chunk| Placed { chunk, large_file }));
        if rank.is_some() {
            of_first = order.len();
        }
    }
    (order, of_first)
}

/// The blocks of a bundle with the chunks of `wanted`: those of the files and folders of `first` before all others, in no block with
/// them. One ends when it holds [`BLOCK_BYTES_TARGET`], or less before and after a large file.
pub(crate) fn blocks(tree: &Tree, wanted: &ChunkSet, first: &[PackPath]) -> Vec<Vec<u32>> {
    let (order, of_first) = order(tree, wanted, first);
    let mut blocks = Vec::new();
    let mut block = Vec::new();
    let (mut bytes, mut large_file) = (0, 0);
    for (number, placed) in (1..).zip(&order) {
        if placed.large_file != large_file && bytes >= SHARED_BYTES_MAX {
            blocks.push(std::mem::take(&mut block));
            bytes = 0;
        }
        large_file = placed.large_file;
        block.push(placed.chunk);
        bytes += index(tree.chunk_bytes(placed.chunk));
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

#[cfg(test)]
mod tests {
    use headstart_model::Digest;

    use super::*;
    use crate::tree::TreeBuilder;

    /// Files of chunks of 128 KiB, of which eight make a block; those from 256 chunks on are large. Gives the chunks of each block.
    fn lengths(files: &[(&str, std::ops::Range<u32>)]) -> Vec<usize> {
        let mut builder = TreeBuilder::new();
        for (name, chunks) in files {
            let path = PackPath::new(*name).expect("fine");
            let chunks = chunks.clone().map(|n| (Digest::of(&n.to_le_bytes()), 1 << 17));
            builder.file(&path, false, chunks).expect("small");
        }
        let tree = builder.finish().tree().clone();
        let blocks = blocks(&tree, &ChunkSet::full(tree.chunk_count()), &[]);
        blocks.iter().map(Vec::len).collect()
    }

    #[test]
    fn a_block_that_is_large_enough_ends_where_a_large_file_does() {
        let (one, two) = ([("a", 0..1), ("b", 1..257)], [("a", 0..2), ("b", 2..258)]);
        assert_eq!(lengths(&one), [vec![8; 32], vec![1]].concat(), "one chunk is shared");
        assert_eq!(lengths(&two), [vec![2], vec![8; 32]].concat(), "two are not");
        let three = [("a", 0..256), ("b", 300..303), ("c", 400..660), ("d", 700..709)];
        let expected = [vec![8; 32], vec![3], vec![8; 32], vec![4, 8, 1]].concat();
        assert_eq!(lengths(&three), expected);
    }

    #[test]
    fn what_large_files_share_is_placed_with_the_first_and_ends_no_block() {
        // Every second stretch of sixteen chunks of 'b' is one of 'a'.
        let mut builder = TreeBuilder::new();
        for (name, offset) in [("a", 0), ("b", 1000)] {
            let chunk = |n: u32| if (n / 16).is_multiple_of(2) { n } else { n + offset };
            let chunks = (0..256).map(chunk).map(|n| (Digest::of(&n.to_le_bytes()), 1 << 17));
            builder.file(&PackPath::new(name).expect("fine"), false, chunks).expect("small");
        }
        let tree = builder.finish().tree().clone();
        let blocks = blocks(&tree, &ChunkSet::full(tree.chunk_count()), &[]);
        assert!(blocks.iter().all(|block| block.len() == 8), "{} blocks", blocks.len());
    }
}
