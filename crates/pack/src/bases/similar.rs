//! A map from shingles to chunks that takes no more memory than it was given: when it is full it keeps every second
//! shingle, and from then on takes only such.

use super::Candidate;
use super::shingles::Shingle;
use crate::numbers::index;
use crate::table::BaseSpace;

/// Chunks remembered for one shingle: at most so many of the old version, and so many in all.
const OLD_PER_SHINGLE: u32 = 8;
const ALL_PER_SHINGLE: u32 = 16;
/// Sampling of a small pack: 1 position in 64.
const ZEROS_MIN: u8 = 6;
/// Places for entries of 8 bytes: 88 MiB. `Ours:` with two workers at `small` and the trees of 8 GiB old and new this
/// stays below 300 MiB.
const PLACES_MAX: u64 = 11 << 20;
const PLACES_FIRST: u64 = 1 << 10;
const FREE: u64 = 0;

/// An entry is: 32 bits key, 4 bits zeros above [`ZEROS_MIN`], 1 bit space, 27 bits chunk.
const CHUNK_BITS: u32 = 27;
const ZEROS_SHIFT: u32 = CHUNK_BITS + 1;
const KEY_SHIFT: u32 = 32;

/// Open addressing: a shingle's entries stand at its place and the next ones.
#[derive(Debug)]
pub(super) struct Similar {
    places: Vec<u64>,
    used: usize,
    places_max: u64,
    zeros_min: u8,
}

impl Similar {
    /// A map for about `expected_bytes` of chunks, which sets the sampling.
    pub(super) fn new(expected_bytes: u64) -> Self {
        Self::within(expected_bytes, PLACES_MAX)
    }

    fn within(expected_bytes: u64, places_max: u64) -> Self {
        let mut zeros_min = ZEROS_MIN;
        // At half load there is room for data that has more shingles than its size promises.
        while expected_bytes >> zeros_min > places_max / 2 && zeros_min < ZEROS_MIN + 15 {
            zeros_min += 1;
        }
        let expected = (expected_bytes >> zeros_min) * 2;
        let places = expected.clamp(PLACES_FIRST.min(places_max), places_max);
        Self { places: free(places), used: 0, places_max, zeros_min }
    }

    /// Leading zero bits that a shingle needs to be in the sample.
    pub(super) const fn zeros_min(&self) -> u8 {
        self.zeros_min
    }

    pub(super) fn clear(&mut self) {
        self.places.fill(FREE);
        self.used = 0;
    }

    /// Remembers that `candidate` has `shingle`, unless enough others have it already.
    pub(super) fn insert(&mut self, shingle: Shingle, candidate: Candidate) {
        if shingle.zeros < self.zeros_min {
            return;
        }
        let (mut old, mut all) = (0, 0);
        self.of(shingle).for_each(|other| {
            all += 1;
            old += u32::from(other.space == BaseSpace::Old);
        });
        let room = match candidate.space {
            BaseSpace::Old => old < OLD_PER_SHINGLE,
            BaseSpace::New => all < ALL_PER_SHINGLE,
        };
        if !room {
            return;
        }
        if (self.used + 1) * 4 > self.places.len() * 3 {
            self.make_room();
            if shingle.zeros < self.zeros_min {
                return;
            }
        }
        self.put(entry(shingle, candidate));
    }

    /// The chunks that have `shingle`.
    pub(super) fn of(&self, shingle: Shingle) -> impl Iterator<Item = Candidate> {
        let start = self.home(u64::from(shingle.key));
        let (after, before) = (self.places.get(start..), self.places.get(..start));
        let entries = after.into_iter().chain(before).flatten().take_while(|entry| **entry != FREE);
        entries.filter(move |entry| *entry >> KEY_SHIFT == u64::from(shingle.key)).map(|entry| {
            let space = if entry >> CHUNK_BITS & 1 == 0 { BaseSpace::Old } else { BaseSpace::New };
            let chunk = u32::try_from(entry & ((1 << CHUNK_BITS) - 1)).unwrap_or(0);
            Candidate { space, chunk }
        })
    }

    fn home(&self, key: u64) -> usize {
        let places = u64::try_from(self.places.len()).unwrap_or(u64::MAX);
        usize::try_from((key * places) >> 32).unwrap_or(0)
    }

    fn put(&mut self, entry: u64) {
        let mut place = self.home(entry >> KEY_SHIFT);
        while let Some(taken) = self.places.get_mut(place) {
            if *taken == FREE {
                *taken = entry;
                self.used += 1;
                return;
            }
            place = if place + 1 == self.places.len() { 0 } else { place + 1 };
        }
    }

    /// Twice the places, or at their limit half the shingles.
    fn make_room(&mut self) {
        let places = u64::try_from(self.places.len()).unwrap_or(u64::MAX);
        let doubled = (places * 2).min(self.places_max);
        let kept: Vec<u64> = if doubled > places {
            std::mem::replace(&mut self.places, free(doubled))
        } else {
            let zeros_min = self.zeros_min + 1;
            self.zeros_min = zeros_min;
            let rare = |entry: &u64| {
                *entry != FREE && entry >> ZEROS_SHIFT & 15 >= u64::from(zeros_min - ZEROS_MIN)
            };
            let kept = self.places.iter().copied().filter(rare).collect();
            self.places.fill(FREE);
            kept
        };
        self.used = 0;
        kept.into_iter().filter(|entry| *entry != FREE).for_each(|entry| self.put(entry));
    }
}

fn free(places: u64) -> Vec<u64> {
    vec![FREE; index(u32::try_from(places).unwrap_or(u32::MAX))]
}

fn entry(shingle: Shingle, candidate: Candidate) -> u64 {
    let zeros = u64::from(shingle.zeros.saturating_sub(ZEROS_MIN).min(15));
    u64::from(shingle.key) << KEY_SHIFT
        | zeros << ZEROS_SHIFT
        | u64::from(candidate.space == BaseSpace::New) << CHUNK_BITS
        | u64::from(candidate.chunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shingle(number: u32) -> Shingle {
        let key = number.wrapping_mul(2_654_435_761).max(1);
        let zeros = u8::try_from(key.trailing_zeros()).expect("at most 32");
        Shingle { key, zeros: ZEROS_MIN + zeros }
    }

    #[test]
    fn a_full_map_keeps_the_rarer_shingles_and_grows_no_further() {
        let mut map = Similar::within(1 << 20, 1 << 12);
        let start = map.zeros_min();
        for number in 0..100_000 {
            map.insert(shingle(number), Candidate { space: BaseSpace::New, chunk: number });
        }
        assert!(map.zeros_min() > start, "the sampling became thinner");
        assert!(map.places.len() <= 1 << 12);
        let found = |number| map.of(shingle(number)).any(|found| found.chunk == number);
        for number in 0..100_000 {
            assert_eq!(found(number), shingle(number).zeros >= map.zeros_min(), "{number}");
        }
    }

    #[test]
    fn a_shingle_of_many_chunks_keeps_the_first_few() {
        let mut map = Similar::within(0, 1 << 12);
        let insert = |map: &mut Similar, space, chunk| {
            map.insert(shingle(3), Candidate { space, chunk });
        };
        (0..100).for_each(|chunk| insert(&mut map, BaseSpace::Old, chunk));
        (0..100).for_each(|chunk| insert(&mut map, BaseSpace::New, chunk));
        let count = |space| map.of(shingle(3)).filter(|found| found.space == space).count();
        assert_eq!((count(BaseSpace::Old), count(BaseSpace::New)), (8, 8));
    }
}
