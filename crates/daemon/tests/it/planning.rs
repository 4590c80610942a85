//! What the service builds a version from, and what it does where files that it planned with have vanished.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use headstart::Require;
use jiff::Timestamp;

use crate::device::Device;
use crate::publisher::{Files, Policy, Publisher, Web, files, noise};

/// An author, and a folder for devices.
fn author() -> (tempfile::TempDir, Publisher) {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(folder.path(), Timestamp::now());
    (folder, publisher)
}

fn pack_of(publisher: &Publisher, id: &str, files: &Files) -> PathBuf {
    let source = publisher.folder.join("source").join(id);
    for (path, bytes) in files {
        let path = source.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    publisher.pack_folder(id, r#"{"onDemand":{}}"#, &source)
}

/// The bundles of a repository.
fn bundles(publisher: &Publisher) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![publisher.repository().join("bundles")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path);
            }
        }
    }
    found
}

fn bytes_of(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

#[test]
fn what_another_pack_of_the_app_has_is_not_fetched_again() {
    let (folder, publisher) = author();
    // Several blocks, so that not everything is fetched with what is new.
    let file = |number: u64| (format!("levels/{number}.bin"), noise(number, 1_100_000));
    let levels: Files = (0..4).map(file).collect();
    // The same bytes under other names, and something new.
    let moved = levels.iter().map(|(path, bytes)| (path.replace("levels", "maps"), bytes.clone()));
    let mut maps: Files = moved.collect();
    maps.insert("maps/new.bin".to_owned(), noise(4_711, 30_000));
    let archives = [pack_of(&publisher, "levels", &levels), pack_of(&publisher, "maps", &maps)];
    publisher.publish(&archives, Timestamp::now());
    let whole: u64 = bundles(&publisher).iter().map(|path| bytes_of(path)).sum();
    let web = Web::serve(&publisher.repository());
    let device = Device::new(folder.path(), &web.url, &publisher.root());
    let service = device.start(&[]);
    device.install().unwrap();
    device.ensure(&["levels"], Require::AnyVersion).unwrap();
    device.ensure(&["maps"], Require::AnyVersion).unwrap();
    assert!(device.read_pack("maps", maps.keys().cloned()).unwrap() == maps);
    assert!(device.read_pack("levels", levels.keys().cloned()).unwrap() == levels);
    service.stop(&device);
    let of_bundles = |path: &str| path.contains("/bundles/");
    let requests = web.finish();
    let sent = requests.iter().filter(|request| of_bundles(&request.path));
    let sent: u64 = sent.map(|request| request.bytes_sent).sum();
    // The one pack whole, and of the other what is new with the rest of its block.
    assert!(sent > whole / 2 && sent < whole * 7 / 10, "{sent} of {whole} bytes");
}

#[test]
fn a_delta_that_vanished_gives_way_to_what_is_held_and_the_full_bundle() {
    let (folder, publisher) = author();
    publisher.publish(&[publisher.pack("levels", Policy::OnDemand, 1)], Timestamp::now());
    let before = bundles(&publisher);
    let web = Web::serve(&publisher.repository());
    let device = Device::new(folder.path(), &web.url, &publisher.root());
    let service = device.start(&[]);
    device.install().unwrap();
    device.ensure(&["levels"], Require::AnyVersion).unwrap();

    publisher.publish(&[publisher.pack("levels", Policy::OnDemand, 2)], Timestamp::now());
    let after = bundles(&publisher);
    let delta = after.difference(&before).min_by_key(|path| bytes_of(path)).unwrap();
    std::fs::remove_file(delta).unwrap();
    device.ensure(&["levels"], Require::LatestVersion).unwrap();
    let expected = files("levels", 2);
    assert!(device.read_pack("levels", expected.keys().cloned()).unwrap() == expected);
    service.stop(&device);
    let requests = web.finish();
    assert!(requests.iter().any(|request| request.status == Some(404)), "the delta was asked for");
}

#[test]
fn a_version_whose_files_vanished_gives_way_to_the_newest_release() {
    let (folder, publisher) = author();
    publisher.publish(&[publisher.pack("levels", Policy::OnDemand, 1)], Timestamp::now());
    let first = bundles(&publisher);
    let web = Web::serve(&publisher.repository());
    let device = Device::new(folder.path(), &web.url, &publisher.root());
    let service = device.start(&[]);
    device.install().unwrap();
    // The device knows the first release; then there is a second, and the first is freed.
    publisher.publish(&[publisher.pack("levels", Policy::OnDemand, 2)], Timestamp::now());
    first.iter().for_each(|path| std::fs::remove_file(path).unwrap());
    device.ensure(&["levels"], Require::AnyVersion).unwrap();
    let expected = files("levels", 2);
    assert!(device.read_pack("levels", expected.keys().cloned()).unwrap() == expected);
    service.stop(&device);
    let requests = web.finish();
    assert!(requests.iter().any(|request| request.status == Some(404)), "the first was asked for");
}
