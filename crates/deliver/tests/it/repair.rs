//! A damaged version is built anew from what is undamaged of it.

use headstart_deliver::{InstalledVersion, Way};
use headstart_model::catalog::bundle_path;

use crate::world::{World, assert_files, open, version};

#[tokio::test]
async fn only_what_is_damaged_is_fetched_though_the_stamps_lie() {
    let (world, packs) = World::with_versions(1, 0).await;
    let held = world.install("device", &packs[0]).await;
    let damaged = held.folder.clone();
    let file = damaged.join("files/b");
    open(&file);
    let mut bytes = std::fs::read(&file).expect("there");
    bytes[700_000] ^= 1;
    std::fs::write(&file, &bytes).expect("writable");
    // As if the disk had changed it behind the system's back: the record has the stamp that the file has now.
    let record = InstalledVersion::open(&damaged).expect("there");
    let stamps = record.complete().tree().files().map(|(_, path, _)| {
        let file = damaged.join("files").join(path.as_str());
        headstart_sys::identity::FileStamp::of_path(&file).expect("there")
    });
    let stamps: Vec<_> = stamps.collect();
    InstalledVersion::write_record(&damaged, record.complete(), &stamps).expect("room");
    assert!(InstalledVersion::open(&damaged).expect("there").is_unchanged());

    let mut goal = world.goal("device", &packs[0], vec![held]);
    goal.finish.folder = world.path("device/1-repaired");
    let outcome = world.repair(goal).await;
    outcome.assert_as_stated();
    assert_eq!(outcome.receipt.way, Way::Repair);
    assert!((1..1_500_000).contains(&outcome.receipt.bytes_down), "one block: {outcome:?}");
    assert_eq!(outcome.receipt.bytes_written, 1_100_000, "the other files are shared");
    assert_files(&world.path("device/1-repaired"), &version(1));
    assert_eq!(std::fs::read(&file).expect("there"), bytes, "readers of the old one see no change");
}

#[tokio::test]
async fn what_is_undamaged_is_repaired_without_a_byte() {
    let (world, packs) = World::with_versions(1, 0).await;
    let held = world.install("device", &packs[0]).await;
    let mut goal = world.goal("device", &packs[0], vec![held]);
    goal.finish.folder = world.path("device/1-repaired");
    let outcome = world.repair(goal).await;
    outcome.assert_as_stated();
    assert_eq!((outcome.prepared.requests, outcome.moved.requests), (0, 0));
    assert_files(&world.path("device/1-repaired"), &version(1));
}

#[tokio::test]
async fn a_version_whose_record_is_lost_is_fetched_as_any_other() {
    let (world, packs) = World::with_versions(1, 0).await;
    let held = world.install("device", &packs[0]).await;
    std::fs::write(held.folder.join("version.record"), b"damaged").expect("writable");
    let mut goal = world.goal("device", &packs[0], vec![held]);
    goal.finish.folder = world.path("device/1-repaired");
    let outcome = world.repair(goal).await;
    outcome.assert_as_stated();
    assert_files(&world.path("device/1-repaired"), &version(1));
    assert!(world.repo(&bundle_path(&packs[0].full.digest)).exists());
}
