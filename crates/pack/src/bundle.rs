//! Making a bundle: blocks read, based, compressed on all cores, written in order.

mod groups;
mod level;

use std::io::Write;
use std::ops::ControlFlow;

use headstart_model::{Digest, DigestHasher};

use crate::bases::{self, BaseChooser};
use crate::blocks::{self, Draft};
use crate::codec::{self, Codec};
use crate::error::BuildError;
use crate::limits::BASES_BYTES_BUDGET;
use crate::numbers::size;
use crate::ordered::{self, Stages};
use crate::source::ChunkSource;
use crate::table::{BaseSpace, Block, BlockTable};
use groups::Groups;

pub(crate) use level::{BundleKind, Reach, Tuning};
pub use level::{Level, UnknownLevel};

/// Memory for compressing, all threads together, in bytes. `Ours:` with the chooser's map and the trees of 8 GiB old and
/// new the whole stays below 300 MiB.
const WORKERS_BYTES: u64 = 128 << 20;

/// Told how many plain bytes are done; may break off.
pub type Progress<'a> = &'a mut dyn FnMut(u64) -> ControlFlow<()>;

/// What a bundle is made of.
pub(crate) struct BundleInput<'a> {
    /// The chunks of each block.
    pub(crate) blocks: Vec<Vec<u32>>,
    /// `None` for blocks without bases.
    pub(crate) chooser: Option<BaseChooser>,
    pub(crate) new: &'a mut dyn ChunkSource,
    pub(crate) old: &'a mut dyn ChunkSource,
    pub(crate) level: Level,
    pub(crate) kind: BundleKind,
}

pub(crate) struct WrittenBundle {
    pub(crate) table: BlockTable,
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
}

/// Writes the blocks to `out`. Memory: [`WORKERS_BYTES`], one block with its bases, and the chooser's map. The bytes written
/// do not depend on the number of cores.
pub(crate) fn write_bundle(
    mut input: BundleInput<'_>,
    out: &mut dyn Write,
    progress: Progress<'_>,
) -> Result<WrittenBundle, BuildError> {
    let effort = (input.level, input.kind);
    let blocks = std::mem::take(&mut input.blocks);
    let mut making = Making {
        table: Vec::with_capacity(blocks.len()),
        blocks: blocks.into_iter(),
        groups: input.chooser.as_ref().is_some_and(BaseChooser::keeps_close).then(Groups::default),
        input,
        out,
        progress,
        hasher: DigestHasher::new(),
        bytes: 0,
        plain_done: 0,
    };
    ordered::run(&mut making, workers(effort), |draft: Draft| compress(effort, draft))?;
    let Making { table, hasher, bytes, .. } = making;
    Ok(WrittenBundle { table: BlockTable::new(table), digest: hasher.finish(), bytes })
}

/// As many as there are cores, within [`WORKERS_BYTES`].
fn workers((level, kind): (Level, BundleKind)) -> usize {
    let fit = usize::try_from(WORKERS_BYTES / level.worker_bytes(kind)).unwrap_or(usize::MAX);
    ordered::cores().min(fit).max(1)
}

/// A block with its bytes.
struct Finished {
    block: Block,
    stored: Vec<u8>,
    plain_bytes: usize,
}

struct Making<'a, 'o> {
    blocks: std::vec::IntoIter<Vec<u32>>,
    input: BundleInput<'a>,
    /// `None` where earlier blocks are no bases, or bases without end.
    groups: Option<Groups>,
    out: &'o mut dyn Write,
    progress: Progress<'o>,
    table: Vec<Block>,
    hasher: DigestHasher,
    bytes: u64,
    plain_done: u64,
}

impl Stages for Making<'_, '_> {
    type Job = Draft;
    type Done = Result<Finished, BuildError>;

    fn next(&mut self) -> Result<Option<Draft>, BuildError> {
        let Some(chunks) = self.blocks.next() else { return Ok(None) };
        if let (Some(groups), Some(chooser)) = (&mut self.groups, &mut self.input.chooser)
            && groups.restarts()
        {
            chooser.restart();
        }
        let draft = draft(&mut self.input, chunks)?;
        if let Some(groups) = &mut self.groups {
            let stored = groups.chosen(draft.plain.len(), codec::look(&draft.plain)?);
            self.input
                .chooser
                .iter_mut()
                .for_each(|chooser| chooser.end_block(&draft.chunks, stored));
        }
        Ok(Some(draft))
    }

    fn take(&mut self, done: Self::Done) -> Result<(), BuildError> {
        let done = done?;
        self.out.write_all(&done.stored).map_err(BuildError::Write)?;
        self.hasher.update(&done.stored);
        self.bytes += size(done.stored.len());
        if let Some(groups) = &mut self.groups {
            groups.written(done.stored.len());
        }
        self.table.push(done.block);
        self.plain_done += size(done.plain_bytes);
        if (self.progress)(self.plain_done).is_break() {
            return Err(BuildError::Cancelled);
        }
        Ok(())
    }
}

/// Reads a block's chunks, chooses its bases, and makes its chunks bases for later blocks.
fn draft(input: &mut BundleInput<'_>, chunks: Vec<u32>) -> Result<Draft, BuildError> {
    let mut plain = Vec::new();
    let mut ends = Vec::with_capacity(chunks.len());
    for chunk in &chunks {
        input.new.read_chunk(*chunk, &mut plain)?;
        ends.push(plain.len());
    }
    let Some(chooser) = &mut input.chooser else {
        return Ok(Draft::alone(chunks, plain));
    };
    let bases = chooser.choose(&plain, BASES_BYTES_BUDGET.saturating_sub(plain.len()));
    let mut start = 0;
    for (chunk, end) in chunks.iter().zip(ends) {
        chooser.add_new(*chunk, plain.get(start..end).unwrap_or_default());
        start = end;
    }
    let mut prefix = Vec::new();
    for base in &bases {
        match base.space {
            BaseSpace::Old => input.old.read_chunk(base.chunk, &mut prefix)?,
            BaseSpace::New => input.new.read_chunk(base.chunk, &mut prefix)?,
        }
    }
    Ok(Draft { chunks, plain, bases, prefix })
}

fn compress(effort: (Level, BundleKind), mut draft: Draft) -> Result<Finished, BuildError> {
    let plain_bytes = draft.plain.len();
    let (codec, stored) = match draft.near_prefix() {
        None => codec::encode(effort, draft.plain, &draft.prefix)?,
        Some(near) => {
            let prefixes = (&*near, &*draft.prefix);
            let (near_are_enough, form) =
                codec::encode_with_fewest(effort.0, draft.plain, prefixes)?;
            draft.bases.retain(|base| base.is_near || !near_are_enough);
            form
        }
    };
    let block = Block {
        runs: blocks::runs(&draft.chunks),
        bases: if codec == Codec::Stored { Vec::new() } else { bases::runs(&draft.bases) },
        codec,
        stored_bytes: u32::try_from(stored.len()).expect("a block is far below 4 GiB"),
        digest: Digest::of(&stored),
    };
    Ok(Finished { block, stored, plain_bytes })
}
