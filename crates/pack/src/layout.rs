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

/// Files of so many bytes share no block with others, if the block has so many: a device that lacks one of them needs no block
/// of another. `Ours:` a few blocks more in a pack.
const LARGE_FILE_BYTES: u64 = 32 << 20;
const SHARED_BYTES_MAX: usize = BLOCK_BYTES_TARGET / 4;

/// For each chunk of a large file that has it a number of the file, else 0.
fn large_files(tree: &Tree) -> Vec<u32> {
    let mut large = vec![0; index(tree.chunk_count())];
    let files = tree.files().filter(|(_, _, file)| file.size >= LARGE_FILE_BYTES);
    for (number, (_, _, file)) in (1..).zip(files) {
        for chunk in tree.chunks_of(file) {
            if let Some(large) = large.get_mut(index(*chunk)) {
                *large = number;
            }
        }
    }
    large
}

/// The blocks of a bundle with the chunks of `wanted`: those of the files and folders of `first` before all others, in no block with
/// them. One ends when it holds [`BLOCK_BYTES_TARGET`].
pub(crate) fn blocks(tree: &Tree, wanted: &ChunkSet, first: &[PackPath]) -> Vec<Vec<u32>> {
    let (order, of_first) = order(tree, wanted, first);
    let mut blocks = Vec::new();
    let mut block = Vec::new();
    let mut bytes = 0;
    let large = large_files(tree);
    let mut file = 0;
    for (number, chunk) in (1..).zip(&order) {
        let before = std::mem::replace(&mut file, large.get(index(*chunk)).copied().unwrap_or(0));
        if before != file && bytes >= SHARED_BYTES_MAX {
            blocks.push(std::mem::take(&mut block));
            bytes = 0;
        }
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

#[cfg(test)]
mod tests {
    use headstart_model::Digest;

    use super::*;
    use crate::tree::TreeBuilder;

    #[test]
    fn a_large_file_shares_a_block_only_while_it_is_small() {
        let mut builder = TreeBuilder::new();
        let mut file = |name: &str, chunks: u64| {
            let path = PackPath::new(name).expect("fine");
            let chunk = |n: u64| (Digest::of(format!("{name}{n}").as_bytes()), 1 << 17);
            builder.file(&path, false, (0..chunks).map(chunk)).expect("small");
        };
        // Chunks of 128 KiB, eight to a block: 'b' and 'd' are large, and two chunks may be shared.
        for (name, chunks) in [("a", 1), ("b", 256), ("c", 3), ("d", 260), ("e", 9)] {
            file(name, chunks);
        }
        let tree = builder.finish().tree().clone();
        let blocks = blocks(&tree, &ChunkSet::full(tree.chunk_count()), &[]);
        let lengths: Vec<_> = blocks.iter().map(Vec::len).collect();
        // 1 of 'a' and 255 of 'b' make 32; then 1 of 'b' with 3 of 'c', which 'd' does not join; then 'd' and 'e'.
        let expected = [vec![8; 32], vec![4], vec![8; 32], vec![4, 8, 1]].concat();
        assert_eq!(lengths, expected);
    }
}
