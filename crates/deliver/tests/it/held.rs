//! Versions that are held are believed only as far as they were verified.

use std::fs::{File, FileTimes};

use headstart_deliver::InstalledVersion;

use crate::world::{World, assert_files, open, version};

#[tokio::test]
async fn a_file_that_was_replaced_is_noticed_though_size_and_times_are_the_same() {
    let (world, packs) = World::with_versions(2, 3).await;
    let held = world.install("device", &packs[0]).await;
    let file = held.folder.join("files/same");
    let written = std::fs::metadata(&file).and_then(|facts| facts.modified()).expect("there");
    let mut bytes = std::fs::read(&file).expect("there");
    bytes[300_000] ^= 1;
    std::fs::remove_file(&file).expect("there");
    std::fs::write(&file, &bytes).expect("writable");
    let lying = File::options().write(true).open(&file).expect("there");
    lying.set_times(FileTimes::new().set_modified(written)).expect("settable");
    drop(lying);
    world.deliver(world.goal("device", &packs[1], vec![held])).await;
    assert_files(&world.path("device/2"), &version(2));
}

#[tokio::test]
async fn a_file_that_was_written_to_in_its_place_is_noticed() {
    let (world, packs) = World::with_versions(2, 3).await;
    let held = world.install("device", &packs[0]).await;
    let file = held.folder.join("files/tool");
    open(&file);
    let written = std::fs::metadata(&file).and_then(|facts| facts.modified()).expect("there");
    std::fs::write(&file, b"#!/bin/no\n").expect("writable");
    let lying = File::options().write(true).open(&file).expect("there");
    lying.set_times(FileTimes::new().set_modified(written)).expect("settable");
    drop(lying);
    world.deliver(world.goal("device", &packs[1], vec![held])).await;
    assert_files(&world.path("device/2"), &version(2));
}

#[cfg(unix)]
#[tokio::test]
async fn unchanged_files_are_shared_and_not_written() {
    use std::os::unix::fs::MetadataExt as _;
    let (world, packs) = World::with_versions(2, 3).await;
    let held = world.install("device", &packs[0]).await;
    let old = held.folder.clone();
    let outcome = world.deliver(world.goal("device", &packs[1], vec![held])).await;
    let blocks = |folder: &std::path::Path| {
        let facts = std::fs::metadata(folder.join("files/same")).expect("there");
        (facts.ino(), facts.nlink())
    };
    let (one, other) = (blocks(&old), blocks(&world.path("device/2")));
    // A disk with reflinks shares the bytes of two files, any other the file itself.
    assert!(one == other && one.1 == 2 || one.0 != other.0);
    assert_eq!(outcome.delivered.bytes_written, 4_400_000);
    let again = InstalledVersion::open(&old).expect("there");
    assert!(again.is_unchanged(), "the record follows the change time that a link moves");
}
