//! Which chunks a block is compressed against: chosen by content, never by path.
//!
//! Sampled shingles (hashes of 32 bytes) of all chunks that may be bases are kept in a map; a block takes the chunks that
//! share most shingles with it. The choice affects size only, never correctness, so this may change without a new format.
//! What was measured is told in `docs/format/pack.md`, "Bases".

use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::limits::{BASES_BYTES_BUDGET, BASES_CHUNKS_MAX};
use crate::numbers::{index, size};
use crate::table::{BaseRun, BaseSpace, ChunkRun};

/// Chunks remembered for one shingle: at most so many of the old version, and so many in all.
const OLD_PER_SHINGLE: u32 = 8;
const ALL_PER_SHINGLE: u32 = 16;
/// A base has to cover at least so many shingles that no other base covers.
const GAIN_MIN: usize = 2;
/// No entry follows.
const END: u32 = u32::MAX;

/// A chunk that may be a base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Candidate {
    space: BaseSpace,
    chunk: u32,
}

#[derive(Debug)]
struct Link {
    candidate: Candidate,
    next: u32,
}

#[derive(Debug, Clone, Copy)]
struct List {
    head: u32,
    old: u32,
    all: u32,
}

/// Remembers what may be a base and chooses bases for blocks.
#[derive(Debug)]
pub(crate) struct BaseChooser {
    gear: [u64; 256],
    /// A position is a shingle when so many top bits of its hash are zero.
    sample_bits: u32,
    lists: HashMap<u64, List>,
    links: Vec<Link>,
    old_lengths: HashMap<u32, u32>,
    lengths: HashMap<Candidate, u32>,
}

impl BaseChooser {
    /// For about `expected_bytes` of candidates: the more, the thinner the sample, so that memory stays near 300 MiB.
    pub(crate) fn new(expected_bytes: u64) -> Self {
        let doublings = (expected_bytes >> 30).checked_ilog2().map_or(0, |log| log + 1);
        Self {
            gear: gear(),
            sample_bits: 7 + doublings,
            lists: HashMap::new(),
            links: Vec::new(),
            old_lengths: HashMap::new(),
            lengths: HashMap::new(),
        }
    }

    /// Forgets every candidate. Not in a delta: it is fetched and applied whole, so a restart would only make it larger.
    pub(crate) fn restart(&mut self) {
        if self.old_lengths.is_empty() {
            self.lists.clear();
            self.links.clear();
            self.lengths.clear();
        }
    }

    /// Remembers `bytes` of a chunk as a possible base.
    pub(crate) fn add(&mut self, space: BaseSpace, chunk: u32, bytes: &[u8]) {
        let candidate = Candidate { space, chunk };
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.lengths.insert(candidate, length);
        if space == BaseSpace::Old {
            self.old_lengths.insert(chunk, length);
        }
        for shingle in self.shingles(bytes) {
            let list = self.lists.entry(shingle).or_insert(List { head: END, old: 0, all: 0 });
            let room = match space {
                BaseSpace::Old => list.old < OLD_PER_SHINGLE,
                BaseSpace::New => list.all < ALL_PER_SHINGLE,
            };
            let Ok(link) = u32::try_from(self.links.len()) else { return };
            if room && link < END {
                self.links.push(Link { candidate, next: list.head });
                list.head = link;
                list.all += 1;
                list.old += u32::from(space == BaseSpace::Old);
            }
        }
    }

    /// Bases for a block of these bytes: a greedy cover of its shingles, then the neighbours of old chunks, sorted.
    pub(crate) fn choose(&self, plain: &[u8]) -> Vec<BaseRun> {
        let mut covers = self.covers(plain);
        let mut heap: BinaryHeap<_> = covers
            .iter()
            .map(|(candidate, shingles)| (shingles.len(), std::cmp::Reverse(*candidate)))
            .collect();
        let mut covered = HashSet::new();
        let mut picked = HashSet::new();
        let mut bytes = 0;
        while let Some((claimed, std::cmp::Reverse(candidate))) = heap.pop() {
            let Some(shingles) = covers.get_mut(&candidate) else { continue };
            shingles.retain(|shingle| !covered.contains(shingle));
            let gain = shingles.len();
            if gain < GAIN_MIN {
                continue;
            }
            if gain < claimed {
                heap.push((gain, std::cmp::Reverse(candidate)));
                continue;
            }
            let length = self.length(candidate);
            if bytes + length > BASES_BYTES_BUDGET || size(picked.len()) >= BASES_CHUNKS_MAX {
                break;
            }
            bytes += length;
            covered.extend(shingles.drain(..));
            picked.insert(candidate);
        }
        self.add_neighbours(&mut picked, bytes);
        runs(picked)
    }

    fn length(&self, candidate: Candidate) -> usize {
        index(self.lengths.get(&candidate).copied().unwrap_or(0))
    }

    /// For each candidate the shingles of the block that it has too.
    fn covers(&self, plain: &[u8]) -> HashMap<Candidate, Vec<u64>> {
        let mut covers: HashMap<Candidate, Vec<u64>> = HashMap::new();
        for shingle in self.shingles(plain) {
            let mut next = self.lists.get(&shingle).map_or(END, |list| list.head);
            while let Some(link) = self.links.get(index(next)) {
                covers.entry(link.candidate).or_default().push(shingle);
                next = link.next;
            }
        }
        covers
    }

    /// What sampling misses at the edges of a picked old chunk mostly lies in the chunks beside it.
    fn add_neighbours(&self, picked: &mut HashSet<Candidate>, mut bytes: usize) {
        let mut centres: Vec<_> =
            picked.iter().filter(|c| c.space == BaseSpace::Old).copied().collect();
        centres.sort_unstable();
        for centre in centres {
            let around = [centre.chunk.checked_sub(1), centre.chunk.checked_add(1)];
            for chunk in around.into_iter().flatten() {
                let Some(length) = self.old_lengths.get(&chunk).map(|length| index(*length)) else {
                    continue;
                };
                let neighbour = Candidate { space: BaseSpace::Old, chunk };
                let room =
                    bytes + length <= BASES_BYTES_BUDGET && size(picked.len()) < BASES_CHUNKS_MAX;
                if room && picked.insert(neighbour) {
                    bytes += length;
                }
            }
        }
    }

    /// The different shingles of `bytes`, in order of position.
    fn shingles(&self, bytes: &[u8]) -> Vec<u64> {
        let shift = 64 - self.sample_bits;
        let mut seen = HashSet::new();
        let mut hash = 0_u64;
        let hashes = bytes.iter().map(|byte| {
            // Two bits a byte: after 32 bytes a byte has left the hash, which makes the window.
            hash =
                (hash << 2).wrapping_add(self.gear.get(usize::from(*byte)).copied().unwrap_or(0));
            hash
        });
        hashes.skip(31).filter(|hash| hash >> shift == 0 && seen.insert(*hash)).collect()
    }
}

/// 256 fixed pseudo-random numbers (splitmix64 from 0).
fn gear() -> [u64; 256] {
    let mut state = 0_u64;
    std::array::from_fn(|_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

fn runs(picked: HashSet<Candidate>) -> Vec<BaseRun> {
    let mut picked: Vec<_> = picked.into_iter().collect();
    picked.sort_unstable();
    let mut runs: Vec<BaseRun> = Vec::new();
    for candidate in picked {
        match runs.last_mut() {
            Some(BaseRun { space, run })
                if *space == candidate.space && run.first + run.count == candidate.chunk =>
            {
                run.count += 1;
            }
            _ => runs.push(BaseRun {
                space: candidate.space,
                run: ChunkRun { first: candidate.chunk, count: 1 },
            }),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u64, bytes: usize) -> Vec<u8> {
        let mut state = seed;
        (0..bytes)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                state.to_be_bytes()[0]
            })
            .collect()
    }

    #[test]
    fn the_chunk_that_was_edited_is_found_among_others() {
        let mut chooser = BaseChooser::new(0);
        for chunk in 0..20 {
            chooser.add(BaseSpace::Old, chunk, &noise(u64::from(chunk), 32_768));
        }
        let mut edited = noise(7, 32_768);
        edited.splice(1_000..1_000, *b"inserted");
        let bases = chooser.choose(&edited);
        // Chunk 7 with its neighbours.
        assert_eq!(
            bases,
            [BaseRun { space: BaseSpace::Old, run: ChunkRun { first: 6, count: 3 } }]
        );
        assert!(chooser.choose(&noise(99, 32_768)).is_empty());
    }

    #[test]
    fn a_restart_forgets_what_was_published_before() {
        let mut chooser = BaseChooser::new(0);
        let bytes = noise(1, 100_000);
        chooser.add(BaseSpace::New, 0, &bytes);
        assert!(!chooser.choose(&bytes).is_empty());
        chooser.restart();
        assert!(chooser.choose(&bytes).is_empty());
    }
}
