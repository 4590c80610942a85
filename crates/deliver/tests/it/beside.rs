//! Other packs of an app: content that moved from one to another is not fetched again.

use headstart_deliver::{HeldFolder, Sharing, Way};

use crate::world::{Files, World, assert_files, noise, version};

/// A pack that another one is beside, on the same device.
async fn beside(world: &World, files: &Files) -> HeldFolder {
    let pack = world.publish(files, 0).await;
    let held = world.install("other", &pack).await;
    HeldFolder { sharing: Sharing::Independent, ..held }
}

#[tokio::test]
async fn what_another_pack_has_is_not_fetched_again() {
    let world = World::new().await;
    let other = beside(&world, &version(1)).await;
    let mut moved = version(1);
    moved.insert("fresh", noise(77, 200_000));
    let pack = world.publish(&moved, 0).await;
    let mut goal = world.goal("device", &pack, Vec::new());
    goal.beside = vec![other];
    let outcome = world.deliver(goal).await;
    assert_eq!(outcome.receipt.way, Way::Mixed);
    outcome.assert_as_stated();
    let down = outcome.receipt.bytes_down + outcome.receipt.index_bytes_down;
    assert!(down * 4 < pack.full.bytes, "{down} of {}", pack.full.bytes);
    assert_files(&world.path("device/2"), &moved);
}

#[cfg(unix)]
#[tokio::test]
async fn no_file_is_shared_with_another_pack() {
    use std::os::unix::fs::MetadataExt as _;
    let world = World::new().await;
    let other = beside(&world, &version(1)).await;
    let there = other.folder.join("files/same");
    let mut moved = version(1);
    moved.insert("fresh", noise(77, 200_000));
    let pack = world.publish(&moved, 0).await;
    let mut goal = world.goal("device", &pack, Vec::new());
    goal.beside = vec![other];
    world.deliver(goal).await;
    // Whoever consumes a file of one pack may write to it.
    let inode = |path: &std::path::Path| std::fs::metadata(path).expect("there").ino();
    assert_ne!(inode(&there), inode(&world.path("device/2/files/same")));
}

#[tokio::test]
async fn another_pack_with_nothing_in_common_costs_the_names_only() {
    let world = World::new().await;
    let other = beside(&world, &Files::from([("far", noise(9, 900_000))])).await;
    let pack = world.publish(&version(1), 0).await;
    let alone = world.deliver(world.goal("alone", &pack, Vec::new())).await;
    let mut goal = world.goal("device", &pack, Vec::new());
    goal.beside = vec![other];
    let outcome = world.deliver(goal).await;
    let more = outcome.receipt.index_bytes_down - alone.receipt.index_bytes_down;
    assert_eq!(more, pack.index.names_bytes);
    assert_eq!(outcome.receipt.bytes_down, alone.receipt.bytes_down);
    assert_files(&world.path("device/2"), &version(1));
}

#[tokio::test]
async fn another_pack_is_not_looked_at_where_that_costs_more_than_it_promises() {
    let world = World::new().await;
    let other = beside(&world, &version(1)).await;
    // Cut into many chunks, and next to nothing when compressed.
    let text = (0..400_000_u32).flat_map(|number| [b'a' + u8::from(number % 7_919 == 0), b'\n']);
    let files = Files::from([("text", text.collect())]);
    let pack = world.publish(&files, 0).await;
    assert!(pack.index.names_bytes * 50 > pack.full.bytes, "{pack:?}");
    let mut goal = world.goal("device", &pack, Vec::new());
    goal.beside = vec![other];
    let outcome = world.deliver(goal).await;
    assert_eq!(outcome.receipt.way, Way::Full);
    assert_files(&world.path("device/2"), &files);
}
