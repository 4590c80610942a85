//! Shingles: hashes of 32 bytes at places that the content itself picks, so that equal stretches are sampled alike.

/// Bytes under the rolling hash: each byte shifts it by two bits, so that after 32 of them one has left.
const WINDOW_BYTES: usize = 32;

/// Finds the shingles of byte strings.
#[derive(Debug)]
pub(super) struct Shingler {
    gear: [u64; 256],
}

/// One sampled hash, mixed down: what the map keeps of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Shingle {
    /// Never 0: the map marks a free place so.
    pub(super) key: u32,
    /// Leading zero bits of the hash: the higher, the rarer. A sample of 1 in 2^n has the shingles with `zeros >= n`.
    pub(super) zeros: u8,
}

impl Shingler {
    /// A table of 256 fixed pseudo-random numbers (splitmix64 from 0).
    pub(super) fn new() -> Self {
        let mut state = 0_u64;
        let gear = std::array::from_fn(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        });
        Self { gear }
    }

    /// The different shingles of `bytes` with at least `zeros_min` leading zero bits (1 to 63), sorted, into `found`.
    pub(super) fn find(&self, bytes: &[u8], zeros_min: u8, found: &mut Vec<Shingle>) {
        found.clear();
        let limit = 1_u64 << (64 - u32::from(zeros_min));
        let mut hash = 0_u64;
        for (position, byte) in bytes.iter().enumerate() {
            let gear = self.gear.get(usize::from(*byte)).copied().unwrap_or(0);
            hash = (hash << 2).wrapping_add(gear);
            if hash < limit && position + 1 >= WINDOW_BYTES {
                found.push(Shingle::of(hash));
            }
        }
        found.sort_unstable();
        found.dedup();
    }
}

impl Shingle {
    fn of(hash: u64) -> Self {
        let mixed = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let key = u32::try_from(mixed).unwrap_or(u32::MAX).max(1);
        Self { key, zeros: u8::try_from(hash.leading_zeros()).unwrap_or(64) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thinner_sample_is_part_of_the_fuller_one() {
        let bytes: Vec<u8> = (0..200_000_u32)
            .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0] ^ n.to_le_bytes()[1])
            .collect();
        let (shingler, mut full, mut thin) = (Shingler::new(), Vec::new(), Vec::new());
        shingler.find(&bytes, 6, &mut full);
        shingler.find(&bytes, 8, &mut thin);
        full.retain(|shingle| shingle.zeros >= 8);
        assert!(!thin.is_empty());
        assert_eq!(full, thin);
    }
}
