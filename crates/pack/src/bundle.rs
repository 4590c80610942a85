//! Making a bundle: blocks chosen, based, compressed on all cores, written in order.

use std::io::Write;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use headstart_model::{Digest, DigestHasher};

use crate::bases::BaseChooser;
use crate::blocks::{self, Draft};
use crate::codec::{Codec, Encoder};
use crate::error::BuildError;
use crate::numbers::size;
use crate::source::ChunkSource;
use crate::table::{BaseSpace, Block, BlockTable};

/// How much work goes into making a bundle small. What a device spends on reading it hardly differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// zstd 3: for trying things out.
    Fast,
    /// zstd 9; a file can be read after at most 32 MiB of others.
    #[default]
    Balanced,
    /// zstd 19; bases from anywhere earlier in the pack. For releases.
    Small,
}

impl Level {
    const fn zstd(self) -> i32 {
        match self {
            Self::Fast => 3,
            Self::Balanced => 9,
            Self::Small => 19,
        }
    }

    /// Plain bytes after which earlier blocks are no longer used as bases.
    const fn reach_bytes(self) -> u64 {
        match self {
            Self::Fast | Self::Balanced => 32 << 20,
            Self::Small => u64::MAX,
        }
    }
}

impl std::str::FromStr for Level {
    type Err = UnknownLevel;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "fast" => Ok(Self::Fast),
            "balanced" => Ok(Self::Balanced),
            "small" => Ok(Self::Small),
            _ => Err(UnknownLevel),
        }
    }
}

/// The text names no level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the levels are `fast`, `balanced` and `small`")]
pub struct UnknownLevel;

/// Told how many plain bytes are done; may break off.
pub type Progress<'a> = &'a mut dyn FnMut(u64) -> ControlFlow<()>;

/// What a bundle is made of.
pub(crate) struct BundleInput<'a> {
    /// The chunks of each block.
    pub(crate) blocks: Vec<Vec<u32>>,
    pub(crate) chooser: BaseChooser,
    pub(crate) new: &'a mut dyn ChunkSource,
    pub(crate) old: &'a mut dyn ChunkSource,
    pub(crate) level: Level,
}

pub(crate) struct WrittenBundle {
    pub(crate) table: BlockTable,
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
}

/// Writes the blocks to `out`. Memory: a few blocks with their bases for each core, and the chooser's map.
pub(crate) fn write_bundle(
    mut input: BundleInput<'_>,
    out: &mut dyn Write,
    progress: Progress<'_>,
) -> Result<WrittenBundle, BuildError> {
    let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let encoder = Encoder::new(input.level.zstd());
    let mut hasher = DigestHasher::new();
    let mut table = Vec::with_capacity(input.blocks.len());
    let (mut done, mut since_restart, mut bytes) = (0_u64, 0_u64, 0_u64);
    let groups = std::mem::take(&mut input.blocks);
    for batch in groups.chunks(workers * 3) {
        let mut drafts = Vec::with_capacity(batch.len());
        for chunks in batch {
            if since_restart >= input.level.reach_bytes() {
                input.chooser.restart();
                since_restart = 0;
            }
            let draft = draft(&mut input, chunks)?;
            since_restart += size(draft.plain.len());
            drafts.push(draft);
        }
        for (draft, (codec, stored)) in drafts.iter().zip(compress(&encoder, &drafts, workers)) {
            out.write_all(&stored).map_err(BuildError::Write)?;
            hasher.update(&stored);
            bytes += size(stored.len());
            table.push(Block {
                runs: blocks::runs(&draft.chunks),
                bases: if codec == Codec::Stored { Vec::new() } else { draft.bases.clone() },
                codec,
                stored_bytes: u32::try_from(stored.len()).expect("a block is far below 4 GiB"),
                digest: Digest::of(&stored),
            });
            done += size(draft.plain.len());
        }
        if progress(done).is_break() {
            return Err(BuildError::Cancelled);
        }
    }
    Ok(WrittenBundle { table: BlockTable::new(table), digest: hasher.finish(), bytes })
}

/// Reads a block's chunks, chooses its bases, and makes its chunks bases for later blocks.
fn draft(input: &mut BundleInput<'_>, chunks: &[u32]) -> Result<Draft, BuildError> {
    let mut plain = Vec::new();
    let mut ends = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        input.new.read_chunk(*chunk, &mut plain)?;
        ends.push(plain.len());
    }
    let bases = input.chooser.choose(&plain);
    let mut prefix = Vec::new();
    for base in &bases {
        for chunk in base.run.chunks() {
            match base.space {
                BaseSpace::Old => input.old.read_chunk(chunk, &mut prefix)?,
                BaseSpace::New => input.new.read_chunk(chunk, &mut prefix)?,
            }
        }
    }
    let mut start = 0;
    for (chunk, end) in chunks.iter().zip(ends) {
        input.chooser.add(BaseSpace::New, *chunk, plain.get(start..end).unwrap_or_default());
        start = end;
    }
    Ok(Draft { chunks: chunks.to_vec(), plain, prefix, bases })
}

fn compress(encoder: &Encoder, drafts: &[Draft], workers: usize) -> Vec<(Codec, Vec<u8>)> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(drafts.len()));
    let work = || {
        while let Some((number, draft)) = {
            let number = next.fetch_add(1, Ordering::Relaxed);
            drafts.get(number).map(|draft| (number, draft))
        } {
            let encoded = encoder.encode(&draft.plain, &draft.prefix);
            let mut results = results.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            results.push((number, encoded));
        }
    };
    std::thread::scope(|scope| {
        (1..workers.min(drafts.len())).for_each(|_| {
            scope.spawn(work);
        });
        work();
    });
    let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_unstable_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, encoded)| encoded).collect()
}
