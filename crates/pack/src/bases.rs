//! Which chunks a block is compressed against: chosen by content, never by path. Of those chosen, paths tell which lie in files that the block has
//! little to do with.
//!
//! Sampled shingles (hashes of 32 bytes) of all chunks that may be bases are kept in a map; a block takes the chunks that
//! share most shingles with it. The choice affects size only, never correctness, so this may change without a new format.
//! What was measured is told in `docs/format/pack.md`, "Bases".

mod files;
mod shingles;
mod similar;
mod spread;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::limits::BASES_CHUNKS_MAX;
use crate::numbers::{index, size};
use crate::table::{BaseRun, BaseSpace, ChunkRun};
use files::Cover;
use shingles::{Shingle, Shingler};
use similar::Similar;
use spread::Spread;

pub(crate) use files::Files;

/// A chunk that may be a base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Candidate {
    space: BaseSpace,
    chunk: u32,
}

/// A chunk that a block is based on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) space: BaseSpace,
    pub(crate) chunk: u32,
    pub(crate) bytes: usize,
    /// Whether it belongs to the files that the block has most of its bases in. All do where that does not matter.
    pub(crate) is_near: bool,
}

/// Remembers what may be a base and chooses bases for blocks.
#[derive(Debug)]
pub(crate) struct BaseChooser {
    shingler: Shingler,
    similar: Similar,
    /// Length of each old chunk; the old chunks are candidates from 0 on.
    old_lengths: Vec<u32>,
    /// Length of each new chunk that is a candidate, else 0.
    new_lengths: Vec<u32>,
    found: Vec<Shingle>,
    /// Where it matters of which files the bases are.
    files: Option<Files>,
    /// Where little else is to be read for a block.
    spread: Option<Spread>,
    /// What the block needs for which bases were chosen last.
    needed: u128,
}

impl BaseChooser {
    /// For about `expected_bytes` of candidates, and a new version of `new_chunks` chunks. Memory: at most 88 MiB for the
    /// map, whatever the input, and four bytes a chunk; as many again where files are told apart.
    pub(crate) fn new(expected_bytes: u64, new_chunks: u32) -> Self {
        Self {
            shingler: Shingler::new(),
            similar: Similar::new(expected_bytes),
            old_lengths: Vec::new(),
            new_lengths: vec![0; index(new_chunks)],
            found: Vec::new(),
            files: None,
            spread: None,
            needed: 0,
        }
    }

    /// Lets no block need more than a few others: for bundles that are read file by file.
    pub(crate) fn keep_close(mut self) -> Self {
        self.spread = Some(Spread::new(u32::try_from(self.new_lengths.len()).unwrap_or(u32::MAX)));
        self
    }

    /// Tells bases apart that lie in files which a block has little to do with: for bundles of which a device may use a part.
    pub(crate) fn tell_files_apart(mut self, files: Files) -> Self {
        self.files = Some(files);
        self
    }

    /// Whether it begins anew now and then, see [`Self::restart`]. Not in a delta, which that would only make larger: whoever uses a part of one
    /// holds other files, and not the beginning.
    pub(crate) const fn keeps_close(&self) -> bool {
        self.spread.is_some()
    }

    /// Forgets every candidate.
    pub(crate) fn restart(&mut self) {
        self.similar.clear();
        self.new_lengths.fill(0);
        self.spread.iter_mut().for_each(Spread::clear);
    }

    /// Remembers the next chunk of the old version, from 0 on.
    pub(crate) fn add_old(&mut self, bytes: &[u8]) {
        let chunk = u32::try_from(self.old_lengths.len()).expect("CHUNKS_MAX fits 32 bits");
        self.old_lengths.push(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.add(Candidate { space: BaseSpace::Old, chunk }, bytes);
    }

    /// Remembers a chunk that an earlier block holds.
    pub(crate) fn add_new(&mut self, chunk: u32, bytes: &[u8]) {
        if let Some(length) = self.new_lengths.get_mut(index(chunk)) {
            *length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        }
        self.add(Candidate { space: BaseSpace::New, chunk }, bytes);
    }

    /// Tells that `chunks` are a block with about so many bytes stored and the bases that were chosen last.
    pub(crate) fn end_block(&mut self, chunks: &[u32], stored_bytes: u64) {
        if let Some(spread) = &mut self.spread {
            spread.push(chunks, self.needed, stored_bytes);
        }
    }

    fn add(&mut self, candidate: Candidate, bytes: &[u8]) {
        self.shingler.find(bytes, self.similar.zeros_min(), &mut self.found);
        for shingle in &self.found {
            self.similar.insert(*shingle, candidate);
        }
    }

    /// Bases of at most `budget_bytes` for a block of these bytes: a greedy cover of its shingles, then the neighbours of old
    /// chunks, sorted.
    pub(crate) fn choose(&mut self, plain: &[u8], budget_bytes: usize) -> Vec<Base> {
        let mut covers = self.covers(plain);
        let mut heap: BinaryHeap<_> = covers
            .iter()
            .map(|(candidate, shingles)| (shingles.len(), Reverse(*candidate)))
            .collect();
        let mut covered = HashSet::new();
        let mut picked = HashSet::new();
        let mut cover = Cover::default();
        let mut bytes = 0;
        self.needed = 0;
        while let Some((claimed, Reverse(candidate))) = heap.pop() {
            let Some(shingles) = covers.get_mut(&candidate) else { continue };
            shingles.retain(|shingle| !covered.contains(shingle));
            let gain = shingles.len();
            if gain == 0 {
                continue;
            }
            if gain < claimed {
                heap.push((gain, Reverse(candidate)));
                continue;
            }
            let length = self.length(candidate);
            if bytes + length > budget_bytes || size(picked.len()) >= BASES_CHUNKS_MAX {
                break;
            }
            if let (BaseSpace::New, Some(spread)) = (candidate.space, &self.spread) {
                let Some(needed) = spread.with(self.needed, candidate.chunk) else { continue };
                self.needed = needed;
            }
            bytes += length;
            if let Some(files) = &self.files {
                cover.add(files.of(candidate), gain);
            }
            covered.extend(shingles.drain(..));
            picked.insert(candidate);
        }
        self.add_neighbours(&mut picked, budget_bytes - bytes);
        self.told_apart(picked, &cover)
    }

    /// Sorted; near are all where files are not told apart, or those near are too little alone.
    fn told_apart(&self, picked: HashSet<Candidate>, cover: &Cover) -> Vec<Base> {
        let mut picked: Vec<_> = picked.into_iter().collect();
        picked.sort_unstable();
        let near = self.files.as_ref().and_then(|files| Some((files, cover.near()?)));
        let is_near = |candidate| {
            near.as_ref().is_none_or(|(files, near)| near.contains(&files.of(candidate)))
        };
        let base = |candidate: Candidate| Base {
            space: candidate.space,
            chunk: candidate.chunk,
            bytes: self.length(candidate),
            is_near: is_near(candidate),
        };
        picked.into_iter().map(base).collect()
    }

    fn length(&self, candidate: Candidate) -> usize {
        let lengths = match candidate.space {
            BaseSpace::Old => &self.old_lengths,
            BaseSpace::New => &self.new_lengths,
        };
        index(lengths.get(index(candidate.chunk)).copied().unwrap_or(0))
    }

    /// For each candidate the shingles of the block that it has too.
    fn covers(&mut self, plain: &[u8]) -> HashMap<Candidate, Vec<u32>> {
        let mut covers: HashMap<Candidate, Vec<u32>> = HashMap::new();
        self.shingler.find(plain, self.similar.zeros_min(), &mut self.found);
        for (number, shingle) in (0..).zip(&self.found) {
            for candidate in self.similar.of(*shingle) {
                covers.entry(candidate).or_default().push(number);
            }
        }
        covers
    }

    /// What sampling misses at the edges of a picked old chunk mostly lies in the chunks beside it.
    fn add_neighbours(&self, picked: &mut HashSet<Candidate>, mut room: usize) {
        let mut centres: Vec<_> =
            picked.iter().filter(|c| c.space == BaseSpace::Old).copied().collect();
        centres.sort_unstable();
        for centre in centres {
            let around = [centre.chunk.checked_sub(1), centre.chunk.checked_add(1)];
            for chunk in around.into_iter().flatten() {
                let neighbour = Candidate { space: BaseSpace::Old, chunk };
                let length = self.length(neighbour);
                let fits = (1..=room).contains(&length) && size(picked.len()) < BASES_CHUNKS_MAX;
                if fits && picked.insert(neighbour) {
                    room -= length;
                }
            }
        }
    }
}

/// Bases in their order as runs.
pub(crate) fn runs(bases: &[Base]) -> Vec<BaseRun> {
    let mut runs: Vec<BaseRun> = Vec::new();
    for base in bases {
        match runs.last_mut() {
            Some(BaseRun { space, run })
                if *space == base.space && run.first + run.count == base.chunk =>
            {
                run.count += 1;
            }
            _ => runs
                .push(BaseRun { space: base.space, run: ChunkRun { first: base.chunk, count: 1 } }),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: usize = 1 << 22;

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
        let mut chooser = BaseChooser::new(0, 20);
        for chunk in 0..20 {
            chooser.add_old(&noise(chunk, 32_768));
        }
        let mut edited = noise(7, 32_768);
        edited.splice(1_000..1_000, *b"inserted");
        let bases = chooser.choose(&edited, BUDGET);
        // Chunk 7 with its neighbours.
        assert_eq!(
            runs(&bases),
            [BaseRun { space: BaseSpace::Old, run: ChunkRun { first: 6, count: 3 } }]
        );
        assert!(chooser.choose(&noise(99, 32_768), BUDGET).is_empty());
    }

    #[test]
    fn a_restart_forgets_what_was_published_before() {
        let mut chooser = BaseChooser::new(0, 20);
        let bytes = noise(1, 100_000);
        chooser.add_new(0, &bytes);
        assert!(!chooser.choose(&bytes, BUDGET).is_empty());
        chooser.restart();
        assert!(chooser.choose(&bytes, BUDGET).is_empty());
    }
}
