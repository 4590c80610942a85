//! Archives to build versions from.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::path::Path;

use headstart_model::{Digest, PackPath};
use headstart_pack::selection::{SelectedFile, SelectedFolder, Selection};
use headstart_pack::{ArchiveReader, BlockTable, Level, Tree, build_archive};
use headstart_store::{Assembly, Finish, InstalledVersion};
use headstart_sys::mode::Access;

pub type Files = BTreeMap<String, Vec<u8>>;

pub fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(3_037_000_493);
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

pub fn sample() -> Files {
    let mut files = Files::new();
    files.insert("data/big.bin".into(), noise(1, 4_000_000));
    files.insert("data/copy.bin".into(), noise(1, 4_000_000));
    files.insert("data/other.bin".into(), noise(2, 1_500_000));
    files.insert("run.sh".into(), b"#!/bin/sh\n".to_vec());
    files.insert("empty".into(), Vec::new());
    files
}

pub struct Packed {
    pub tree: Tree,
    pub table: BlockTable,
    pub content: Digest,
    pub blocks: Vec<headstart_model::Verified<Vec<u8>>>,
    pub names: Vec<Digest>,
}

pub fn pack(files: &Files) -> Packed {
    pack_at(Level::Fast, files)
}

pub fn pack_at(level: Level, files: &Files) -> Packed {
    let folder = tempfile::tempdir().unwrap();
    let mut selection = Selection::default();
    selection.folders.push(SelectedFolder { path: PackPath::new("hollow").unwrap() });
    for (number, (path, bytes)) in files.iter().enumerate() {
        let source = folder.path().join(number.to_string());
        std::fs::write(&source, bytes).unwrap();
        selection.files.push(SelectedFile {
            path: PackPath::new(path.as_str()).unwrap(),
            source,
            size: bytes.len() as u64,
            executable: path.ends_with(".sh"),
        });
    }
    let mut out = Cursor::new(Vec::new());
    let go_on = &mut |_| ControlFlow::Continue(());
    build_archive(b"{}", &selection, level, &mut out, go_on).unwrap();
    let mut reader = ArchiveReader::open(out).unwrap();
    let mut blocks = Vec::new();
    reader
        .blocks(|_, stored| {
            blocks.push(stored);
            Ok::<_, headstart_pack::FormatError>(())
        })
        .unwrap();
    Packed {
        tree: reader.complete().tree().clone(),
        table: reader.table().clone(),
        content: reader.header().content,
        names: reader.complete().names().to_vec(),
        blocks,
    }
}

pub fn finish(folder: &Path) -> Finish {
    Finish { folder: folder.to_owned(), access: Access::ReadOnly, about: b"{}".to_vec() }
}

/// Builds a version from all its blocks.
pub fn install(packed: &Packed, staging: &Path, folder: &Path) -> InstalledVersion {
    let mut assembly = Assembly::open(staging, packed.tree.clone(), &packed.content).unwrap();
    for (number, stored) in (0..).zip(&packed.blocks) {
        assembly.put_block(&packed.table, number, stored).unwrap();
    }
    assembly.finish(&packed.content, &finish(folder)).unwrap();
    InstalledVersion::open(folder).unwrap()
}

pub fn assert_files(folder: &Path, expected: &Files) {
    let mut found = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(below, std::fs::read(&path).unwrap());
            }
        }
    }
    assert!(&found == expected, "the files differ");
}
