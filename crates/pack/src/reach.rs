//! What reading some chunks of a bundle takes: the blocks that yield them, and those that these are based on.

use crate::chunk_set::ChunkSet;
use crate::numbers::index;
use crate::table::{BaseSpace, Block, BlockTable};
use crate::tree::Tree;

/// Marks a chunk that no block yields.
const NO_BLOCK: u32 = u32::MAX;

/// Tells for chunks of one bundle which blocks have to be read.
///
/// Bases in the old version of a delta are taken to be at hand.
#[derive(Debug, Clone)]
pub struct Reach<'a> {
    table: &'a BlockTable,
    /// For each chunk the block that yields it.
    yielded_by: Vec<u32>,
}

impl<'a> Reach<'a> {
    /// For the bundle of `tree` that `table` describes. Memory: four bytes a chunk.
    #[must_use]
    pub fn new(tree: &Tree, table: &'a BlockTable) -> Self {
        let mut yielded_by = vec![NO_BLOCK; index(tree.chunk_count())];
        for (number, block) in (0..).zip(table.blocks()) {
            for chunk in block.chunks() {
                if let Some(yielded_by) = yielded_by.get_mut(index(chunk)) {
                    *yielded_by = number;
                }
            }
        }
        Self { table, yielded_by }
    }

    /// The blocks that have to be read for `wanted`, as block numbers, when the chunks of `held` are at hand: in order, so
    /// that each stands after those it is based on. Chunks that no block yields are left out.
    ///
    /// Cost: linear in the chunks and bases of the blocks found.
    #[must_use]
    pub fn blocks(&self, wanted: impl IntoIterator<Item = u32>, held: &ChunkSet) -> ChunkSet {
        let mut blocks =
            ChunkSet::empty(u32::try_from(self.table.blocks().len()).unwrap_or(NO_BLOCK));
        let mut open: Vec<u32> = Vec::new();
        let want = |chunk: u32, blocks: &mut ChunkSet, open: &mut Vec<u32>| {
            let block = self.yielded_by.get(index(chunk)).copied().unwrap_or(NO_BLOCK);
            if !held.contains(chunk) && blocks.insert(block) {
                open.push(block);
            }
        };
        wanted.into_iter().for_each(|chunk| want(chunk, &mut blocks, &mut open));
        while let Some(block) = open.pop().and_then(|number| self.block(number)) {
            for base in block.bases.iter().filter(|base| base.space == BaseSpace::New) {
                base.run.chunks().for_each(|chunk| want(chunk, &mut blocks, &mut open));
            }
        }
        blocks
    }

    /// Stored bytes of `blocks`.
    #[must_use]
    pub fn stored_bytes(&self, blocks: &ChunkSet) -> u64 {
        let blocks = blocks.iter().filter_map(|number| self.block(number));
        blocks.map(|block| u64::from(block.stored_bytes)).sum()
    }

    /// Stored bytes that reading one file takes beyond its own part of the blocks, on average over all files with content:
    /// what an app pays that reads a file before the pack is there. 0 when there is no such file.
    #[must_use]
    pub fn mean_extra_bytes(&self, tree: &Tree) -> u64 {
        let plain: Vec<_> =
            self.table.blocks().iter().map(|block| block.plain_bytes(tree)).collect();
        let own = |chunk: &u32| {
            let block = self.yielded_by.get(index(*chunk)).copied().unwrap_or(NO_BLOCK);
            let plain = plain.get(index(block)).copied().unwrap_or(0);
            let stored = self.block(block).map_or(0, |block| u64::from(block.stored_bytes));
            (u64::from(tree.chunk_bytes(*chunk)) * stored).checked_div(plain).unwrap_or(0)
        };
        let nothing = ChunkSet::empty(tree.chunk_count());
        let (mut extra, mut files) = (0, 0);
        for (_, _, file) in tree.files().filter(|(_, _, file)| file.size > 0) {
            let mut chunks = tree.chunks_of(file).to_vec();
            let all = self.stored_bytes(&self.blocks(chunks.iter().copied(), &nothing));
            chunks.sort_unstable();
            chunks.dedup();
            extra += all.saturating_sub(chunks.iter().map(own).sum());
            files += 1;
        }
        extra.checked_div(files).unwrap_or(0)
    }

    fn block(&self, number: u32) -> Option<&'a Block> {
        self.table.blocks().get(index(number))
    }
}

#[cfg(test)]
mod tests {
    use headstart_model::{Digest, PackPath};

    use super::*;
    use crate::codec::Codec;
    use crate::table::{BaseRun, ChunkRun};
    use crate::tree::TreeBuilder;

    /// Files of one chunk, 10 bytes each, every one in a block of its own of 4 stored bytes, based on the given chunks.
    fn world(bases: &[&[u32]]) -> (Tree, BlockTable) {
        let mut builder = TreeBuilder::new();
        let mut blocks = Vec::new();
        for (number, bases) in (0_u32..).zip(bases) {
            let path = PackPath::new(format!("f{number:03}")).expect("fine");
            let name = Digest::of(&number.to_le_bytes());
            builder.file(&path, false, [(name, 10)]).expect("small");
            let run = |first| ChunkRun { first, count: 1 };
            blocks.push(Block {
                runs: vec![run(number)],
                bases: bases
                    .iter()
                    .map(|first| BaseRun { space: BaseSpace::New, run: run(*first) })
                    .collect(),
                codec: Codec::Zstd,
                stored_bytes: 4,
                digest: name,
            });
        }
        (builder.finish().tree().clone(), BlockTable::new(blocks))
    }

    #[test]
    fn a_block_takes_those_it_is_based_on_and_no_others() {
        let (tree, table) = world(&[&[], &[0], &[], &[1, 2], &[3]]);
        let reach = Reach::new(&tree, &table);
        let blocks = |wanted: u32, held: &[u32]| {
            let mut set = ChunkSet::empty(tree.chunk_count());
            for chunk in held {
                set.insert(*chunk);
            }
            reach.blocks([wanted], &set).iter().collect::<Vec<_>>()
        };
        assert_eq!(blocks(3, &[]), [0, 1, 2, 3]);
        assert_eq!(blocks(4, &[1]), [2, 3, 4]);
        assert_eq!(blocks(2, &[]), [2]);
        assert!(blocks(4, &[4]).is_empty() && blocks(99, &[]).is_empty());
    }

    #[test]
    fn a_file_is_not_counted_as_its_own_extra() {
        let (tree, table) = world(&[&[], &[0], &[1]]);
        // 0, 4 and 8 bytes beyond the file itself.
        assert_eq!(Reach::new(&tree, &table).mean_extra_bytes(&tree), 4);
        let (tree, table) = world(&[]);
        assert_eq!(Reach::new(&tree, &table).mean_extra_bytes(&tree), 0);
    }
}
