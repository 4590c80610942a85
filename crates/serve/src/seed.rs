//! Draws that depend on a seed alone, so that a run with faults or loss can be repeated.

/// The finaliser of `SplitMix64`: one well mixed number for each input.
///
/// Ours: a decision has to be a function of (seed, place, count) without state, so that the
/// n-th request meets the same fate whatever happened on other connections.
const fn finalise(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// One number drawn from a seed, a place (rule, connection) and a count at that place.
pub(crate) const fn mix(seed: u64, place: u64, count: u64) -> u64 {
    let place = finalise(seed.wrapping_add(STEP).wrapping_add(place.wrapping_mul(STEP)));
    finalise(place.wrapping_add(count.wrapping_mul(STEP)).wrapping_add(STEP))
}

/// A sequence of draws.
#[derive(Debug, Clone)]
pub(crate) struct Draws {
    state: u64,
}

impl Draws {
    pub(crate) const fn new(seed: u64, place: u64) -> Self {
        Self { state: mix(seed, place, 0) }
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        finalise(self.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_the_same_sequence_and_another_seed_another() {
        let sequence = |seed| {
            let mut draws = Draws::new(seed, 3);
            [draws.next(), draws.next(), draws.next()]
        };
        assert_eq!(sequence(1), sequence(1));
        assert_ne!(sequence(1), sequence(2));
    }

    #[test]
    fn neighbouring_counts_and_places_are_unrelated() {
        assert_ne!(mix(0, 0, 1), mix(0, 1, 0));
        let low_bits = (0..1_000).filter(|n| mix(7, 0, *n).is_multiple_of(2)).count();
        assert!((400..600).contains(&low_bits), "{low_bits} of 1000 even");
    }
}
