//! What every codec promises.

use headstart_model::Digest;
use proptest::prelude::*;

use super::*;
use crate::bundle::BundleKind::{Delta, Full};
use crate::bundle::Reach;

const LEVELS: [Level; 3] = [Level::Fast, Level::Balanced, Level::Small];

fn verified(bytes: &[u8]) -> Verified<&[u8]> {
    Verified::check(bytes, &Digest::of(bytes)).expect("equal")
}

fn read(codec: Codec, stored: &[u8], prefix: &[u8], bytes: usize) -> Result<Vec<u8>, FormatError> {
    decode(0, codec, &verified(stored), prefix, size(bytes))
}

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

/// Like a program: noise with a 32-bit address every 24 bytes.
fn program(seed: u64, bytes: usize, shift: u32) -> Vec<u8> {
    let mut program = noise(seed, bytes);
    for (number, place) in (0_u32..).zip(program.chunks_exact_mut(24)) {
        let address = number.wrapping_mul(2_654_435_761) >> 8;
        place[..4].copy_from_slice(&(address + shift).to_le_bytes());
    }
    program
}

#[test]
fn every_level_finds_what_lies_far_back_in_the_bases() {
    // 3 MiB of words that repeat a little, then a block out of the whole of them in another order.
    let words = noise(3, 4096);
    let base: Vec<u8> = noise(4, 200_000)
        .chunks_exact(2)
        .flat_map(|at| {
            let at = usize::from(u16::from_le_bytes([at[0], at[1]])) % (words.len() - 40);
            words[at..at + 31].to_vec()
        })
        .collect();
    let pieces = base.chunks_exact(20_000).rev().step_by(3);
    let plain: Vec<u8> = pieces.flatten().copied().take(1 << 20).collect();
    for level in LEVELS {
        let (_, stored) = encode((level, Delta), plain.clone(), &base).expect("memory");
        assert!(stored.len() < plain.len() / 100, "{level:?}: {} bytes", stored.len());
    }
}

#[test]
fn few_bases_are_enough_if_the_others_would_save_less_than_a_hundredth() {
    let (near, far) = (noise(5, 300_000), noise(6, 300_000));
    // 200,000 bytes that only a base has, of either file as many as told, and 100,000 that none has.
    let block = |of_far: usize| [&near[..200_000], &far[..of_far], &noise(7, 100_000)].concat();
    let all = [&near[..], &far[..]].concat();
    for level in LEVELS {
        for (of_far, expected) in [(500, true), (5_000, false)] {
            let plain = block(of_far);
            let (enough, (codec, stored)) =
                encode_with_fewest(level, plain.clone(), (&near, &all)).expect("memory");
            assert_eq!(enough, expected, "{level:?}, {of_far}");
            let prefix = if enough { &near } else { &all };
            assert_eq!(read(codec, &stored, prefix, plain.len()).expect("own output"), plain);
        }
    }
}

proptest! {
    #[test]
    fn blocks_round_trip(plain: Vec<u8>, prefix: Vec<u8>, level in prop::sample::select(&LEVELS)) {
        let (codec, stored) = encode((level, Delta), plain.clone(), &prefix).expect("memory");
        prop_assert_eq!(read(codec, &stored, &prefix, plain.len()).expect("own output"), plain);
    }

    #[test]
    fn edited_bases_round_trip_as_diffs(
        seed: u64,
        bytes in 0_usize..20_000,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_usize..300), 0..40),
    ) {
        let base = noise(seed, bytes);
        let mut plain = base.clone();
        for (at, byte, cut) in edits {
            let at = at.index(plain.len() + 1);
            match byte % 3 {
                0 => plain.insert(at, byte),
                1 => { plain.drain(at..(at + cut).min(plain.len())); }
                _ => { let moved = plain.split_off(at); plain.splice(0..0, moved); }
            }
        }
        if let Some(diff) = diff::make(&plain, &base) {
            let made = diff::apply(&diff, &base, size(plain.len())).expect("own output");
            prop_assert_eq!(made, plain);
        }
    }

    #[test]
    fn any_bytes_end_in_an_error_or_the_promised_length(
        stored: Vec<u8>,
        prefix: Vec<u8>,
        promised in 0_usize..5000,
        codec in prop::sample::select(&[Codec::Stored, Codec::Zstd, Codec::Diff]),
    ) {
        if let Ok(plain) = read(codec, &stored, &prefix, promised) {
            prop_assert_eq!(plain.len(), promised);
        }
    }

    #[test]
    fn any_diff_ends_in_an_error_or_the_promised_length(
        diff in prop::collection::vec(0_u8..20, 0..60),
        bases: Vec<u8>,
        promised in 0_u64..100,
    ) {
        if let Ok(plain) = diff::apply(&diff, &bases, promised) {
            prop_assert_eq!(size(plain.len()), promised);
        }
    }

    #[test]
    fn a_damaged_diff_ends_in_an_error_or_the_promised_length(at: prop::sample::Index, byte: u8) {
        let (old, new) = (program(1, 5_000, 0), program(1, 5_000, 0x0001_0203));
        let mut diff = diff::make(&new, &old).expect("near-equal");
        let at = at.index(diff.len());
        diff[at] = byte;
        if let Ok(plain) = diff::apply(&diff, &old, 5_000) {
            prop_assert_eq!(plain.len(), 5_000);
        }
    }
}

#[test]
fn a_base_makes_a_block_small() {
    let base: Vec<u8> =
        (0..100_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let mut plain = base.clone();
    plain[50_000] ^= 1;
    for level in LEVELS {
        let (_, stored) = encode((level, Delta), plain.clone(), &base).expect("memory");
        assert!(stored.len() < 1_000, "{} bytes", stored.len());
    }
}

#[test]
fn a_program_with_moved_addresses_is_told_by_a_diff() {
    let (old, new) = (program(7, 300_000, 0), program(7, 300_000, 0x1234));
    let (codec, stored) = encode((Level::Small, Delta), new.clone(), &old).expect("memory");
    let zstd = zstd_frame::compress(Level::Small.zstd(), &new, &old).expect("compresses");
    assert_eq!(codec, Codec::Diff);
    assert!(stored.len() * 3 < zstd.len(), "{} bytes, else {}", stored.len(), zstd.len());
    assert_eq!(read(codec, &stored, &old, new.len()).expect("own output"), new);
}

#[test]
fn noise_is_stored_without_a_long_look() {
    let plain = noise(3, 100_000);
    let form = encode((Level::Small, Full), plain.clone(), &[]).expect("memory");
    assert_eq!(form, (Codec::Stored, plain));
}

#[test]
fn equal_bytes_without_end_are_searched_in_bounded_time() {
    // The worst for a search by matches: everything fits everywhere, but for a byte now and then.
    let base = vec![0; 2 << 20];
    let mut plain = vec![0; 1 << 20];
    (0..plain.len()).step_by(509).for_each(|at| plain[at] = 1);
    let diff = diff::make(&plain, &base).expect("near-equal");
    assert_eq!(diff::apply(&diff, &base, 1 << 20).expect("own output"), plain);
}

#[test]
fn more_than_promised_is_refused() {
    let plain = vec![0; 1 << 20];
    let (codec, stored) = encode((Level::Fast, Full), plain.clone(), &[]).expect("memory");
    assert!(decode(0, codec, &verified(&stored), &[], 1 << 10).is_err());
    assert!(decode(0, codec, &verified(&stored), &[], 1 << 21).is_err());
    assert!(decode(0, codec, &verified(&stored), &[], u64::MAX).is_err());
}

#[test]
fn a_diff_that_promises_gigabytes_is_refused() {
    let mut stored = Vec::new();
    varint::put(&mut stored, 1 << 40);
    let refused = read(Codec::Diff, &stored, &[], 1 << 20);
    assert!(matches!(refused, Err(FormatError::Limit { .. })), "{refused:?}");
}

#[test]
fn one_bench_opens_long_short_based_and_damaged_blocks_in_any_order() {
    let mut bench = Bench::default();
    let plain: Vec<u8> = (0..60_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
    let prefix = plain.get(..100_000).expect("long");
    for length in [240_000, 10, 200_000, 1] {
        let plain = plain.get(..length).expect("long");
        let alone = zstd_frame::compress(Level::Fast.zstd(), plain, &[]).expect("room");
        let based =
            zstd_frame::compress(Level::Fast.zstd_with_bases(Delta), plain, prefix).expect("room");
        let mut damaged = alone.clone();
        damaged.truncate(alone.len() - 1);
        for (stored, prefix, good) in [
            (&alone, &[][..], true),
            (&damaged, &[], false),
            (&based, prefix, true),
            (&alone, &[], true),
        ] {
            let stored = verified(stored);
            let codec = (0, Codec::Zstd);
            let opened = decode_with(&mut bench, codec, &stored, prefix, size(length));
            let opened = opened.ok().flatten();
            assert_eq!(opened.as_deref(), good.then_some(plain), "{length}");
            bench.give_back(opened.unwrap_or_default());
        }
    }
    let stored = verified(&plain);
    let kept = decode_with(&mut bench, (0, Codec::Stored), &stored, &[], size(plain.len()));
    assert_eq!(kept.expect("its length"), None);
    let short = decode_with(&mut bench, (0, Codec::Stored), &stored, &[], 3);
    assert!(matches!(short, Err(FormatError::Decompress { .. })));
}

#[test]
fn what_zstd_cannot_do_is_an_error_and_not_another_form() {
    // Tables that are too small for zstd.
    let reach = Reach::Tables { log: 1, long_distance: false };
    let tuning = Tuning { level: 3, reach };
    let refused = encode_tuned((Level::Fast, tuning), vec![0; 5000], &[]);
    assert!(matches!(refused, Err(BuildError::Compress { .. })), "{refused:?}");
}
