//! The planner: what a device fetches to get from what it holds to what it wants.
//!
//! Pure: no I/O, no clock. A plan is a value that can be printed before anything happens (`--dry-run`, `explain`) and is
//! then carried out by somebody else.
//!
//! - [`alternatives`]: what the catalog alone tells.
//! - [`chains`]: deltas one after the other, by way of versions that are no longer offered.
//! - [`choose`]: which blocks of which bundles, once their tables are known.

mod chain;
mod choice;
mod graph;
mod pieces;
mod single;

use headstart_model::catalog::CatalogPack;
use headstart_model::{Digest, PackVersion};

pub use chain::{Chain, Hop, chains};
pub use choice::{Choice, Offer, Wish, choose};
pub use pieces::{Pieces, PiecesBuilder, SPACES_MAX, Space};

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
    /// More blocks and bases than may be looked at together.
    #[error("there are too many blocks to plan with")]
    TooLarge,
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
    /// Whatever of several bundles completes what is held at the least cost: the full bundle, deltas whose bases are here,
    /// deltas one after the other.
    Mixed,
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
        Some((delta.bytes, held))
    });
    let mut deltas: Vec<_> = deltas.filter(|(bytes, _)| *bytes <= full_bytes).collect();
    deltas.sort_by_key(|(bytes, _)| *bytes);
    let delta =
        |(bytes, held): (u64, &HeldVersion)| Alternative::Delta { held: held.clone(), bytes };
    ways.extend(deltas.into_iter().map(delta));
    if !held.is_empty() {
        ways.push(Alternative::Mixed);
    }
    ways.push(Alternative::Full { bytes: full_bytes });
    ways
}
