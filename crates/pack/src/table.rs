//! Which chunks lie in which block of a bundle.

use headstart_model::Digest;

use crate::codec::Codec;
use crate::error::FormatError;
use crate::limits::{BASES_BYTES_MAX, BLOCK_BYTES_MAX, CHUNKS_MAX};
use crate::numbers::size;
use crate::tree::Tree;
use crate::varint::{self, Cursor};

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

    /// Every chunk that some block yields.
    fn yielded(&self, tree: &Tree) -> crate::ChunkSet {
        let mut yielded = crate::ChunkSet::empty(tree.chunk_count());
        let runs = self.blocks.iter().flat_map(|block| &block.runs);
        // A run of billions cannot make this long: what the tree does not have ends it.
        for chunk in
            runs.flat_map(|run| run.chunks().take_while(|chunk| *chunk < tree.chunk_count()))
        {
            yielded.insert(chunk);
        }
        yielded
    }

    fn check(&self, tree: &Tree, old_chunks: u32) -> Result<(), FormatError> {
        let mut yielded = crate::ChunkSet::empty(tree.chunk_count());
        let yielded_at_all = self.yielded(tree);
        for block in &self.blocks {
            let mut base_bytes = 0;
            for base in &block.bases {
                let end = u64::from(base.run.first) + u64::from(base.run.count);
                let chunks = match base.space {
                    BaseSpace::Old => old_chunks,
                    BaseSpace::New => tree.chunk_count(),
                };
                if end > u64::from(chunks) {
                    return Err(FormatError::Rule {
                        what: "a block is based on a chunk that does not exist",
                    });
                }
                if base.space == BaseSpace::New {
                    base_bytes += run_bytes(base.run, tree)?;
                    let later = |chunk| yielded_at_all.contains(chunk) && !yielded.contains(chunk);
                    if base.run.chunks().any(later) {
                        let what = "a block is based on itself or on a later one";
                        return Err(FormatError::Rule { what });
                    }
                }
                if base_bytes > BASES_BYTES_MAX {
                    let what = "the length of a block's bases";
                    return Err(FormatError::Limit {
                        what,
                        found: base_bytes,
                        limit: BASES_BYTES_MAX,
                    });
                }
            }
            let mut plain_bytes = 0;
            for run in &block.runs {
                plain_bytes += run_bytes(*run, tree)?;
                if plain_bytes > BLOCK_BYTES_MAX {
                    let what = "the length of a block";
                    return Err(FormatError::Limit {
                        what,
                        found: plain_bytes,
                        limit: BLOCK_BYTES_MAX,
                    });
                }
                if !run.chunks().all(|chunk| yielded.insert(chunk)) {
                    return Err(FormatError::Rule { what: "two blocks yield the same chunk" });
                }
            }
            // zstd adds less than this to data that it cannot compress; more is a lie that costs memory.
            let limit = plain_bytes + plain_bytes / 128 + 1024;
            if u64::from(block.stored_bytes) > limit || block.stored_bytes == 0 {
                let found = u64::from(block.stored_bytes);
                return Err(FormatError::Limit {
                    what: "the stored length of a block",
                    found,
                    limit,
                });
            }
        }
        Ok(())
    }
}

fn run_bytes(run: ChunkRun, tree: &Tree) -> Result<u64, FormatError> {
    if u64::from(run.first) + u64::from(run.count) > u64::from(tree.chunk_count()) {
        return Err(FormatError::Rule { what: "a block names a chunk that does not exist" });
    }
    Ok(run.chunks().map(|chunk| u64::from(tree.chunk_bytes(chunk))).sum())
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
