//! Containers: chunks of opened forms come in, files come out.

use std::path::Path;

use flate2::{Compress, Compression, FlushCompress};
use headstart_model::{Digest, PackPath};
use headstart_pack::{FileKind, Level, TreeBuilder};
use headstart_store::{Assembly, InstalledVersion, Sharing, StoreError};

use crate::world::{Files, Packed, assert_files, finish, install, pack_at};

fn member(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_862_933_555_777_941_757) + 1;
    let mut out = Vec::new();
    while out.len() < 60_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let row = (state >> 33) % 400;
        let line =
            format!("row {row} of {seed} has {:x} and {:x}\n", row * row * 7919, row * 104_729);
        out.extend_from_slice(line.as_bytes());
    }
    out
}

/// A zip file as zlib writes its members; the directory at the end is left out, for nobody here looks at it.
fn zip(members: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for plain in members {
        let mut packed = Vec::with_capacity(plain.len() + 1000);
        let mut compress = Compress::new(Compression::new(6), false);
        compress.compress_vec(plain, &mut packed, FlushCompress::Finish).unwrap();
        out.extend_from_slice(b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0");
        out.extend((packed.len() as u32).to_le_bytes());
        out.extend((plain.len() as u32).to_le_bytes());
        out.extend_from_slice(b"\x01\0\0\0a");
        out.extend_from_slice(&packed);
    }
    out
}

fn files(edit: Option<&str>) -> Files {
    let mut members: Vec<_> = (1..20).map(member).collect();
    if let Some(edit) = edit {
        members[9].splice(30_000..30_000, edit.bytes());
    }
    let mut files = Files::new();
    files.insert("assets.zip".into(), zip(&members));
    files.insert("same.jar".into(), zip(&[member(50), member(51)]));
    files.insert("tool.sh".into(), zip(&[member(60)]));
    files
}

fn packed(files: &Files) -> Packed {
    let packed = pack_at(Level::Balanced, files);
    assert!(packed.tree.files().all(|(_, _, file)| file.opened.is_some()));
    packed
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn same(old: &InstalledVersion, new: &Packed) -> Vec<Option<u32>> {
    let old = old.complete().names();
    let number = |name| old.iter().position(|old| old == name).map(|n| n as u32);
    new.names.iter().map(number).collect()
}

#[test]
fn containers_are_installed_bit_for_bit_and_nothing_else_stays() {
    let home = tempfile::tempdir().unwrap();
    let version = install(&packed(&files(None)), &home.path().join("s"), &home.path().join("1"));
    assert_files(&version.files(), &files(None));
    let names = names_in(&home.path().join("1"));
    assert_eq!(names, ["about.json", "files", "recipes", "version.record"]);
    assert!(version.verify().is_empty());
    assert!(version.is_unchanged());
}

#[test]
fn an_edit_in_one_member_leaves_nearly_every_chunk_and_every_other_file() {
    let home = tempfile::tempdir().unwrap();
    let old = install(&packed(&files(None)), &home.path().join("s"), &home.path().join("1"));
    let new = packed(&files(Some("a new row\n")));
    let same = same(&old, &new);
    let mut assembly =
        Assembly::open(&home.path().join("s"), new.tree.clone(), &new.content).unwrap();
    let reused = assembly.reuse(old, &same, Sharing::HardLinks).unwrap();
    assert_eq!(reused.files_cloned, 2, "{reused:?}");
    let bytes = |held: bool| -> u64 {
        let chunks = (0..new.tree.chunk_count()).filter(|n| assembly.held().contains(*n) == held);
        chunks.map(|chunk| u64::from(new.tree.chunk_bytes(chunk))).sum()
    };
    assert!(bytes(false) * 5 < bytes(true), "{} of {} lacking", bytes(false), bytes(true));
    // Also chunks of files that were taken over whole serve as bases.
    let mut read = Vec::new();
    for chunk in 0..new.tree.chunk_count() {
        if assembly.held().contains(chunk) {
            read.clear();
            assembly.read_chunk(chunk, &mut read).unwrap();
            assert_eq!(Digest::of(&read), new.names[chunk as usize]);
        }
    }
    for (number, stored) in (0..).zip(&new.blocks) {
        assembly.put_block(&new.table, number, stored).unwrap();
    }
    let built = assembly.finish(&new.content, &finish(&home.path().join("2"))).unwrap();
    let zip = files(Some("a new row\n"))["assets.zip"].len() as u64;
    assert!(built.bytes_written > zip, "the form and the file are counted");
    let version = InstalledVersion::open(&home.path().join("2")).unwrap();
    assert_files(&version.files(), &files(Some("a new row\n")));
    // What was taken over whole can be opened again from its new place.
    std::fs::remove_dir_all(home.path().join("1")).unwrap();
    let version = InstalledVersion::open(&home.path().join("2")).unwrap();
    for chunk in 0..new.tree.chunk_count() {
        read.clear();
        version.read_chunk(chunk, &mut read).unwrap();
    }
}

#[test]
fn a_kill_between_any_two_blocks_or_while_files_are_made_loses_nothing() {
    let home = tempfile::tempdir().unwrap();
    let new = packed(&files(None));
    let open = || Assembly::open(&home.path().join("s"), new.tree.clone(), &new.content).unwrap();
    let mut held = 0;
    for (number, stored) in (0..).zip(&new.blocks) {
        let mut assembly = open();
        assert_eq!(assembly.held().count(), held, "what had arrived is found again");
        assembly.put_block(&new.table, number, stored).unwrap();
        held = assembly.held().count();
    }
    // A kill while a file is being made leaves part of it, and its form.
    let part = &files(None)["assets.zip"][..5000];
    std::fs::write(home.path().join("s/files/assets.zip"), part).unwrap();
    let assembly = open();
    assert_eq!(assembly.held().count(), new.tree.chunk_count());
    assembly.finish(&new.content, &finish(&home.path().join("1"))).unwrap();
    assert_files(&home.path().join("1/files"), &files(None));
}

#[test]
fn a_changed_container_is_noticed_and_no_chunk_comes_from_it_unverified() {
    let home = tempfile::tempdir().unwrap();
    let new = packed(&files(None));
    let version = install(&new, &home.path().join("s"), &home.path().join("1"));
    let path = version.files().join("assets.zip");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(version.verify().len(), 1);
    let mut read = Vec::new();
    for chunk in 0..new.tree.chunk_count() {
        read.clear();
        if version.read_chunk(chunk, &mut read).is_some() {
            assert_eq!(Digest::of(&read), new.names[chunk as usize]);
        }
    }
}

#[test]
fn a_form_that_makes_another_file_than_promised_is_refused_and_begun_anew() {
    let home = tempfile::tempdir().unwrap();
    let honest = packed(&files(None));
    let mut builder = TreeBuilder::new();
    builder.folder(&PackPath::new("hollow").unwrap());
    for (_, path, file) in honest.tree.files() {
        let kind = FileKind::Opened { bytes: file.size, digest: Digest::of(b"another") };
        let chunk = |n: &u32| (honest.names[*n as usize], honest.tree.chunk_bytes(*n));
        let chunks: Vec<_> = honest.tree.chunks_of(file).iter().map(chunk).collect();
        builder.file_of(path, (file.executable, kind), chunks).unwrap();
    }
    let lying = builder.finish();
    let (tree, content) = (lying.tree().clone(), lying.content());
    let staging = home.path().join("s");
    let mut assembly = Assembly::open(&staging, tree.clone(), &content).unwrap();
    for (number, stored) in (0..).zip(&honest.blocks) {
        assembly.put_block(&honest.table, number, stored).unwrap();
    }
    let refused = assembly.finish(&content, &finish(&home.path().join("1")));
    assert!(matches!(refused, Err(StoreError::Format { .. })), "{refused:?}");
    assert!(!home.path().join("1").exists());
    assert_eq!(Assembly::open(&staging, tree, &content).unwrap().held().count(), 0);
}
