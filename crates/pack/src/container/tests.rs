#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "samples of tests are small"
)]

use std::fs::File;
use std::io::{Cursor, Read as _, Seek as _, SeekFrom, Write as _};

use flate2::{Compress, Compression, Crc, FlushCompress};
use headstart_model::Digest;
use proptest::prelude::*;

use super::{OpenedForm, Recipe, open, recreate, reopen};
use crate::error::FormatError;
use crate::numbers::size;
use crate::varint;

/// Lines out of a few hundred, as a log or a table has them: the same for the same seed.
fn text(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let line = |n: u64| format!("entry {:x} of {:x} is {:x}", n * n, n * 7919 % 991, n * n * n);
    let mut out = Vec::new();
    while out.len() < bytes {
        let number = next();
        let mut words = line(number % 400);
        if number % 7 == 0 {
            words += &number.to_string();
        }
        out.extend_from_slice(words.as_bytes());
        out.push(b'\n');
    }
    out.truncate(bytes);
    out
}

fn deflate(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut compress = Compress::new(Compression::new(level), false);
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 100 + 1000);
    compress.compress_vec(bytes, &mut out, FlushCompress::Finish).expect("memory");
    out
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    Lengths,
    Descriptor,
}

/// A zip file; level 0 stores.
fn zip(members: &[(Vec<u8>, u32)], header: Header) -> Vec<u8> {
    let (mut out, mut central) = (Vec::new(), Vec::new());
    for (number, (plain, level)) in members.iter().enumerate() {
        let name = format!("dir/member-{number}.txt");
        let packed = if *level == 0 { plain.clone() } else { deflate(plain, *level) };
        let mut crc = Crc::new();
        crc.update(plain);
        let sizes = [crc.sum(), packed.len() as u32, plain.len() as u32];
        let late = header == Header::Descriptor && *level > 0;
        let offset = out.len() as u32;
        let method = if *level == 0 { 0_u16 } else { 8 };
        let start = [20, if late { 8 } else { 0 }, method, 0x6000, 0x5a21];
        let front = |known: bool| {
            let mut bytes: Vec<u8> = start.iter().flat_map(|n: &u16| n.to_le_bytes()).collect();
            bytes.extend(sizes.iter().flat_map(|n| if known { *n } else { 0 }.to_le_bytes()));
            bytes.extend((name.len() as u16).to_le_bytes());
            bytes.extend([0, 0]);
            bytes
        };
        out.extend_from_slice(b"PK\x03\x04");
        out.extend(front(!late));
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&packed);
        if late {
            out.extend_from_slice(b"PK\x07\x08");
            out.extend(sizes.iter().flat_map(|n| n.to_le_bytes()));
        }
        central.extend_from_slice(b"PK\x01\x02\x14\x00");
        central.extend(front(true));
        central.extend([0; 10]);
        central.extend(offset.to_le_bytes());
        central.extend_from_slice(name.as_bytes());
    }
    let start = out.len() as u32;
    out.extend_from_slice(&central);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend((members.len() as u16).to_le_bytes().repeat(2));
    out.extend((central.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn gzip(plain: &[u8], level: u32) -> Vec<u8> {
    let mut writer =
        flate2::GzBuilder::new().filename("name.tar").write(Vec::new(), Compression::new(level));
    writer.write_all(plain).expect("memory");
    writer.finish().expect("memory")
}

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("room");
    file.write_all(bytes).expect("room");
    file
}

fn opened(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut scratch = tempfile::tempfile().expect("room");
    scratch.write_all(b"before").expect("room");
    let form = open(&mut file_of(bytes), bytes.len() as u64, &mut scratch).expect("readable");
    let Some(OpenedForm { range, digest }) = form else {
        assert_eq!(scratch.seek(SeekFrom::End(0)).expect("seekable"), 6);
        return None;
    };
    assert_eq!(digest, Digest::of(bytes));
    assert_eq!(range.start, 6);
    let mut form = Vec::new();
    scratch.seek(SeekFrom::Start(6)).expect("seekable");
    scratch.read_to_end(&mut form).expect("readable");
    assert_eq!(form.len() as u64, range.end - range.start);
    Some(form)
}

fn recreated(form: &[u8], most: u64) -> Result<Vec<u8>, FormatError> {
    let mut out = Vec::new();
    recreate(&mut Cursor::new(form), 0..form.len() as u64, most, &mut out)?;
    Ok(out)
}

/// Opens, re-creates, opens again by the recipe; gives the bytes of the recipe.
fn round_trip(bytes: &[u8]) -> Option<usize> {
    let form = opened(bytes)?;
    assert!(recreated(&form, bytes.len() as u64).expect("own output") == bytes);
    let recipe = Recipe::of_form(&mut Cursor::new(&form), &(0..form.len() as u64)).expect("own");
    let mut again = Vec::new();
    reopen(&recipe, &mut Cursor::new(bytes), &mut again).expect("the same file");
    assert!(again == form);
    Some(recipe.as_bytes().len())
}

#[test]
fn every_level_of_zlib_is_followed_without_corrections() {
    let plain = text(600_000, 5);
    for level in 1..=9 {
        let recipe = round_trip(&gzip(&plain, level)).expect("written by zlib");
        assert!(recipe < 120, "level {level}: {recipe} bytes");
    }
}

#[test]
fn a_zip_of_text_is_followed_member_by_member() {
    for header in [Header::Lengths, Header::Descriptor] {
        let members: Vec<_> = (0..40).map(|n| (text(9000, n), n as u32 % 10)).collect();
        let recipe = round_trip(&zip(&members, header)).expect("written by zlib");
        assert!(recipe < 40 * 30, "{recipe} bytes for 36 streams");
    }
}

#[test]
fn a_zip_in_a_zip_and_what_stands_around_is_kept() {
    let inner = zip(&[(text(50_000, 1), 6), (text(20_000, 2), 9)], Header::Lengths);
    let mut outer = zip(&[(text(30_000, 3), 6), (inner, 0)], Header::Descriptor);
    outer.extend_from_slice(b"PK\x03\x04 garbage behind the end \x1f\x8b\x08\x00");
    assert!(round_trip(&outer).is_some());
}

#[test]
fn a_member_that_another_program_compressed_stays_as_it_is() {
    // Fixed codes and no match: valid, and nothing that zlib does.
    let mut strange = deflate(&text(3000, 9), 6);
    let odd = text(40_000, 4);
    strange.clear();
    let mut bits = super::deflate::Deflater::default();
    let tokens: Vec<_> = odd.iter().map(|byte| super::block::Token::Literal(*byte)).collect();
    let block = super::block::Block { last: true, coding: super::block::Coding::Fixed, tokens };
    bits.block(&block, &[]);
    strange.append(bits.bytes());
    let header = zip(&[(b"x".to_vec(), 6)], Header::Descriptor);
    let foreign: Vec<u8> = [header.get(..46).expect("a header"), &strange, &[0; 16]].concat();
    assert!(opened(&foreign).is_none(), "the first stream decides");
    let mut mixed = zip(&[(text(200_000, 5), 6)], Header::Lengths);
    mixed.extend_from_slice(&foreign);
    mixed.extend_from_slice(&zip(&[(text(90_000, 6), 6)], Header::Lengths));
    assert!(round_trip(&mixed).is_some(), "later ones are passed over");
}

#[test]
fn what_does_not_pay_or_is_no_container_stays_as_it_is() {
    let mut state = 7_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    })
    .take(100_000)
    .collect();
    assert!(opened(&gzip(&noise, 9)).is_none(), "stored blocks are no gain");
    assert!(opened(&text(100_000, 1)).is_none(), "text is no container");
    assert!(opened(b"PK\x03\x04").is_none(), "four bytes");
    let bomb = gzip(&vec![0; 12_000_000], 9);
    assert!(opened(&bomb).is_none(), "a bomb is more work than it saves");
}

#[test]
fn every_damaged_byte_of_a_recipe_ends_in_an_error_or_another_file() {
    let bytes = gzip(&text(60_000, 3), 6);
    let form = opened(&bytes).expect("written by zlib");
    let all = form.len() as u64;
    let recipe = Recipe::of_form(&mut Cursor::new(&form), &(0..all)).expect("own output");
    let start = form.len() - recipe.as_bytes().len();
    for at in start..form.len() {
        for change in [1, 0x80, 0xff] {
            let mut broken = form.clone();
            broken[at] ^= change;
            if let Ok(other) = recreated(&broken, bytes.len() as u64) {
                assert!(other != bytes, "byte {at} has no meaning");
            }
        }
    }
}

#[test]
fn a_recipe_that_promises_gigabytes_is_refused_before_memory_is_taken() {
    let refused = |recipe: &[u8]| {
        let mut form = recipe.to_vec();
        form.extend((recipe.len() as u32).to_le_bytes());
        recreated(&form, 1 << 40).expect_err("refused")
    };
    let many = [b"HSO\x01".as_slice(), &[0xff, 0xff, 0xff, 0xff, 0x7f]].concat();
    assert!(matches!(refused(&many), FormatError::Limit { .. }));
    let long = [b"HSO\x01".as_slice(), &[1, 0, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 6]].concat();
    assert!(matches!(refused(&long), FormatError::Limit { .. }));
    // 2^31 tokens in one block of a stream of no bytes.
    let tokens = [b"HSO\x01".as_slice(), &[1, 0, 0, 7, 6, 3, 0x80, 0x80, 0x80, 0x80, 8]].concat();
    assert!(matches!(refused(&tokens), FormatError::Limit { .. }));
    let form = [0xff; 8];
    assert!(matches!(recreated(&form, 1), Err(FormatError::Limit { .. })));
}

#[test]
fn a_recipe_whose_corrections_waste_all_searches_is_refused() {
    // Almost every byte begins a long match with thousands of candidates, none of which goes on behind the next blip, and comes as
    // a literal.
    let mut plain: Vec<u8> = (0..30_000).map(|at: u32| b'a' + (at % 8) as u8).collect();
    plain.iter_mut().skip(100).step_by(264).zip(128..=255).for_each(|(byte, blip)| *byte = blip);
    let form = |level: u8| {
        let mut corrections = vec![level, 0b11];
        [size(plain.len()); 2].iter().for_each(|count| varint::put(&mut corrections, *count));
        corrections.extend(std::iter::repeat_n([0, 0], plain.len()).flatten());
        let mut recipe = b"HSO\x01\x01\x00".to_vec();
        varint::put(&mut recipe, size(plain.len()));
        varint::put_part(&mut recipe, &corrections);
        let length = recipe.len() as u32;
        [plain.clone(), recipe, length.to_le_bytes().to_vec()].concat()
    };
    // At level 1 nothing costs much.
    let cheap = recreated(&form(1), 1 << 20).expect("a stream of literals");
    assert!(cheap.len() > plain.len() / 2);
    let refused = recreated(&form(9), 1 << 20).map(|made| made.len());
    let Err(FormatError::Limit { what, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(what, "the work for what was not predicted");
}

#[test]
fn a_form_that_makes_more_than_the_file_is_stopped() {
    let bytes = gzip(&text(60_000, 3), 6);
    let form = opened(&bytes).expect("written by zlib");
    let stopped = recreated(&form, bytes.len() as u64 - 1);
    assert!(matches!(stopped, Err(FormatError::Rule { .. })), "{stopped:?}");
}

#[test]
fn another_file_is_not_opened_by_the_recipe() {
    let bytes = gzip(&text(60_000, 3), 6);
    let form = opened(&bytes).expect("written by zlib");
    let recipe = Recipe::of_form(&mut Cursor::new(&form), &(0..form.len() as u64)).expect("own");
    let other = gzip(&text(50_000, 4), 6);
    assert!(reopen(&recipe, &mut Cursor::new(&other), &mut Vec::new()).is_err());
    let half = &bytes[..bytes.len() / 2];
    assert!(reopen(&recipe, &mut Cursor::new(half), &mut Vec::new()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn containers_come_back_bit_for_bit(
        members in proptest::collection::vec((0_usize..30_000, 0_u32..10, 0_u64..6), 1..8),
        late: bool,
        cut in 0_usize..4000,
        tail in proptest::collection::vec(any::<u8>(), 0..200),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let members: Vec<_> =
            members.iter().map(|(bytes, level, seed)| (text(*bytes, *seed), *level)).collect();
        let mut bytes = zip(&members, if late { Header::Descriptor } else { Header::Lengths });
        if cut > 3000 {
            bytes.truncate(bytes.len().saturating_sub(cut).max(1));
        }
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.extend_from_slice(&tail);
        round_trip(&bytes);
    }

    #[test]
    fn any_recipe_ends_in_a_file_or_an_error(
        corrections in proptest::collection::vec(any::<u8>(), 1..60),
        plain in proptest::collection::vec(97_u8..100, 0..600),
    ) {
        let mut bytes = corrections;
        bytes[0] = bytes[0] % 9 + 1;
        let mut recipe = b"HSO\x01\x01\x00".to_vec();
        varint::put(&mut recipe, plain.len() as u64);
        varint::put_part(&mut recipe, &bytes);
        let length = recipe.len() as u32;
        let form = [plain, recipe, length.to_le_bytes().to_vec()].concat();
        let _ = recreated(&form, 1 << 20);
    }
}
