//! Which chunks lie in which block of a bundle.

use headstart_model::Digest;

use crate::codec::Codec;
use crate::error::FormatError;
use crate::limits::{
    BASES_BYTES_MAX, BASES_CHUNKS_MAX, BLOCK_BYTES_MAX, CHUNKS_MAX, TABLE_BASES_MAX,
};
use crate::numbers::{index, size};
use crate::tree::Tree;
use crate::varint::{self, Cursor};

/// Marks a chunk that no block yields. There are fewer blocks: [`CHUNKS_MAX`] is below.
const NO_BLOCK: u32 = u32::MAX;

/// Chunk numbers that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkRun {
    /// The first chunk.
    pub first: u32,
    /// How many, at least 1.
    pub count: u32,
}

impl ChunkRun {
    /// The chunks of the run.
    pub fn chunks(self) -> impl Iterator<Item = u32> {
        self.first..self.first.saturating_add(self.count)
    }
}

/// Which tree a base run counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BaseSpace {
    /// The tree of the version that a delta starts from.
    Old,
    /// The tree that the bundle belongs to; only chunks of earlier blocks or chunks that the old version has too.
    New,
}

/// Chunks that a block is compressed against: their bytes, run after run, stand before the block's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaseRun {
    /// The tree that the run counts in.
    pub space: BaseSpace,
    /// The chunks.
    pub run: ChunkRun,
}

/// One block of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The chunks that it yields, in order.
    pub runs: Vec<ChunkRun>,
    /// What it is compressed against.
    pub bases: Vec<BaseRun>,
    /// How it is stored.
    pub codec: Codec,
    /// Its bytes in the bundle.
    pub stored_bytes: u32,
    /// Digest of the bytes in the bundle.
    pub digest: Digest,
}

impl Block {
    /// The chunks that the block yields, in order.
    pub fn chunks(&self) -> impl Iterator<Item = u32> {
        self.runs.iter().flat_map(|run| run.chunks())
    }

    /// Bytes that the block yields.
    #[must_use]
    pub fn plain_bytes(&self, tree: &Tree) -> u64 {
        self.chunks().map(|chunk| u64::from(tree.chunk_bytes(chunk))).sum()
    }
}

/// The blocks of a bundle in the order in which they lie in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlockTable {
    blocks: Vec<Block>,
}

impl BlockTable {
    /// A table of these blocks.
    #[must_use]
    pub fn new(blocks: Vec<Block>) -> Self {
        Self { blocks }
    }

    /// The blocks.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Each block with its number and where its bytes begin, counted from the first block.
    pub fn with_offsets(&self) -> impl Iterator<Item = (u32, u64, &Block)> {
        let mut next = 0_u64;
        (0..).zip(&self.blocks).map(move |(number, block)| {
            let offset = next;
            next += u64::from(block.stored_bytes);
            (number, offset, block)
        })
    }

    /// Bytes of all blocks in the bundle.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.blocks.iter().map(|block| u64::from(block.stored_bytes)).sum()
    }

    /// The one encoding of this table. `docs/format/pack.md`, "Block table".
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        varint::put(&mut out, size(self.blocks.len()));
        let mut expected = 0;
        for block in &self.blocks {
            out.push(block.codec.byte());
            varint::put(&mut out, u64::from(block.stored_bytes));
            varint::put(&mut out, size(block.runs.len()));
            for run in &block.runs {
                put_run(&mut out, *run, &mut expected);
            }
            varint::put(&mut out, size(block.bases.len()));
            let mut expected_base = 0;
            for base in &block.bases {
                out.push(u8::from(base.space == BaseSpace::New));
                put_run(&mut out, base.run, &mut expected_base);
            }
        }
        self.blocks.iter().for_each(|block| out.extend_from_slice(block.digest.as_bytes()));
        out
    }

    /// Reads a table for `tree`. `old_chunks` is the number of chunks that a delta may use as bases; 0 for a full bundle.
    ///
    /// # Errors
    /// [`FormatError`] when a block is too large, names chunks that do not exist, or yields a chunk that another yielded.
    pub fn decode(bytes: &[u8], tree: &Tree, old_chunks: u32) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new("the block table", bytes);
        // Each block takes at least codec, size, run count, one run and base count, and its digest.
        let count = cursor.count("the number of blocks", CHUNKS_MAX, 32 + 6)?;
        let mut blocks = Vec::with_capacity(count);
        let mut expected = 0;
        for _ in 0..count {
            blocks.push(read_block(&mut cursor, &mut expected)?);
        }
        for block in &mut blocks {
            block.digest = Digest::from_bytes(cursor.array()?);
        }
        cursor.finish()?;
        let table = Self { blocks };
        table.check(tree, old_chunks)?;
        Ok(table)
    }

    fn check(&self, tree: &Tree, old_chunks: u32) -> Result<(), FormatError> {
        let yielded_by = self.check_runs(tree)?;
        let mut all = 0;
        for (number, block) in (0..).zip(&self.blocks) {
            all += check_bases(number, block, tree, (&yielded_by, old_chunks))?;
            limited("the number of bases", all, TABLE_BASES_MAX)?;
        }
        Ok(())
    }

    /// For each chunk the block that yields it, [`NO_BLOCK`] for none. Every step marks a chunk that was not marked, so
    /// what the table repeats costs nothing: the first repetition ends it.
    fn check_runs(&self, tree: &Tree) -> Result<Vec<u32>, FormatError> {
        let mut yielded_by = vec![NO_BLOCK; index(tree.chunk_count())];
        for (number, block) in (0..).zip(&self.blocks) {
            let mut plain_bytes = 0;
            for run in &block.runs {
                if u64::from(run.first) + u64::from(run.count) > u64::from(tree.chunk_count()) {
                    let what = "a block names a chunk that does not exist";
                    return Err(FormatError::Rule { what });
                }
                for chunk in run.chunks() {
                    let before = yielded_by.get_mut(index(chunk));
                    if before.map(|block| std::mem::replace(block, number)) != Some(NO_BLOCK) {
                        return Err(FormatError::Rule { what: "two blocks yield the same chunk" });
                    }
                    plain_bytes += u64::from(tree.chunk_bytes(chunk));
                    limited("the length of a block", plain_bytes, BLOCK_BYTES_MAX)?;
                }
            }
            // zstd adds less than this to data that it cannot compress; more is a lie that costs memory.
            let limit = plain_bytes + plain_bytes / 128 + 1024;
            let found = u64::from(block.stored_bytes);
            limited("the stored length of a block", found, limit)?;
            if found == 0 {
                return Err(FormatError::Rule { what: "a block has no bytes" });
            }
        }
        Ok(yielded_by)
    }
}

/// Gives the number of chunks that the block is based on.
fn check_bases(
    number: u32,
    block: &Block,
    tree: &Tree,
    (yielded_by, old_chunks): (&[u32], u32),
) -> Result<u64, FormatError> {
    let (mut chunks, mut bytes) = (0, 0);
    for base in &block.bases {
        // Before the chunks are walked through.
        chunks += u64::from(base.run.count);
        limited("the number of a block's bases", chunks, BASES_CHUNKS_MAX)?;
        let there = match base.space {
            BaseSpace::Old => old_chunks,
            BaseSpace::New => tree.chunk_count(),
        };
        if u64::from(base.run.first) + u64::from(base.run.count) > u64::from(there) {
            let what = "a block is based on a chunk that does not exist";
            return Err(FormatError::Rule { what });
        }
        if base.space == BaseSpace::Old {
            continue;
        }
        for chunk in base.run.chunks() {
            let block = yielded_by.get(index(chunk)).copied().unwrap_or(NO_BLOCK);
            if block >= number && block != NO_BLOCK {
                let what = "a block is based on itself or on a later one";
                return Err(FormatError::Rule { what });
            }
            bytes += u64::from(tree.chunk_bytes(chunk));
            limited("the length of a block's bases", bytes, BASES_BYTES_MAX)?;
        }
    }
    Ok(chunks)
}

fn limited(what: &'static str, found: u64, limit: u64) -> Result<(), FormatError> {
    if found > limit { Err(FormatError::Limit { what, found, limit }) } else { Ok(()) }
}

fn put_run(out: &mut Vec<u8>, run: ChunkRun, expected: &mut u32) {
    varint::put_signed(out, i64::from(run.first) - i64::from(*expected));
    varint::put(out, u64::from(run.count));
    *expected = run.first + run.count;
}

fn read_run(cursor: &mut Cursor<'_>, expected: &mut u32) -> Result<ChunkRun, FormatError> {
    let wrong = FormatError::Rule { what: "a run of chunks is out of range" };
    let first =
        i64::from(*expected).checked_add(cursor.signed()?).and_then(|n| u32::try_from(n).ok());
    let count = u32::try_from(cursor.number()?).ok().filter(|count| *count > 0);
    let (Some(first), Some(count)) = (first, count) else { return Err(wrong) };
    *expected = first.checked_add(count).ok_or(wrong)?;
    Ok(ChunkRun { first, count })
}

fn read_block(cursor: &mut Cursor<'_>, expected: &mut u32) -> Result<Block, FormatError> {
    let codec = Codec::from_byte(cursor.byte()?)?;
    let limit = u64::from(u32::MAX);
    let stored = cursor.bounded("the stored length of a block", limit)?;
    let stored_bytes = u32::try_from(stored).expect("limited to 32 bits");
    let runs = cursor.count("the number of runs in a block", CHUNKS_MAX, 2)?;
    let runs = (0..runs).map(|_| read_run(cursor, expected)).collect::<Result<_, _>>()?;
    let bases = cursor.count("the number of bases of a block", CHUNKS_MAX, 3)?;
    let mut expected_base = 0;
    let bases = (0..bases).map(|_| {
        let space = match cursor.byte()? {
            0 => BaseSpace::Old,
            1 => BaseSpace::New,
            _ => return Err(FormatError::Rule { what: "a base lies in no known tree" }),
        };
        Ok(BaseRun { space, run: read_run(cursor, &mut expected_base)? })
    });
    let bases = bases.collect::<Result<_, _>>()?;
    // The digests stand together at the end of the table; this one is filled in there.
    Ok(Block { runs, bases, codec, stored_bytes, digest: Digest::from_bytes([0; 32]) })
}

#[cfg(test)]
mod tests {
    use headstart_model::PackPath;

    use super::*;
    use crate::tree::TreeBuilder;

    fn tree(chunks: u32) -> Tree {
        let mut builder = TreeBuilder::new();
        let names = (0..chunks).map(|n| (Digest::of(&n.to_le_bytes()), 1));
        builder.file(&PackPath::new("f").expect("fine"), false, names).expect("small");
        builder.finish().tree().clone()
    }

    fn block(run: (u32, u32), bases: &[(BaseSpace, u32, u32)]) -> Block {
        let (first, count) = run;
        let base = |(space, first, count): &(BaseSpace, u32, u32)| BaseRun {
            space: *space,
            run: ChunkRun { first: *first, count: *count },
        };
        Block {
            runs: vec![ChunkRun { first, count }],
            bases: bases.iter().map(base).collect(),
            codec: Codec::Zstd,
            stored_bytes: 1,
            digest: Digest::of(b""),
        }
    }

    fn decode(blocks: Vec<Block>, chunks: u32, old_chunks: u32) -> Result<BlockTable, FormatError> {
        BlockTable::decode(&BlockTable::new(blocks).encode(), &tree(chunks), old_chunks)
    }

    fn rule(result: Result<BlockTable, FormatError>) -> &'static str {
        match result {
            Err(FormatError::Rule { what } | FormatError::Limit { what, .. }) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn bases_lie_in_earlier_blocks_or_in_none() {
        use BaseSpace::{New, Old};
        let blocks =
            |bases: &[_]| vec![block((0, 2), &[]), block((2, 1), bases), block((3, 1), &[])];
        let table = blocks(&[(New, 0, 2), (New, 4, 1), (Old, 6, 1)]);
        assert_eq!(decode(table.clone(), 5, 7).expect("good").blocks(), table);
        for later in [2, 3] {
            let what = rule(decode(blocks(&[(New, later, 1)]), 5, 0));
            assert_eq!(what, "a block is based on itself or on a later one");
        }
        for missing in [(New, 4, 2), (Old, 6, 2)] {
            let what = rule(decode(blocks(&[missing]), 5, 7));
            assert_eq!(what, "a block is based on a chunk that does not exist");
        }
    }

    #[test]
    fn repeated_runs_end_at_the_first_repetition() {
        // Without that end this would be 10^11 steps.
        let chunks = 1_000_000;
        let blocks = (0..100_000).map(|_| block((0, chunks), &[])).collect();
        assert_eq!(rule(decode(blocks, chunks, 0)), "two blocks yield the same chunk");
    }

    #[test]
    fn more_bases_than_anybody_needs_are_refused() {
        let chunks = u32::try_from(BASES_CHUNKS_MAX).expect("small");
        let table = |count| vec![block((0, 1), &[(BaseSpace::Old, 0, count)])];
        assert!(decode(table(chunks), 1, chunks + 1).is_ok());
        let what = rule(decode(table(chunks + 1), 1, chunks + 1));
        assert_eq!(what, "the number of a block's bases");
        let blocks = (0..=1024).map(|n| block((n, 1), &[(BaseSpace::Old, 0, chunks)])).collect();
        assert_eq!(rule(decode(blocks, 1025, chunks)), "the number of bases");
    }
}
