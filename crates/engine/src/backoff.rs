//! How long to wait after a failure.

use crate::class::Class;

/// The longest wait between two attempts, in milliseconds: one hour. `Ours:` background downloads never give up, and an
/// hour is what a person may have to wait after a server came back without anybody asking.
pub const BACKOFF_MAX_MS: u64 = 60 * 60 * 1000;
/// The longest wait of an essential download, in milliseconds. `Spec: concepts 6`: essential waits a few seconds.
pub const ESSENTIAL_BACKOFF_MAX_MS: u64 = 4_000;

/// The longest wait for what has to be mended elsewhere, in milliseconds: a day.
const LASTING_BACKOFF_MAX_MS: u64 = 24 * 60 * 60 * 1000;

const BASE_MS: u64 = 2_000;
const ESSENTIAL_BASE_MS: u64 = 1_000;

/// Milliseconds to wait after attempt number `attempt` (1, 2, 3 …) of the thing numbered `id`.
///
/// Doubles with each attempt up to a limit that depends on the class; between half of it and the whole of it is taken,
/// by the device's `seed`. `Ours:` devices whose server failed at the same moment must not come back at the same moment,
/// and one seed must give the same wait on every machine.
#[must_use]
pub fn backoff_ms(class: Class, seed: u64, id: u64, attempt: u32) -> u64 {
    let (base, limit) = match class {
        Class::Essential => (ESSENTIAL_BASE_MS, ESSENTIAL_BACKOFF_MAX_MS),
        Class::Foreground | Class::Nonessential | Class::Upkeep => (BASE_MS, BACKOFF_MAX_MS),
    };
    within((base, limit), seed, id, attempt)
}

/// The same for what has to be mended elsewhere before an attempt can succeed, and what nobody waits for. `Ours:` who has mended
/// it waits about as long as it was broken, at most a day, unless somebody asks.
pub(crate) fn lasting_backoff_ms(seed: u64, id: u64, attempt: u32) -> u64 {
    within((BASE_MS, LASTING_BACKOFF_MAX_MS), seed, id, attempt)
}

fn within((base, limit): (u64, u64), seed: u64, id: u64, attempt: u32) -> u64 {
    let doublings = attempt.saturating_sub(1).min(20);
    let whole = (base << doublings).min(limit);
    whole / 2 + jitter(seed, id, u64::from(attempt)) % (whole / 2 + 1)
}

/// A number that is spread evenly and depends on all three (SplitMix64's finisher).
pub(crate) fn jitter(seed: u64, id: u64, salt: u64) -> u64 {
    let mut mixed = seed
        .wrapping_add(id.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_add(salt.wrapping_mul(0xd1b5_4a32_d192_ed03));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_their_limit() {
        let longest = |class, attempt| {
            (0..200).map(|id| backoff_ms(class, 7, id, attempt)).max().expect("200")
        };
        assert!(longest(Class::Upkeep, 1) <= 2_000);
        assert!(longest(Class::Upkeep, 3) > longest(Class::Upkeep, 2));
        assert!(longest(Class::Upkeep, 99) <= BACKOFF_MAX_MS);
        let lasting = (0..200).map(|id| lasting_backoff_ms(7, id, 99)).max();
        assert!(lasting > Some(20 * BACKOFF_MAX_MS) && lasting <= Some(LASTING_BACKOFF_MAX_MS));
        assert!(longest(Class::Essential, 99) <= ESSENTIAL_BACKOFF_MAX_MS);
        assert!(backoff_ms(Class::Essential, 7, 1, 1) >= 500);
    }

    #[test]
    fn devices_come_back_at_different_moments() {
        let mut waits: Vec<_> =
            (0..100).map(|seed| backoff_ms(Class::Upkeep, seed, 1, 5)).collect();
        waits.sort_unstable();
        waits.dedup();
        assert!(waits.len() > 90);
    }

    #[test]
    fn one_seed_gives_the_same_wait_everywhere() {
        assert_eq!(backoff_ms(Class::Upkeep, 42, 3, 4), backoff_ms(Class::Upkeep, 42, 3, 4));
    }
}
