//! Building a version, also after the power went.

use std::os::unix::fs::PermissionsExt as _;

use headstart_store::{Assembly, InstalledVersion, StoreError};

use crate::world::{assert_files, finish, install, pack, sample};

#[test]
fn a_version_is_built_from_its_blocks_and_is_read_only() {
    let home = tempfile::tempdir().unwrap();
    let packed = pack(&sample());
    let folder = home.path().join("packs/p/1");
    let version = install(&packed, &home.path().join("staging"), &folder);
    assert_files(&version.files(), &sample());
    assert!(version.files().join("hollow").is_dir());
    let mode =
        |path: &str| std::fs::metadata(version.files().join(path)).unwrap().permissions().mode();
    assert_eq!(mode("run.sh") & 0o777, 0o555);
    assert_eq!(mode("data/big.bin") & 0o777, 0o444);
    assert!(!home.path().join("staging").exists());
    assert!(version.verify().is_empty() && version.is_unchanged());
    assert_eq!(version.about().unwrap(), b"{}");
}

#[test]
fn what_had_arrived_is_not_wanted_again() {
    let home = tempfile::tempdir().unwrap();
    let staging = home.path().join("staging");
    let packed = pack(&sample());
    let half = packed.blocks.len() / 2;
    let mut assembly = Assembly::open(&staging, packed.tree.clone(), &packed.content).unwrap();
    for number in 0..half {
        assembly.put_block(&packed.table, number as u32, &packed.blocks[number]).unwrap();
    }
    let held = assembly.held().clone();
    assert!(held.count() > 0);
    drop(assembly);
    let mut assembly = Assembly::open(&staging, packed.tree.clone(), &packed.content).unwrap();
    assert_eq!(*assembly.held(), held);
    for number in half..packed.blocks.len() {
        assembly.put_block(&packed.table, number as u32, &packed.blocks[number]).unwrap();
    }
    let folder = home.path().join("done");
    assembly.finish(&packed.content, &finish(&folder)).unwrap();
    assert_files(&InstalledVersion::files_of(&folder), &sample());
}

#[test]
fn writes_that_a_power_cut_swallowed_are_noticed() {
    let home = tempfile::tempdir().unwrap();
    let staging = home.path().join("staging");
    let packed = pack(&sample());
    let mut assembly = Assembly::open(&staging, packed.tree.clone(), &packed.content).unwrap();
    for (number, stored) in (0..).zip(&packed.blocks) {
        assembly.put_block(&packed.table, number, stored).unwrap();
    }
    assert!(assembly.held().is_complete());
    drop(assembly);
    // The journal survived, a part of a file did not.
    let path = staging.join("files/data/other.bin");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100_000..100_100].fill(0);
    std::fs::write(&path, bytes).unwrap();
    let assembly = Assembly::open(&staging, packed.tree.clone(), &packed.content).unwrap();
    let missing = packed.tree.chunk_count() - assembly.held().count();
    assert!((1..=2).contains(&missing), "{missing} chunks are missing");
    let error = assembly.finish(&packed.content, &finish(&home.path().join("done"))).unwrap_err();
    assert!(matches!(error, StoreError::Incomplete { .. }), "{error}");
}

#[test]
fn what_was_begun_for_other_content_is_thrown_away() {
    let home = tempfile::tempdir().unwrap();
    let staging = home.path().join("staging");
    let packed = pack(&sample());
    let mut assembly = Assembly::open(&staging, packed.tree.clone(), &packed.content).unwrap();
    assembly.put_block(&packed.table, 0, &packed.blocks[0]).unwrap();
    drop(assembly);
    let mut other = sample();
    other.insert("data/other.bin".into(), crate::world::noise(9, 70_000));
    let other_pack = pack(&other);
    let assembly = Assembly::open(&staging, other_pack.tree.clone(), &other_pack.content).unwrap();
    assert_eq!(assembly.held().count(), 0);
    drop(assembly);
    let folder = home.path().join("done");
    install(&other_pack, &staging, &folder);
    assert_files(&InstalledVersion::files_of(&folder), &other);
}

#[test]
fn content_that_the_catalog_did_not_promise_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let packed = pack(&sample());
    let promised = headstart_model::Digest::of(b"something else");
    let staging = home.path().join("staging");
    let mut assembly = Assembly::open(&staging, packed.tree.clone(), &promised).unwrap();
    for (number, stored) in (0..).zip(&packed.blocks) {
        assembly.put_block(&packed.table, number, stored).unwrap();
    }
    let folder = home.path().join("done");
    let error = assembly.finish(&promised, &finish(&folder)).unwrap_err();
    assert_eq!(error.to_failure().code.as_str(), "contentDamaged");
    assert!(!folder.exists());
    let assembly = Assembly::open(&staging, packed.tree.clone(), &promised).unwrap();
    assert_eq!(assembly.held().count(), 0, "nothing of what was refused is trusted again");
}

#[test]
fn blocks_that_lied_do_not_spoil_the_next_attempt() {
    let home = tempfile::tempdir().unwrap();
    let (staging, folder) = (home.path().join("staging"), home.path().join("done"));
    let packed = pack(&sample());
    // The same tree with other bytes in it.
    let mut lies = sample();
    lies.insert("run.sh".into(), b"#!/bin/no\n".to_vec());
    let lying = pack(&lies);
    assert_eq!(lying.tree, packed.tree);
    let mut assembly = Assembly::open(&staging, packed.tree.clone(), &packed.content).unwrap();
    for (number, stored) in (0..).zip(&lying.blocks) {
        assembly.put_block(&lying.table, number, stored).unwrap();
    }
    let error = assembly.finish(&packed.content, &finish(&folder)).unwrap_err();
    assert!(matches!(error, StoreError::Format { .. }), "{error}");
    let version = install(&packed, &staging, &folder);
    assert_files(&version.files(), &sample());
}

#[test]
fn files_that_a_kill_left_read_only_can_be_written_again() {
    let home = tempfile::tempdir().unwrap();
    let staging = home.path().join("staging");
    let packed = pack(&sample());
    let mut assembly = Assembly::open(&staging, packed.tree.clone(), &packed.content).unwrap();
    for (number, stored) in (0..).zip(&packed.blocks) {
        assembly.put_block(&packed.table, number, stored).unwrap();
    }
    drop(assembly);
    // What finishing does first; then the kill. The mode is asked for, not a write: these tests may run as root.
    let path = |name: &str| staging.join("files").join(name);
    for (name, mode) in [("data/big.bin", 0o444), ("run.sh", 0o555)] {
        std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let assembly = Assembly::open(&staging, packed.tree.clone(), &packed.content).unwrap();
    for name in ["data/big.bin", "run.sh"] {
        let mode = std::fs::metadata(path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o200, 0o200, "{name}");
    }
    assert!(assembly.held().is_complete());
    let folder = home.path().join("done");
    assembly.finish(&packed.content, &finish(&folder)).unwrap();
    assert_files(&InstalledVersion::files_of(&folder), &sample());
}

#[test]
fn a_file_that_was_cut_off_is_never_recorded_as_whole() {
    let home = tempfile::tempdir().unwrap();
    let staging = home.path().join("staging");
    let packed = pack(&sample());
    let mut assembly = Assembly::open(&staging, packed.tree.clone(), &packed.content).unwrap();
    for (number, stored) in (0..).zip(&packed.blocks) {
        assembly.put_block(&packed.table, number, stored).unwrap();
    }
    let path = staging.join("files/data/other.bin");
    std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(7).unwrap();
    let folder = home.path().join("done");
    let error = assembly.finish(&packed.content, &finish(&folder)).unwrap_err();
    assert!(matches!(error, StoreError::Format { .. }), "{error}");
    assert!(!folder.exists());
}

/// Bytes that this thread has read so far.
#[cfg(target_os = "linux")]
fn bytes_read() -> u64 {
    let io = std::fs::read_to_string("/proc/thread-self/io").unwrap();
    let count = io.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap();
    count.parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_just_looked_at_is_not_read_again_unless_it_changed() {
    let world = tempfile::tempdir().unwrap();
    let (packed, staging) = (pack(&sample()), world.path().join("staging"));
    let open = || Assembly::open(&staging, packed.tree.clone(), &packed.content).unwrap();
    let mut assembly = open();
    for (number, stored) in (0..).zip(&packed.blocks) {
        assembly.put_block(&packed.table, number, stored).unwrap();
    }
    drop(assembly);
    let look = || {
        let before = bytes_read();
        let held = open().held().count();
        (held, bytes_read() - before)
    };
    let (all, read) = look();
    assert!(all == packed.tree.chunk_count() && read > 5_000_000, "{all} chunks, {read} bytes");
    let (again, read) = look();
    assert!(again == all && read < 500_000, "{again} chunks, {read} bytes");
    let file = staging.join("files/data/other.bin");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[700_000] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let (fewer, read) = look();
    assert_eq!(fewer, all - 1);
    assert!((1_000_000..2_500_000).contains(&read), "only that file: {read} bytes");
}
