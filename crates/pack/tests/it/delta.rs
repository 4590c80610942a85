//! Delta bundles: from what a device has to what it wants, for far fewer bytes.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::ops::ControlFlow;

use headstart_model::{PackPath, Verified};
use headstart_pack::delta::{DeltaSummary, Version, build_delta};
use headstart_pack::{BaseSpace, BlockTable, BuildError, Level, ScratchChunks, section};

use crate::world::{
    Files, Held, Packed, assert_same, fetch, files, noise, open, pack, pack_with, sample, text,
};

fn scratch(packed: &Packed) -> ScratchChunks {
    let mut reader = open(&packed.bytes);
    let (complete, table) = (reader.complete().clone(), reader.table().clone());
    let file = tempfile::tempfile().expect("a temporary file");
    let mut bundle = reader.bundle().expect("memory");
    ScratchChunks::extract(&complete, &table, &mut bundle, file).expect("own output")
}

fn delta(old: &Packed, new: &Packed) -> (DeltaSummary, Vec<u8>) {
    delta_with(old, new, &[])
}

fn delta_with(old: &Packed, new: &Packed, first: &[PackPath]) -> (DeltaSummary, Vec<u8>) {
    let (old_reader, new_reader) = (open(&old.bytes), open(&new.bytes));
    let (mut old_chunks, mut new_chunks) = (scratch(old), scratch(new));
    let mut out = Vec::new();
    let summary = build_delta(
        Version { complete: old_reader.complete(), chunks: &mut old_chunks },
        Version { complete: new_reader.complete(), chunks: &mut new_chunks },
        (Level::Balanced, first),
        (&mut Cursor::new(Vec::new()), &mut out),
        &mut |_| ControlFlow::Continue(()),
    );
    (summary.expect("builds"), out)
}

/// What a device with `old` does with the delta bundle; gives the bytes it fetched.
fn update(old: &Packed, new: &Packed, expected: &Files) -> u64 {
    let (summary, bundle) = delta(old, new);
    assert_eq!(
        (summary.bytes, summary.digest),
        (bundle.len() as u64, headstart_model::Digest::of(&bundle))
    );
    let head = &bundle[..summary.structure_bytes as usize];
    let head = Verified::check(head, &summary.structure_digest).expect("undamaged");
    let old_reader = open(&old.bytes);
    let old_tree = old_reader.complete().tree();
    let delta = section::decode_delta(&head, old_tree).expect("own output");

    let mut held = Held::default();
    let mut chunks = scratch(old);
    for chunk in 0..old_tree.chunk_count() {
        let mut bytes = Vec::new();
        headstart_pack::ChunkSource::read_chunk(&mut chunks, chunk, &mut bytes).expect("held");
        held.old.push(bytes);
    }
    for (chunk, same) in (0..).zip(&delta.same_as_old) {
        if let Some(same) = same {
            held.new.insert(chunk, held.old[*same as usize].clone());
        }
    }
    let fetched = fetch(&delta.tree, &delta.table, summary.structure_bytes, &bundle, &mut held);
    let names = (0..delta.tree.chunk_count()).map(|c| headstart_model::Digest::of(&held.new[&c]));
    let complete =
        headstart_pack::CompleteTree::new(delta.tree, names.collect()).expect("all named");
    assert_eq!(complete.content(), new.summary.content);
    assert_same(&files(&complete, &held), expected);
    fetched + summary.structure_bytes
}

fn edited() -> Files {
    let mut files = sample();
    files.insert("a/texture.raw", {
        let mut bytes = noise(1, 3_000_000);
        bytes.splice(1_500_000..1_500_100, noise(9, 200));
        bytes
    });
    files.insert("b/story.txt", text(2, 41_000));
    files.insert("new/more.txt", text(77, 3_000));
    files.remove("b/tool.sh");
    files
}

#[test]
fn an_edit_costs_about_what_was_edited() {
    let (old, new) = (pack(&sample(), Level::Balanced), pack(&edited(), Level::Balanced));
    let bytes = update(&old, &new, &edited());
    // 200 new random bytes, 4,000 lines of text, and where things lie.
    assert!(bytes < 60_000, "{bytes} bytes");
}

/// The files of each block of a table, in the order of the table.
fn files_of_blocks<'a>(tree: &'a headstart_pack::Tree, table: &BlockTable) -> Vec<Vec<&'a str>> {
    let files_of = |block: &headstart_pack::Block| {
        let chunks: Vec<_> = block.chunks().collect();
        let has = |file| tree.chunks_of(file).iter().any(|chunk| chunks.contains(chunk));
        let files = tree.files().filter(|(_, _, file)| has(file));
        files.map(|(_, path, _)| path.as_str()).collect()
    };
    table.blocks().iter().map(files_of).collect()
}

#[test]
fn the_launch_set_comes_first_in_bundles_and_deltas_in_its_order_and_in_blocks_of_its_own() {
    let files = Files::from([
        ("a/one.bin", noise(1, 300_000)),
        ("a/two.bin", noise(2, 300_000)),
        ("b/one.bin", noise(3, 300_000)),
        ("z.bin", noise(4, 300_000)),
    ]);
    let set = ["z.bin", "b"];
    let (plain, first) = (pack(&files, Level::Fast), pack_with(&files, Level::Fast, &set));
    assert_eq!(plain.summary.content, first.summary.content);
    let reader = open(&first.bytes);
    let order = files_of_blocks(reader.complete().tree(), reader.table());
    assert_eq!(order, [vec!["b/one.bin", "z.bin"], vec!["a/one.bin", "a/two.bin"]]);
    let first_block = &reader.table().blocks()[0];
    let z = reader.complete().tree().files().last().expect("a file").2;
    let of_z = reader.complete().tree().chunks_of(z);
    assert!(first_block.chunks().take(of_z.len()).eq(of_z.iter().copied()));

    let old = pack(&Files::from([("x", noise(9, 1000))]), Level::Fast);
    let set = set.map(|path| PackPath::new(path).expect("fine"));
    let (summary, bundle) = delta_with(&old, &plain, &set);
    let head = &bundle[..summary.structure_bytes as usize];
    let head = Verified::check(head, &summary.structure_digest).expect("undamaged");
    let old_reader = open(&old.bytes);
    let delta = section::decode_delta(&head, old_reader.complete().tree()).expect("own output");
    assert_eq!(files_of_blocks(&delta.tree, &delta.table), order);
}

/// The old files that blocks of the delta from `old` to `new` are based on.
fn files_of_bases(old: &Files, new: &Files) -> BTreeSet<String> {
    let (old, new) = (pack(old, Level::Fast), pack(new, Level::Fast));
    let (summary, bundle) = delta(&old, &new);
    let head = &bundle[..summary.structure_bytes as usize];
    let head = Verified::check(head, &summary.structure_digest).expect("undamaged");
    let old_reader = open(&old.bytes);
    let tree = old_reader.complete().tree();
    let delta = section::decode_delta(&head, tree).expect("own output");
    let bases = delta.table.blocks().iter().flat_map(|block| &block.bases);
    let bases = bases.filter(|base| base.space == BaseSpace::Old);
    let bases: BTreeSet<_> = bases.flat_map(|base| base.run.chunks()).collect();
    let has = |file| tree.chunks_of(file).iter().any(|chunk| bases.contains(chunk));
    let files = tree.files().filter(|(_, _, file)| has(file));
    files.map(|(_, path, _)| path.to_string()).collect()
}

#[test]
fn a_device_that_lacks_a_file_can_use_the_blocks_of_another_that_has_little_of_it() {
    let (a, b) = (noise(1, 3_000_000), noise(2, 3_000_000));
    let old = Files::from([("a", a.clone()), ("b", b.clone())]);
    let edited_with = |bytes_of_b: usize| {
        let mut a = a.clone();
        a.splice(1_500_000..1_500_000, b[1_000_000..][..bytes_of_b].iter().copied());
        a.splice(1_490_000..1_490_000, noise(3, 40_000));
        Files::from([("a", a), ("b", b.clone())])
    };
    assert_eq!(files_of_bases(&old, &edited_with(250)), BTreeSet::from(["a".to_owned()]));
    let both = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
    assert_eq!(files_of_bases(&old, &edited_with(2_500)), both, "worth more than a part of it");
    assert_eq!(files_of_bases(&old, &edited_with(200_000)), both);
}

#[test]
fn a_delta_to_the_same_content_has_no_block() {
    let old = pack(&sample(), Level::Fast);
    let new = pack(&sample(), Level::Balanced);
    let (summary, bundle) = delta(&old, &new);
    assert_eq!(summary.structure_bytes, bundle.len() as u64);
    assert!(bundle.len() < 1_000, "{} bytes", bundle.len());
}

#[test]
fn a_delta_from_nothing_in_common_still_arrives() {
    let other = Files::from([("x", noise(50, 500_000))]);
    let (old, new) = (pack(&other, Level::Fast), pack(&edited(), Level::Fast));
    update(&old, &new, &edited());
}

#[test]
fn a_delta_for_another_version_is_refused() {
    let (old, new) = (pack(&sample(), Level::Fast), pack(&edited(), Level::Fast));
    let (summary, bundle) = delta(&old, &new);
    let head = &bundle[..summary.structure_bytes as usize];
    let head = Verified::check(head, &summary.structure_digest).expect("undamaged");
    assert!(section::decode_delta(&head, open(&new.bytes).complete().tree()).is_err());
}

/// Chunks that nobody may read.
struct Untouched;

impl headstart_pack::ChunkSource for Untouched {
    fn read_chunk(&mut self, chunk: u32, _: &mut Vec<u8>) -> Result<(), BuildError> {
        panic!("chunk {chunk} was read")
    }
}

#[test]
fn whoever_breaks_off_a_delta_at_once_waits_for_no_chunk() {
    let (old, new) = (pack(&sample(), Level::Fast), pack(&edited(), Level::Fast));
    let (old, new) = (open(&old.bytes), open(&new.bytes));
    let ended = build_delta(
        Version { complete: old.complete(), chunks: &mut Untouched },
        Version { complete: new.complete(), chunks: &mut Untouched },
        (Level::Balanced, &[]),
        (&mut Cursor::new(Vec::new()), &mut Vec::new()),
        &mut |_| ControlFlow::Break(()),
    );
    assert!(matches!(ended, Err(BuildError::Cancelled)), "{ended:?}");
}

#[test]
fn extracting_ends_at_the_block_at_which_it_is_broken_off() {
    let packed = pack(&sample(), Level::Fast);
    let mut reader = open(&packed.bytes);
    let (complete, table) = (reader.complete().clone(), reader.table().clone());
    assert!(table.blocks().len() > 2);
    let file = tempfile::tempfile().expect("a temporary file");
    let mut asked = 0;
    let go_on = &mut || {
        asked += 1;
        if asked == 2 { Err(BuildError::Cancelled) } else { Ok(()) }
    };
    let mut bundle = reader.bundle().expect("memory");
    let ended = ScratchChunks::extract_with(&complete, &table, (&mut bundle, file), go_on);
    assert!(matches!(ended, Err(BuildError::Cancelled)), "{ended:?}");
    assert_eq!(asked, 2);
}
