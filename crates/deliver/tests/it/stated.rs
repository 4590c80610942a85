//! What is said beforehand is what is measured, whatever the way.

use flate2::{Compress, Compression, FlushCompress};
use headstart_deliver::{HeldFolder, InstalledVersion, Receipt, Sharing, Way, scan_seed};
use headstart_model::PackVersion;
use headstart_pack::Level;

use crate::world::{Files, World, assert_files, noise, version, write};

#[tokio::test]
async fn a_fresh_install() {
    let (world, packs) = World::with_versions(1, 0).await;
    let outcome = world.deliver(world.goal("device", &packs[0], Vec::new())).await;
    outcome.assert_as_stated();
    assert_eq!(outcome.receipt.way, Way::Full);
    assert_eq!(outcome.receipt.bytes_written, packs[0].installed_size);
    assert_files(&world.path("device/1"), &version(1));
}

#[tokio::test]
async fn the_same_content_under_another_number() {
    let (world, packs) = World::with_versions(1, 0).await;
    let held = world.install("device", &packs[0]).await;
    let mut again = packs[0].clone();
    again.version = PackVersion(7);
    let outcome = world.deliver(world.goal("device", &again, vec![held])).await;
    outcome.assert_as_stated();
    assert_eq!((outcome.receipt.way, outcome.moved.requests), (Way::Same, 0));
    assert_eq!(outcome.receipt.bytes_written, 0, "every file is shared");
}

#[tokio::test]
async fn the_delta_from_the_version_held() {
    let (world, packs) = World::with_versions(2, 3).await;
    let held = world.install("device", &packs[0]).await;
    let outcome = world.deliver(world.goal("device", &packs[1], vec![held])).await;
    outcome.assert_as_stated();
    assert_eq!(outcome.receipt.way, Way::Delta { from: PackVersion(1) });
    let all = outcome.receipt.bytes_down + outcome.receipt.index_bytes_down;
    assert_eq!(all, packs[1].deltas[0].bytes);
    assert_eq!(outcome.receipt.bytes_written, 4 * 1_100_000, "two files are shared");
    assert_files(&world.path("device/2"), &version(2));
}

#[tokio::test]
async fn deltas_one_after_the_other_for_a_device_that_is_older_than_those_kept() {
    let (world, packs) = World::with_versions(4, 1).await;
    let held = world.install("device", &packs[0]).await;
    let newest = &packs[3];
    assert!(newest.delta_from(packs[0].version, &packs[0].content).is_none());
    let outcome = world.deliver(world.goal("device", newest, vec![held])).await;
    outcome.assert_as_stated();
    assert_eq!(outcome.receipt.way, Way::Chain { from: PackVersion(1), deltas: 3 });
    assert!(outcome.receipt.bytes_written > newest.installed_size - 600_010, "and what lies aside");
    let all = outcome.receipt.bytes_down + outcome.receipt.index_bytes_down;
    assert!(all < newest.full.bytes / 10, "{outcome:?}");
    assert_files(&world.path("device/4"), &version(4));
}

/// Four files, in each of which every chunk differs from that of another version by a few bytes.
fn edited(number: u64) -> Files {
    let file = |seed: u64| {
        let mut bytes = noise(seed, 2_500_000);
        for place in bytes.chunks_mut(20_000) {
            place[..8].copy_from_slice(&noise(1000 + number, 8));
        }
        bytes
    };
    [("a", file(1)), ("b", file(2)), ("c", file(3)), ("d", file(4)), ("same", noise(5, 2_500_000))]
        .into()
}

/// A folder with two of the four files as they are in each of two versions.
fn halves(world: &World, pack: &headstart_model::catalog::CatalogPack) -> HeldFolder {
    let (one, other) = (edited(1), edited(2));
    let files = [("a", &one), ("b", &one), ("c", &other), ("d", &other), ("same", &one)];
    let files = files.map(|(name, version)| (name, version[name].clone())).into();
    let seed = world.path("seed");
    write(&seed, &files);
    scan_seed(&seed, &world.path("seed-record"), pack).expect("readable")
}

#[tokio::test]
async fn parts_of_two_versions_take_what_their_deltas_give_and_the_rest_from_the_full_bundle() {
    let world = World::new().await;
    world.publish(&edited(1), 0).await;
    world.publish(&edited(2), 1).await;
    let newest = &world.publish(&edited(3), 2).await;
    let held = halves(&world, newest);
    let outcome = world.deliver(world.goal("device", newest, vec![held])).await;
    outcome.assert_as_stated();
    assert_eq!(outcome.receipt.way, Way::Mixed);
    let all = outcome.receipt.bytes_down + outcome.receipt.index_bytes_down;
    assert!(all < newest.full.bytes / 4, "{all} of {}", newest.full.bytes);
    assert_files(&world.path("device/3"), &edited(3));
}

#[tokio::test]
async fn a_version_that_lacks_little_is_completed_where_that_is_much_of_what_is_wanted() {
    // Of each file the first fifth differs: of `a` and `b` as much as a block takes.
    let version = |number: u64| -> Files {
        let head_of = |(name, mut bytes): (&'static str, Vec<u8>)| {
            let first = &edited(0)[name];
            bytes[530_000..].copy_from_slice(&first[530_000..]);
            (name, bytes)
        };
        edited(number).into_iter().map(head_of).collect()
    };
    let world = World::new().await;
    world.publish(&version(1), 0).await;
    world.publish(&version(2), 1).await;
    let newest = &world.publish(&version(3), 1).await;
    let (one, other) = (version(1), version(2));
    let files = [("a", &one), ("b", &one), ("c", &other), ("d", &other), ("same", &one)];
    let seed = world.path("seed");
    write(&seed, &files.map(|(name, version)| (name, version[name].clone())).into());
    let held = scan_seed(&seed, &world.path("seed-record"), newest).expect("readable");
    let outcome = world.deliver(world.goal("device", newest, vec![held])).await;
    outcome.assert_as_stated();
    assert_eq!(outcome.receipt.way, Way::Mixed);
    let bytes = outcome.receipt.bytes_down;
    assert!(bytes < 600_000, "{bytes}: the delta from version 1 completes version 2");
    assert_files(&world.path("device/3"), &version(3));
}

#[tokio::test]
async fn a_folder_that_nobody_installed_finds_the_chain_by_the_names_of_its_chunks() {
    let world = World::new().await;
    for number in 1..=3 {
        world.publish(&edited(number), 1).await;
    }
    let newest = &world.publish(&edited(4), 1).await;
    let seed = world.path("seed");
    write(&seed, &edited(2));
    // One file more: it has the content of no version.
    std::fs::write(seed.join("mine"), b"mine").expect("room");
    let held = scan_seed(&seed, &world.path("seed-record"), newest).expect("readable");
    let outcome = world.deliver(world.goal("device", newest, vec![held])).await;
    outcome.assert_as_stated();
    assert_eq!(outcome.receipt.way, Way::Mixed);
    let all = outcome.receipt.bytes_down + outcome.receipt.index_bytes_down;
    assert!(all < newest.full.bytes / 4, "{all} of {}", newest.full.bytes);
    assert_files(&world.path("device/4"), &edited(4));
}

#[tokio::test]
async fn more_folders_than_a_plan_takes_close_no_way() {
    let world = World::new().await;
    world.publish(&edited(1), 0).await;
    world.publish(&edited(2), 1).await;
    let newest = &world.publish(&edited(3), 2).await;
    let held = halves(&world, newest);
    let outcome = world.deliver(world.goal("device", newest, vec![held; 30])).await;
    outcome.assert_as_stated();
    assert_eq!(outcome.receipt.way, Way::Mixed);
    let all = outcome.receipt.bytes_down + outcome.receipt.index_bytes_down;
    assert!(all < newest.full.bytes / 4, "{all} of {}", newest.full.bytes);
    assert_files(&world.path("device/3"), &edited(3));
}

/// Takes a file away as handing it over does.
fn hand_over(held: &HeldFolder, file: &str) {
    std::fs::remove_file(held.folder.join("files").join(file)).expect("there");
    let list = format!(r#"{{"{file}":"done"}}"#);
    std::fs::write(held.folder.join("consumed.json"), list).expect("writable");
}

#[tokio::test]
async fn a_file_that_was_handed_over_is_counted_as_lacking() {
    let (world, packs) = World::with_versions(2, 3).await;
    let held = world.install("device", &packs[0]).await;
    hand_over(&held, "a");
    let outcome = world.deliver(world.goal("device", &packs[1], vec![held])).await;
    outcome.assert_as_stated();
    assert_eq!((outcome.receipt.way, outcome.delivered.way), (Way::Mixed, Way::Mixed));
    assert!(outcome.receipt.bytes_down > 1_000_000, "{outcome:?}");
    assert_files(&world.path("device/2"), &version(2));
}

#[tokio::test]
async fn a_file_that_was_handed_over_is_not_shared_though_another_has_its_chunks() {
    let world = World::new().await;
    let copies = |number| {
        let mut files = version(number);
        files.insert("copy", [files["same"].clone(), noise(9, 1000)].concat());
        files
    };
    let one = world.publish(&copies(1), 0).await;
    let other = world.publish(&copies(2), 1).await;
    let held = world.install("device", &one).await;
    hand_over(&held, "same");
    let outcome = world.deliver(world.goal("device", &other, vec![held])).await;
    outcome.assert_as_stated();
    assert!(outcome.receipt.bytes_down > 0, "the last chunk of it");
    assert_files(&world.path("device/2"), &copies(2));
}

/// A zip file of so many members of 60 KB; the directory at its end is left out, for nobody here looks at it. `edit` is put into one of them.
fn zip(seed: u64, members: u64, edit: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for member in 0..members {
        let row = |n: u64| format!("row {n} of {seed} {member} has {:x}\n", n * n * 7919 % 104_729);
        let mut plain = (0..2500).map(row).collect::<String>().into_bytes();
        if member == members / 2 {
            plain.splice(30_000..30_000, edit.bytes());
        }
        let mut packed = Vec::with_capacity(plain.len() + 1000);
        let mut compress = Compress::new(Compression::new(6), false);
        compress.compress_vec(&plain, &mut packed, FlushCompress::Finish).expect("room");
        out.extend_from_slice(b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0");
        for length in [packed.len(), plain.len()] {
            out.extend(u32::try_from(length).expect("small").to_le_bytes());
        }
        out.extend_from_slice(b"\x01\0\0\0a");
        out.extend_from_slice(&packed);
    }
    out
}

#[tokio::test]
async fn opened_forms_that_are_made_again_are_written_and_take_room() {
    let world = World::new().await;
    let files = |edit| {
        Files::from([
            ("large", zip(1, 20, edit)),
            ("other", zip(2, 8, edit)),
            ("same", zip(3, 5, "")),
        ])
    };
    let one = world.publish_at(Level::Balanced, &files(""), 0).await;
    let other = world.publish_at(Level::Balanced, &files("a new row\n"), 1).await;
    let held = world.install("device", &one).await;
    let installed = InstalledVersion::open(&held.folder).expect("there");
    let tree = installed.complete().tree();
    let form = |name: &str| {
        let file = tree.files().find(|(_, path, _)| path.as_str() == name).expect("there").2;
        assert!(file.opened.is_some());
        tree.chunked_bytes(file)
    };
    let forms = form("large") + form("other");
    let outcome = world.deliver(world.goal("device", &other, vec![held])).await;
    outcome.assert_as_stated();
    assert_eq!(outcome.receipt.way, Way::Delta { from: PackVersion(1) });
    // The old forms, the new ones, and the new files.
    let Receipt { bytes_written, peak_extra_disk, .. } = outcome.receipt;
    assert!(bytes_written > 2 * forms && peak_extra_disk > 2 * forms, "{forms} {outcome:?}");
    assert_files(&world.path("device/2"), &files("a new row\n"));
}

#[tokio::test]
async fn a_damaged_file_of_the_version_held_costs_what_is_damaged() {
    let (world, packs) = World::with_versions(2, 3).await;
    let held = world.install("device", &packs[0]).await;
    let file = held.folder.join("files/a");
    crate::world::open(&file);
    let mut bytes = std::fs::read(&file).expect("there");
    bytes[500_000] ^= 1;
    std::fs::write(&file, bytes).expect("writable");
    let outcome = world.deliver(world.goal("device", &packs[1], vec![held])).await;
    assert_files(&world.path("device/2"), &version(2));
    assert!(outcome.moved.body_bytes < packs[1].full.bytes / 2, "{outcome:?}");
}

#[tokio::test]
async fn files_that_may_not_be_shared_are_written_unless_the_disk_clones_them() {
    let (world, packs) = World::with_versions(2, 3).await;
    let held = world.install("device", &packs[0]).await;
    let held = HeldFolder { sharing: Sharing::Independent, ..held };
    let outcome = world.deliver(world.goal("device", &packs[1], vec![held])).await;
    outcome.assert_as_stated();
    let written = outcome.receipt.bytes_written;
    assert!([4_400_000, packs[1].installed_size].contains(&written), "{written}");
}
