//! The page `docs/format/pack.md` and the code agree.

use std::fmt::Write as _;
use std::io::Cursor;
use std::ops::ControlFlow;

use headstart_model::PackPath;
use headstart_model::packaging::PackagingManifest;
use headstart_pack::delta::{Version, build_delta};
use headstart_pack::selection::{SelectedFile, SelectedFolder, Selection};
use headstart_pack::{Level, ScratchChunks, build_archive, limits, section};

use crate::world::{assert_same, fetch, files, open};

const PAGE: &str = include_str!("../../../../docs/format/pack.md");
const EXAMPLE: &str = include_str!("../../../../docs/format/pack-example.txt");
const SECTION_HEAD_BYTES: usize = 13;

/// The linear congruence that the page gives: the same bytes on every machine.
fn sample(count: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..count).map(|_| next()).collect()
}

/// The manifest of the example as an author writes it.
const MANIFEST: &[u8] = br#"{
    "assetPackID": "sample",
    "downloadPolicy": { "onDemand": {} },
    "fileSelectors": [{ "directory": "." }],
    "platforms": [], // everywhere
}"#;

fn example(noise: Vec<u8>) -> crate::world::Files {
    let hello = b"hello\n".repeat(20);
    crate::world::Files::from([
        ("again.txt", hello.clone()),
        ("bin/tool", b"#!/bin/sh\n".to_vec()),
        ("hello.txt", hello),
        ("noise.bin", noise),
    ])
}

fn archive(contents: &crate::world::Files) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |text: &str| PackPath::new(text).expect("a good path");
    let mut selection = Selection::default();
    selection.folders.push(SelectedFolder { path: path("empty") });
    for (name, bytes) in contents {
        let source = folder.path().join(name.replace('/', "-"));
        std::fs::write(&source, bytes).expect("writable");
        let (size, executable) = (bytes.len() as u64, name.starts_with("bin/"));
        selection.files.push(SelectedFile { path: path(name), source, size, executable });
    }
    let manifest = PackagingManifest::from_bytes(MANIFEST).expect("a good manifest").to_json();
    let mut out = Cursor::new(Vec::new());
    let progress = &mut |_| ControlFlow::Continue(());
    build_archive(&manifest, &selection, Level::Balanced, &mut out, progress).expect("builds");
    out.into_inner()
}

fn scratch(archive: &[u8]) -> ScratchChunks {
    let mut reader = open(archive);
    let (complete, table) = (reader.complete().clone(), reader.table().clone());
    let file = tempfile::tempfile().expect("a temporary file");
    let mut bundle = reader.bundle().expect("memory");
    ScratchChunks::extract(&complete, &table, &mut bundle, file).expect("own output")
}

/// The delta bundle, and how long its structure section is.
fn delta(old: &[u8], new: &[u8]) -> (Vec<u8>, usize) {
    let (old_reader, new_reader) = (open(old), open(new));
    let (mut old_chunks, mut new_chunks) = (scratch(old), scratch(new));
    let mut out = Vec::new();
    let summary = build_delta(
        Version { complete: old_reader.complete(), chunks: &mut old_chunks },
        Version { complete: new_reader.complete(), chunks: &mut new_chunks },
        (Level::Balanced, &[]),
        (&mut Cursor::new(Vec::new()), &mut out),
        &mut |_| ControlFlow::Continue(()),
    );
    let head = summary.expect("builds").structure_bytes;
    (out, usize::try_from(head).expect("small"))
}

/// Parts of a file with their names, one after the other.
struct Dump(String);

impl Dump {
    fn title(&mut self, title: &str) {
        writeln!(self.0, "{}== {title}", if self.0.is_empty() { "" } else { "\n" }).expect("text");
    }

    fn parts(&mut self, parts: &[(&str, &[u8])]) {
        let mut offset = 0;
        for (name, bytes) in parts {
            writeln!(self.0, "\n{name}, {} bytes", bytes.len()).expect("text");
            for line in bytes.chunks(16) {
                let hex: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
                writeln!(self.0, "{offset:04x}  {}", hex.join(" ")).expect("text");
                offset += line.len();
            }
        }
    }

    /// What a structure section holds, part by part. Each part of the example is shorter than 128 bytes, so its length is one
    /// byte before it.
    fn structure(&mut self, plain: &[u8], names: &[&str]) {
        let mut rest = plain;
        let mut parts = Vec::new();
        for name in names {
            let length = usize::from(rest[0]);
            assert!(length < 128, "the example is small");
            let (part, after) = rest.split_at(1 + length);
            parts.push((*name, part));
            rest = after;
        }
        assert!(rest.is_empty(), "every part is shown");
        self.parts(&parts);
    }
}

fn decompress(section: &[u8], prefix: &[u8]) -> Vec<u8> {
    let plain_bytes = u64::from_le_bytes(section[5..SECTION_HEAD_BYTES].try_into().expect("eight"));
    let mut out = Vec::with_capacity(usize::try_from(plain_bytes).expect("small"));
    let mut context = zstd::zstd_safe::DCtx::create();
    context.ref_prefix(prefix).expect("memory");
    context.decompress(&mut out, &section[SECTION_HEAD_BYTES..]).expect("own output");
    out
}

fn dump() -> String {
    let first = archive(&example(sample(512)));
    let mut changed = sample(512);
    changed[256] ^= 1;
    let second = archive(&example(changed));
    let reader = open(&first);
    let header = reader.header().clone();
    let mut dump = Dump(String::new());
    dump.title("the archive");
    let at = |offset: u64| usize::try_from(offset).expect("small");
    let (manifest, structure) = (at(header.manifest_offset()), at(header.structure_offset()));
    let names = structure + at(header.structure_bytes);
    dump.parts(&[
        ("header", &first[..200]),
        ("bundle", &first[200..manifest]),
        ("manifest", &first[manifest..structure]),
        ("structure section", &first[structure..names]),
        ("names section", &first[names..]),
    ]);
    dump.title("its structure section, decompressed");
    dump.structure(&decompress(&first[structure..names], &[]), &["tree", "block table"]);
    let (bundle, head) = delta(&first, &second);
    dump.title("the delta bundle to the second version");
    dump.parts(&[("structure section", &bundle[..head]), ("blocks", &bundle[head..])]);
    dump.title("its structure section, decompressed");
    let old = reader.complete().tree().encode();
    let plain = decompress(&bundle[..head], &old);
    dump.structure(&plain, &["tree", "mapping", "block table"]);
    dump.0
}

#[test]
fn the_example_is_what_the_code_writes() {
    let written = dump();
    assert!(
        EXAMPLE.lines().eq(written.lines()),
        "docs/format/pack-example.txt is not what is written. If the format was not meant to change, this is a fault (or \
         another version of zstd, which may write other bytes that read the same). It would be:\n{written}"
    );
}

#[test]
fn the_example_reads_back() {
    let mut changed = sample(512);
    changed[256] ^= 1;
    let expected = example(changed);
    let bytes = archive(&expected);
    let reader = open(&bytes);
    let mut held = crate::world::Held::default();
    let tree = reader.complete().tree();
    fetch(tree, reader.table(), 200, &bytes, &mut held);
    assert_same(&files(reader.complete(), &held), &expected);
}

#[test]
fn a_delta_section_names_its_base_in_the_example() {
    let (old, mut changed) = (archive(&example(sample(512))), sample(512));
    changed[256] ^= 1;
    let new = archive(&example(changed));
    let (bundle, head) = delta(&old, &new);
    let digest = headstart_model::Digest::of(&bundle[..head]);
    let head = headstart_model::Verified::check(&bundle[..head], &digest).expect("equal");
    let structure = section::decode_delta(&head, open(&old).complete().tree()).expect("own output");
    assert_eq!(structure.table.blocks().len(), 1);
    assert_eq!(structure.table.blocks()[0].bases.len(), 1, "the page explains a base");
}

#[test]
fn the_page_names_the_cut_points() {
    let bytes = archive(&crate::world::Files::from([("sample", sample(400_000))]));
    let reader = open(&bytes);
    let tree = reader.complete().tree();
    let cuts: Vec<_> = (0..tree.chunk_count()).map(|c| tree.chunk_bytes(c).to_string()).collect();
    let cuts = cuts.join(", ");
    assert!(PAGE.contains(&cuts), "docs/format/pack.md does not name the cut points {cuts}");
}

#[test]
fn the_page_names_every_limit() {
    let small = |bytes: usize| bytes as u64;
    let limits = [
        ("smallest chunk, but for the last of a file", small(limits::CHUNK_BYTES_MIN)),
        ("average chunk", small(limits::CHUNK_BYTES_AVERAGE)),
        ("largest chunk", small(limits::CHUNK_BYTES_MAX)),
        ("a block is closed at", small(limits::BLOCK_BYTES_TARGET)),
        ("plain bytes of a block", limits::BLOCK_BYTES_MAX),
        ("bases of a block, written, with the block itself", small(limits::BASES_BYTES_BUDGET)),
        ("bases of a block, read", limits::BASES_BYTES_MAX),
        ("chunks that a block is based on", limits::BASES_CHUNKS_MAX),
        ("chunks that all blocks of a bundle are based on", limits::TABLE_BASES_MAX),
        ("bytes of all paths of a pack", limits::PATHS_BYTES_MAX),
        ("plain bytes of a structure section", limits::STRUCTURE_BYTES_MAX),
        ("packaging manifest", limits::MANIFEST_BYTES_MAX),
        ("chunks of a pack", limits::CHUNKS_MAX),
        ("files and folders of a pack", limits::ENTRIES_MAX),
        ("files and folders, in an index that nobody signed", limits::UNSIGNED_ENTRIES_MAX),
        ("chunks of all files together, in such an index", limits::UNSIGNED_USES_MAX),
        ("bytes of all paths, in such an index", limits::UNSIGNED_PATHS_BYTES_MAX),
    ];
    for (name, limit) in limits {
        let row = format!("| {name} | {limit} |");
        assert!(PAGE.contains(&row), "docs/format/pack.md lacks `{row}`");
    }
}
