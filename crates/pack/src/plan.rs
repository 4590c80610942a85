//! The planner: what a device fetches to get from what it holds to what it wants.
//!
//! Pure: no I/O, no clock. A plan is a value that can be printed before anything happens (`--dry-run`, `explain`) and is
//! then carried out by somebody else.

use headstart_model::catalog::CatalogPack;
use headstart_model::{Digest, PackVersion};

use crate::chunk_set::ChunkSet;
use crate::table::{BaseSpace, BlockTable};
use crate::tree::Tree;

/// What a request costs besides its bytes, so that far blocks are not each fetched by themselves and near ones not together
/// with everything between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkCosts {
    /// Bytes that could have been received in the time that one more request takes.
    pub request_bytes: u64,
    /// Longest range of one request in bytes.
    pub range_bytes_max: u64,
}

impl Default for LinkCosts {
    /// A link of 10 Mbit/s and 50 ms; requests of at most 64 MiB.
    fn default() -> Self {
        Self { request_bytes: 64 * 1024, range_bytes_max: 64 * 1024 * 1024 }
    }
}

/// Bytes of a file: `start` up to, not including, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

impl ByteRange {
    /// Number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.end - self.start
    }
}

/// One block to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedBlock {
    /// Its number in the table.
    pub number: u32,
    /// Where it lies in the bundle file.
    pub range: ByteRange,
    /// Its digest.
    pub digest: Digest,
}

/// What is fetched from one bundle.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FetchPlan {
    /// The blocks, in the order of the file, which is also the order in which they can be opened.
    pub blocks: Vec<PlannedBlock>,
    /// The requests: blocks joined where the gap costs less than a request.
    pub ranges: Vec<ByteRange>,
    /// Bytes of all ranges, gaps included.
    pub bytes_down: u64,
    /// Bytes of chunks that come from what the device holds.
    pub bytes_reused: u64,
    /// Bytes of chunks that come from the fetched blocks.
    pub bytes_new: u64,
}

/// Why no plan can be made from this bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A chunk is wanted that the device does not hold and the bundle does not yield.
    #[error("the bundle lacks chunk {chunk}, which is not on the device either")]
    Lacking {
        /// The chunk.
        chunk: u32,
    },
}

/// Plans the fetching of every chunk of `tree` that is not `held`, from the bundle of `table` whose blocks begin at
/// `head_bytes` of its file. Blocks that others are based on are fetched too, unless what they yield is held.
///
/// Cost: linear in chunks and base runs.
///
/// # Errors
/// [`PlanError::Lacking`] when the bundle cannot complete what is held.
pub fn plan_fetch(
    tree: &Tree,
    table: &BlockTable,
    head_bytes: u64,
    held: &ChunkSet,
    costs: LinkCosts,
) -> Result<FetchPlan, PlanError> {
    let wanted = wanted_blocks(tree, table, held)?;
    let mut plan = FetchPlan::default();
    for (number, offset, block) in table.with_offsets() {
        if !wanted.contains(number) {
            continue;
        }
        let start = head_bytes + offset;
        let range = ByteRange { start, end: start + u64::from(block.stored_bytes) };
        plan.blocks.push(PlannedBlock { number, range, digest: block.digest });
        push_range(&mut plan.ranges, range, costs);
    }
    plan.bytes_down = plan.ranges.iter().map(|range| range.bytes()).sum();
    plan.bytes_reused = held.iter().map(|chunk| u64::from(tree.chunk_bytes(chunk))).sum();
    plan.bytes_new = tree.unique_bytes() - plan.bytes_reused;
    Ok(plan)
}

fn push_range(ranges: &mut Vec<ByteRange>, next: ByteRange, costs: LinkCosts) {
    match ranges.last_mut() {
        Some(last)
            if next.start - last.end <= costs.request_bytes
                && next.end - last.start <= costs.range_bytes_max =>
        {
            last.end = next.end;
        }
        _ => ranges.push(next),
    }
}

/// The blocks that yield what is missing, and those that they are based on. Bases lie in earlier blocks, so one pass from
/// the last block to the first finds all.
fn wanted_blocks(tree: &Tree, table: &BlockTable, held: &ChunkSet) -> Result<ChunkSet, PlanError> {
    let blocks = u32::try_from(table.blocks().len()).unwrap_or(u32::MAX);
    let mut wanted = ChunkSet::empty(blocks);
    let mut yielded = held.clone();
    let mut needed = ChunkSet::empty(tree.chunk_count());
    (0..tree.chunk_count()).filter(|chunk| !held.contains(*chunk)).for_each(|chunk| {
        needed.insert(chunk);
    });
    for (number, block) in (0..blocks).zip(table.blocks()).rev() {
        if !block.chunks().any(|chunk| needed.contains(chunk)) {
            continue;
        }
        wanted.insert(number);
        block.chunks().for_each(|chunk| {
            yielded.insert(chunk);
        });
        let bases = block.bases.iter().filter(|base| base.space == BaseSpace::New);
        for chunk in bases.flat_map(|base| base.run.chunks()) {
            if !held.contains(chunk) {
                needed.insert(chunk);
            }
        }
    }
    match (0..tree.chunk_count()).find(|chunk| !yielded.contains(*chunk)) {
        Some(chunk) => Err(PlanError::Lacking { chunk }),
        None => Ok(wanted),
    }
}

/// A version on the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldVersion {
    /// Its number.
    pub version: PackVersion,
    /// Its content.
    pub content: Digest,
}

/// A way to get a version, with what it costs at most when nothing of it was fetched yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alternative {
    /// Nothing is fetched: a version of the same content is here already.
    Same {
        /// The version held.
        held: HeldVersion,
    },
    /// The delta bundle from a version that is held.
    Delta {
        /// The version held.
        held: HeldVersion,
        /// Bytes to fetch: the whole delta bundle.
        bytes: u64,
    },
    /// The full bundle, its chunks matched by name against what is held: blocks of which everything is held are left out.
    Matched {
        /// Bytes of the index with its names; those of the bundle depend on what matches.
        index_bytes: u64,
    },
    /// Index and full bundle.
    Full {
        /// Bytes to fetch.
        bytes: u64,
    },
}

/// The ways to get `pack`, best first. What comes first may turn out impossible (a damaged old version, a file that the
/// server no longer has); then the next is taken. The last is always [`Alternative::Full`].
#[must_use]
pub fn alternatives(pack: &CatalogPack, held: &[HeldVersion]) -> Vec<Alternative> {
    let full_bytes = pack.index.structure_bytes.saturating_add(pack.full.bytes);
    let mut ways = Vec::new();
    if let Some(same) = held.iter().find(|held| held.content == pack.content) {
        ways.push(Alternative::Same { held: same.clone() });
    }
    let deltas = held.iter().filter_map(|held| {
        let delta = pack.delta_from(held.version, &held.content)?;
        Some(Alternative::Delta { held: held.clone(), bytes: delta.bytes })
    });
    let mut deltas: Vec<_> = deltas.collect();
    deltas.sort_by_key(|way| match way {
        Alternative::Delta { bytes, .. } => *bytes,
        _ => u64::MAX,
    });
    ways.extend(
        deltas
            .into_iter()
            .filter(|way| matches!(way, Alternative::Delta { bytes, .. } if *bytes <= full_bytes)),
    );
    if !held.is_empty() {
        ways.push(Alternative::Matched {
            index_bytes: pack.index.structure_bytes.saturating_add(pack.index.names_bytes),
        });
    }
    ways.push(Alternative::Full { bytes: full_bytes });
    ways
}

#[cfg(test)]
mod tests {
    use headstart_model::PackPath;
    use proptest::prelude::*;

    use super::*;
    use crate::codec::Codec;
    use crate::table::{BaseRun, Block, ChunkRun};
    use crate::tree::TreeBuilder;

    /// A tree of `blocks` × `per_block` chunks of 10 bytes, and a table of blocks that may be based on earlier chunks.
    fn world(blocks: u32, per_block: u32, bases: &[Option<u32>]) -> (Tree, BlockTable) {
        let mut builder = TreeBuilder::new();
        let names = (0..blocks * per_block).map(|n| (Digest::of(&n.to_le_bytes()), 10));
        builder.file(&PackPath::new("f").expect("fine"), false, names).expect("small");
        let table =
            (0..blocks).zip(bases.iter().chain(std::iter::repeat(&None))).map(|(n, base)| Block {
                runs: vec![ChunkRun { first: n * per_block, count: per_block }],
                bases: base
                    .filter(|base| *base < n * per_block)
                    .map(|first| BaseRun {
                        space: BaseSpace::New,
                        run: ChunkRun { first, count: 1 },
                    })
                    .into_iter()
                    .collect(),
                codec: Codec::Zstd,
                stored_bytes: 7,
                digest: Digest::of(&n.to_le_bytes()),
            });
        (builder.finish().tree().clone(), BlockTable::new(table.collect()))
    }

    proptest! {
        #[test]
        fn a_plan_carried_out_yields_every_chunk(
            blocks in 1_u32..12,
            per_block in 1_u32..4,
            bases in proptest::collection::vec(proptest::option::of(0_u32..40), 0..12),
            held in proptest::collection::vec(any::<bool>(), 48),
            request_bytes in 0_u64..30,
        ) {
            let (tree, table) = world(blocks, per_block, &bases);
            let mut have = ChunkSet::empty(tree.chunk_count());
            (0_u32..).zip(held).filter(|(_, held)| *held).for_each(|(chunk, _)| { have.insert(chunk); });
            let costs = LinkCosts { request_bytes, range_bytes_max: 1000 };
            let plan = plan_fetch(&tree, &table, 100, &have, costs).expect("the table yields everything");
            for block in &plan.blocks {
                prop_assert!(plan.ranges.iter().any(|r| r.start <= block.range.start && block.range.end <= r.end));
                let block = &table.blocks()[crate::numbers::index(block.number)];
                for base in block.bases.iter().flat_map(|base| base.run.chunks()) {
                    prop_assert!(have.contains(base), "a base is at hand when its block is opened");
                }
                block.chunks().for_each(|chunk| { have.insert(chunk); });
            }
            prop_assert!(have.is_complete());
            prop_assert!(plan.ranges.windows(2).all(|pair| pair[1].start - pair[0].end > request_bytes));
        }
    }

    #[test]
    fn what_nobody_has_is_named() {
        let (tree, _) = world(2, 1, &[]);
        let (_, table) = world(1, 1, &[]);
        let nothing = ChunkSet::empty(tree.chunk_count());
        let error = plan_fetch(&tree, &table, 0, &nothing, LinkCosts::default());
        assert_eq!(error, Err(PlanError::Lacking { chunk: 1 }));
    }

    #[test]
    fn nothing_is_fetched_for_what_is_held() {
        let (tree, table) = world(3, 2, &[]);
        let all = ChunkSet::full(tree.chunk_count());
        let plan = plan_fetch(&tree, &table, 0, &all, LinkCosts::default()).expect("fine");
        assert_eq!((plan.bytes_down, plan.bytes_reused, plan.bytes_new), (0, 60, 0));
    }
}
