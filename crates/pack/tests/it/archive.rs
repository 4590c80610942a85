//! Archives: the same out as in, the same bytes every time, and every damage found.

use std::io::Cursor;
use std::ops::ControlFlow;

use headstart_model::PackPath;
use headstart_pack::limits::FORMAT_VERSION;
use headstart_pack::selection::{SelectedFile, Selection};
use headstart_pack::{
    ArchiveHeader, ArchiveIndex, ArchiveReader, BuildError, FormatError, Level, Node, Reach,
    build_archive,
};

use crate::world::{self, Held, Packed, files, open, pack, sample};

fn everything(packed: &Packed) -> (headstart_pack::CompleteTree, Held) {
    let mut reader = open(&packed.bytes);
    let mut held = Held::default();
    let (complete, table) = (reader.complete().clone(), reader.table().clone());
    let blocks = headstart_pack::BlockReader::new(complete.tree(), &table);
    reader
        .blocks::<FormatError>(|number, stored| {
            let plain = blocks.open(number, &stored, &mut held)?;
            held.new.extend(plain.chunks().map(|(chunk, bytes)| (chunk, bytes.to_vec())));
            Ok(())
        })
        .expect("undamaged");
    (complete, held)
}

#[test]
fn every_level_gives_back_the_files() {
    for level in [Level::Fast, Level::Balanced, Level::Small] {
        let packed = pack(&sample(), level);
        let (complete, held) = everything(&packed);
        world::assert_same(&files(&complete, &held), &sample());
        assert_eq!(complete.content(), packed.summary.content);
        assert_eq!(packed.summary.archive_bytes, packed.bytes.len() as u64);
        let entry = |path| complete.tree().find(&PackPath::new(path).expect("fine")).cloned();
        assert!(matches!(entry("empty/inside").expect("listed").node, Node::Folder));
        assert!(matches!(entry("b/tool.sh").expect("listed").node, Node::File(f) if f.executable));
    }
}

#[test]
fn equal_files_are_stored_once() {
    let packed = pack(&sample(), Level::Balanced);
    assert!(packed.bytes.len() < 4_000_000, "{} bytes", packed.bytes.len());
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert!(pack(&sample(), Level::Balanced).bytes == pack(&sample(), Level::Balanced).bytes);
}

/// Files of 1 MiB of which each is half the one before: with all of them as bases, the last would need every other.
fn chained(count: u64) -> crate::world::Files {
    let half = |seed| crate::world::noise(seed, 1 << 19);
    let names: Vec<&'static str> = vec![
        "00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14",
        "15", "16", "17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29",
        "30", "31",
    ];
    names
        .into_iter()
        .zip(0..count)
        .map(|(name, n)| (name, [half(n), edited(half(n + 1))].concat()))
        .collect()
}

/// A byte changed in each 8 KiB: no chunk stays as it was.
fn edited(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.iter_mut().step_by(8 << 10).for_each(|byte| *byte ^= 1);
    bytes
}

#[test]
fn one_file_of_a_balanced_pack_is_read_for_few_others() {
    let extra = |level| {
        let packed = pack(&chained(32), level);
        let reader = open(&packed.bytes);
        assert!(packed.bytes.len() < 24 << 20, "the blocks have bases: {}", packed.bytes.len());
        Reach::new(reader.complete().tree(), reader.table())
            .mean_extra_bytes(reader.complete().tree())
    };
    let (balanced, small) = (extra(Level::Balanced), extra(Level::Small));
    assert!(balanced <= 4 << 20, "{balanced} bytes");
    assert!(small > balanced, "{small} bytes");
}

#[test]
fn content_does_not_depend_on_the_level() {
    let content = |level| pack(&sample(), level).summary.content;
    assert_eq!(content(Level::Fast), content(Level::Small));
}

#[test]
fn every_flipped_bit_is_found() {
    let packed = pack(&sample(), Level::Fast);
    let step = packed.bytes.len() / 400;
    let head = 0..ArchiveHeader::BYTES as usize;
    let tail = packed.bytes.len() - 20_000..packed.bytes.len();
    for at in head.chain((0..packed.bytes.len()).step_by(step)).chain(tail.step_by(37)) {
        let mut damaged = packed.bytes.clone();
        damaged[at] ^= 0x10;
        let found = ArchiveReader::open(Cursor::new(damaged.as_slice()))
            .and_then(|mut reader| reader.blocks::<FormatError>(|_, _| Ok(())));
        assert!(found.is_err(), "a flipped bit at {at} was not found");
    }
}

#[test]
fn every_cut_is_found() {
    let bytes = pack(&sample(), Level::Fast).bytes;
    for length in [0, 7, 199, 200, 5_000, bytes.len() - 1] {
        let error = ArchiveReader::open(Cursor::new(&bytes[..length])).expect_err("cut short");
        assert!(
            matches!(error, FormatError::Truncated { .. } | FormatError::Magic { .. }),
            "{length}: {error}"
        );
    }
    let longer = [bytes.as_slice(), b"x"].concat();
    assert!(ArchiveReader::open(Cursor::new(longer.as_slice())).is_err());
}

/// Sets a number in the header and makes the header's own digest right again: an attacker can do that.
fn with_number(bytes: &[u8], offset: usize, number: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[offset..offset + number.len()].copy_from_slice(number);
    let digest = headstart_model::Digest::of(&bytes[..168]);
    bytes[168..200].copy_from_slice(digest.as_bytes());
    bytes
}

#[test]
fn an_index_that_nobody_vouches_for_unfolds_to_its_limit_and_no_further() {
    let bytes = pack(&sample(), Level::Fast).bytes;
    let within = |limit| ArchiveReader::open_within(Cursor::new(bytes.as_slice()), limit);
    let Err(FormatError::Limit { found, limit: 1, .. }) = within(1) else {
        panic!("it says how long the index is")
    };
    assert!(within(found).is_ok());
    assert!(matches!(within(found - 1), Err(FormatError::Limit { .. })));
    // One that promises less than it holds ends at the promise.
    let header = ArchiveHeader::decode(&bytes[..200]).expect("a header");
    let at = usize::try_from(header.structure_offset()).expect("small");
    let end = at + usize::try_from(header.structure_bytes).expect("small");
    let mut bomb = bytes.clone();
    bomb[at + 5..at + 13].copy_from_slice(&(found / 2).to_le_bytes());
    let digest = headstart_model::Digest::of(&bomb[at..end]);
    let bomb = with_number(&bomb, 72, digest.as_bytes());
    let error =
        ArchiveReader::open_within(Cursor::new(bomb.as_slice()), found).expect_err("a bomb");
    assert!(matches!(error, FormatError::Rule { .. }), "{error}");
}

#[test]
fn an_archive_has_as_many_names_as_chunks() {
    let bytes = pack(&sample(), Level::Fast).bytes;
    let header = ArchiveHeader::decode(&bytes[..200]).expect("a header");
    for (names_bytes, length) in [
        (header.names_bytes + 32, bytes.len() + 32),
        (header.names_bytes - 32, bytes.len() - 32),
        (header.names_bytes + 1, bytes.len() + 1),
    ] {
        let mut other = with_number(&bytes, 24, &names_bytes.to_le_bytes());
        other.resize(length, 0);
        // Also where the names themselves are not fetched.
        let header = ArchiveHeader::decode(&other[..200]).expect("a header");
        let inside = usize::try_from(header.manifest_offset()).expect("small");
        let names = usize::try_from(names_bytes).expect("small");
        let inside = other[inside..length - names].to_vec();
        let error = ArchiveIndex::read(&header, inside, u64::MAX).expect_err("other names");
        assert!(matches!(error, FormatError::Rule { .. }), "{error}");
        let opened = ArchiveReader::open(Cursor::new(other.as_slice()));
        assert!(matches!(opened, Err(FormatError::Rule { .. })), "{names_bytes}");
    }
}

#[test]
fn a_header_that_promises_terabytes_is_refused() {
    let bytes = pack(&sample(), Level::Fast).bytes;
    for offset in [16, 24, 32] {
        for number in [1_u64 << 41, u64::MAX, u64::MAX - 4096] {
            let bomb = with_number(&bytes, offset, &number.to_le_bytes());
            let error = ArchiveReader::open(Cursor::new(bomb.as_slice())).expect_err("a bomb");
            assert!(
                matches!(error, FormatError::Limit { .. } | FormatError::Truncated { .. }),
                "{offset}: {error}"
            );
        }
    }
    let later = with_number(&bytes, 8, &(FORMAT_VERSION + 1).to_le_bytes());
    let error = ArchiveReader::open(Cursor::new(later.as_slice())).expect_err("a later version");
    assert!(matches!(error, FormatError::Version { found, .. } if found == FORMAT_VERSION + 1));
}

#[test]
fn whoever_breaks_off_while_files_are_cut_ends_it_before_anything_is_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut selection = Selection::default();
    for number in 0..100_u8 {
        let source = folder.path().join(number.to_string());
        std::fs::write(&source, [number]).expect("writable");
        let path = PackPath::new(number.to_string()).expect("fine");
        selection.files.push(SelectedFile { path, source, size: 1, executable: false });
    }
    let (mut out, mut heard) = (Cursor::new(Vec::new()), Vec::new());
    let progress = &mut |done| {
        heard.push(done);
        ControlFlow::Break(())
    };
    let ended = build_archive(b"{}", &selection, Level::Fast, &mut out, progress);
    assert!(matches!(ended, Err(BuildError::Cancelled)), "{ended:?}");
    assert_eq!((heard, out.into_inner()), (vec![0], Vec::new()));
}

#[test]
fn blocks_are_read_by_number() {
    let bytes = pack(&sample(), Level::Fast).bytes;
    let mut reader = open(&bytes);
    let mut all = Vec::new();
    let taken = reader.blocks(|number, block| {
        all.push((number, block.into_inner()));
        Ok::<_, FormatError>(())
    });
    taken.expect("own output");
    assert!(all.len() > 2);
    for (number, block) in all.iter().rev() {
        assert!(reader.block(*number).expect("own output").as_bytes() == block);
    }
    let count = u32::try_from(all.len()).expect("few");
    assert!(matches!(reader.block(count), Err(FormatError::Rule { .. })));
}
