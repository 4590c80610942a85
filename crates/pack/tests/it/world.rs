//! Folders to pack, and a reader that puts files back together in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::ops::ControlFlow;

use headstart_model::PackPath;
use headstart_pack::selection::{SelectedFile, SelectedFolder, Selection};
use headstart_pack::{
    ArchiveReader, BaseSpace, BlockReader, BlockTable, BuildSummary, ChunkSet, CompleteTree, Level,
    build_archive, plan,
};

/// Files by path, as a test wants them.
pub type Files = BTreeMap<&'static str, Vec<u8>>;

pub fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(3_037_000_493);
    (0..bytes)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect()
}

/// Lines of words: compressible, with parts that come again.
pub fn text(seed: u64, lines: usize) -> Vec<u8> {
    let words = ["ridge", "harbour", "lantern", "orchard", "granite", "meadow", "copper", "willow"];
    let noise = noise(seed, lines * 6);
    let line = |chunk: &[u8]| {
        let words: Vec<_> = chunk.iter().map(|b| words[usize::from(*b) % words.len()]).collect();
        format!("{} {}\n", words.join(" "), chunk[0])
    };
    noise.chunks(6).map(line).collect::<String>().into_bytes()
}

/// An archive in memory.
pub struct Packed {
    pub bytes: Vec<u8>,
    pub summary: BuildSummary,
}

pub fn pack(files: &Files, level: Level) -> Packed {
    pack_with(files, level, &[])
}

/// With a launch set.
pub fn pack_with(files: &Files, level: Level, launch_set: &[&str]) -> Packed {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut selection = Selection::default();
    selection.folders.push(SelectedFolder { path: PackPath::new("empty/inside").expect("fine") });
    for (path, bytes) in files {
        let source = folder.path().join(path.replace('/', "__"));
        std::fs::write(&source, bytes).expect("writable");
        selection.files.push(SelectedFile {
            path: PackPath::new(*path).expect("fine"),
            source,
            size: bytes.len() as u64,
            executable: path.ends_with(".sh"),
        });
    }
    let path = |path: &&str| PackPath::new(*path).expect("fine");
    selection.launch_set = launch_set.iter().map(path).collect();
    let mut out = Cursor::new(Vec::new());
    let progress = &mut |_| ControlFlow::Continue(());
    let summary = build_archive(b"{}", &selection, level, &mut out, progress).expect("builds");
    Packed { bytes: out.into_inner(), summary }
}

pub fn open(bytes: &[u8]) -> ArchiveReader<Cursor<&[u8]>> {
    ArchiveReader::open(Cursor::new(bytes)).expect("own output")
}

/// The chunks of a device, by number.
#[derive(Default, Clone)]
pub struct Held {
    pub old: Vec<Vec<u8>>,
    pub new: BTreeMap<u32, Vec<u8>>,
}

impl headstart_pack::BaseSource for Held {
    fn read_base(
        &mut self,
        space: BaseSpace,
        chunk: u32,
        out: &mut Vec<u8>,
    ) -> std::io::Result<()> {
        let found = match space {
            BaseSpace::Old => self.old.get(chunk as usize),
            BaseSpace::New => self.new.get(&chunk),
        };
        out.extend_from_slice(found.ok_or(std::io::ErrorKind::NotFound)?);
        Ok(())
    }
}

/// Fetches what is missing from `bundle` and opens it; gives the bytes that were fetched.
pub fn fetch(
    complete_tree: &headstart_pack::Tree,
    table: &BlockTable,
    head_bytes: u64,
    bundle: &[u8],
    held: &mut Held,
) -> u64 {
    let mut have = ChunkSet::empty(complete_tree.chunk_count());
    held.new.keys().for_each(|chunk| {
        have.insert(*chunk);
    });
    let mut pieces = plan::PiecesBuilder::new();
    let new = pieces.tree(complete_tree).expect("room");
    let pieces = pieces.finish();
    let mut all = ChunkSet::empty(pieces.count());
    pieces.of(new).iter().zip(0..).filter(|(_, chunk)| have.contains(*chunk)).for_each(
        |(piece, _)| {
            all.insert(*piece);
        },
    );
    // All of the old version is held, so nothing has to be known of its chunks.
    let offer = plan::Offer { table, new, old: None, head_bytes, here: &BTreeSet::new() };
    let wish = plan::Wish { pieces: &pieces, goal: new, held: &all, offers: &[offer] };
    let choice = plan::choose(&wish, plan::LinkCosts::default()).expect("complete");
    let plan = &choice.fetches[0];
    let reader = BlockReader::new(complete_tree, table);
    for block in &plan.blocks {
        let stored = &bundle[block.range.start as usize..block.range.end as usize];
        let stored = headstart_model::Verified::check(stored, &block.digest).expect("undamaged");
        let plain = reader.open(block.number, &stored, held).expect("own output");
        for (chunk, bytes) in plain.chunks() {
            held.new.insert(chunk, bytes.to_vec());
        }
    }
    plan.bytes_down
}

/// The files that the chunks make.
pub fn files(complete: &CompleteTree, held: &Held) -> BTreeMap<String, Vec<u8>> {
    let tree = complete.tree();
    let bytes =
        |file| tree.chunks_of(file).iter().flat_map(|chunk| held.new[chunk].clone()).collect();
    tree.files().map(|(_, path, file)| (path.to_string(), bytes(file))).collect()
}

pub fn assert_same(files: &BTreeMap<String, Vec<u8>>, expected: &Files) {
    let expected: BTreeMap<_, _> =
        expected.iter().map(|(p, b)| ((*p).to_owned(), b.clone())).collect();
    assert!(*files == expected, "the files differ");
}

pub fn sample() -> Files {
    Files::from([
        ("a/texture.raw", noise(1, 3_000_000)),
        ("a/story.txt", text(2, 40_000)),
        ("b/story.txt", text(2, 40_000)),
        ("b/tool.sh", b"#!/bin/sh\n".to_vec()),
        ("empty.bin", Vec::new()),
        ("copy/texture.raw", noise(1, 3_000_000)),
    ])
}
