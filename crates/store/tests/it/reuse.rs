//! Taking over what an old version has.

use std::os::unix::fs::MetadataExt as _;

use headstart_store::{Assembly, InstalledVersion, Sharing};

use crate::world::{Packed, assert_files, finish, install, noise, pack, sample};

fn same(old: &InstalledVersion, new: &Packed) -> Vec<Option<u32>> {
    let old = old.complete().names();
    let number = |name| old.iter().position(|old| old == name).map(|n| n as u32);
    new.names.iter().map(number).collect()
}

struct World {
    home: tempfile::TempDir,
    old: InstalledVersion,
    new: Packed,
    expected: crate::world::Files,
}

fn world() -> World {
    let home = tempfile::tempdir().unwrap();
    let old = install(&pack(&sample()), &home.path().join("s"), &home.path().join("1"));
    let mut expected = sample();
    let mut edited = noise(1, 4_000_000);
    edited[2_000_000] ^= 1;
    expected.insert("data/copy.bin".into(), edited);
    expected.remove("empty");
    let new = pack(&expected);
    World { home, old, new, expected }
}

fn update(world: &World, sharing: Sharing) -> (headstart_store::Reused, InstalledVersion) {
    let old = InstalledVersion::open(world.old.folder()).unwrap();
    let staging = world.home.path().join("staging");
    let same = same(&old, &world.new);
    let mut assembly =
        Assembly::open(&staging, world.new.tree.clone(), &world.new.content).unwrap();
    let reused = assembly.reuse(old, &same, sharing).unwrap();
    for (number, stored) in (0..).zip(&world.new.blocks) {
        let block = &world.new.table.blocks()[number as usize];
        if block.chunks().any(|chunk| !assembly.held().contains(chunk)) {
            assembly.put_block(&world.new.table, number, stored).unwrap();
        }
    }
    let folder = world.home.path().join("2");
    assembly.finish(&world.new.content, &finish(&folder)).unwrap();
    (reused, InstalledVersion::open(&folder).unwrap())
}

fn inode(version: &InstalledVersion, path: &str) -> u64 {
    std::fs::metadata(version.files().join(path)).unwrap().ino()
}

#[test]
fn unchanged_files_are_not_written_again() {
    let world = world();
    let (reused, new) = update(&world, Sharing::HardLinks);
    assert_files(&new.files(), &world.expected);
    assert_files(&world.old.files(), &sample());
    assert_eq!(reused.files_cloned, 3, "big, other and run.sh");
    // The edited file's chunks but one or two come from the old version.
    assert!((3_700_000..4_000_000).contains(&reused.bytes_copied), "{}", reused.bytes_copied);
}

#[test]
fn a_version_that_shares_files_survives_the_end_of_the_other() {
    let world = world();
    let (_, new) = update(&world, Sharing::HardLinks);
    let shared = inode(&new, "data/big.bin") == inode(&world.old, "data/big.bin");
    new.while_unlinking(|| std::fs::remove_dir_all(world.old.folder())).unwrap();
    let new = InstalledVersion::open(new.folder()).unwrap();
    assert_files(&new.files(), &world.expected);
    assert!(new.is_unchanged(), "the stamps were brought along (shared: {shared})");
    assert!(new.verify().is_empty());
}

#[test]
fn independent_copies_share_no_file() {
    let world = world();
    let (_, new) = update(&world, Sharing::Independent);
    assert_files(&new.files(), &world.expected);
    assert_ne!(inode(&new, "data/big.bin"), inode(&world.old, "data/big.bin"));
}

#[test]
fn damage_in_the_old_version_never_reaches_the_new_one() {
    let world = world();
    let path = world.old.files().join("data/big.bin");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[3_000_000] ^= 1;
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    // The copy of the same content is damaged too: nowhere is the chunk found undamaged.
    let path = world.old.files().join("data/copy.bin");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[3_000_000] ^= 1;
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let damage: Vec<_> = world.old.verify().into_iter().map(|d| d.path.to_string()).collect();
    assert_eq!(damage, ["data/big.bin", "data/copy.bin"]);
    let (_, new) = update(&world, Sharing::HardLinks);
    assert_files(&new.files(), &world.expected);
}

#[test]
fn a_resumed_build_never_writes_through_to_the_old_version() {
    let world = world();
    let staging = world.home.path().join("staging");
    let old = InstalledVersion::open(world.old.folder()).unwrap();
    let same = same(&old, &world.new);
    let mut assembly =
        Assembly::open(&staging, world.new.tree.clone(), &world.new.content).unwrap();
    assembly.reuse(old, &same, Sharing::HardLinks).unwrap();
    drop(assembly);
    // The next attempt takes the full bundle and reuses nothing.
    install(&world.new, &staging, &world.home.path().join("2"));
    assert_files(&world.old.files(), &sample());
    assert_files(&world.home.path().join("2/files"), &world.expected);
    assert!(world.old.verify().is_empty());
}

#[test]
fn the_old_version_is_not_read_again_because_it_lent_its_files() {
    let world = world();
    update(&world, Sharing::HardLinks);
    let old = InstalledVersion::open(world.old.folder()).unwrap();
    assert!(old.is_unchanged(), "its record has the stamps that linking left");
}

#[test]
fn what_had_arrived_does_not_need_the_old_version() {
    let world = world();
    let staging = world.home.path().join("staging");
    let old = InstalledVersion::open(world.old.folder()).unwrap();
    let same = same(&old, &world.new);
    let mut assembly =
        Assembly::open(&staging, world.new.tree.clone(), &world.new.content).unwrap();
    for (number, stored) in (0..).zip(&world.new.blocks) {
        assembly.put_block(&world.new.table, number, stored).unwrap();
    }
    std::fs::remove_dir_all(old.files()).unwrap();
    assembly.reuse(old, &same, Sharing::HardLinks).unwrap();
    let folder = world.home.path().join("2");
    assembly.finish(&world.new.content, &finish(&folder)).unwrap();
    assert_files(&folder.join("files"), &world.expected);
}
