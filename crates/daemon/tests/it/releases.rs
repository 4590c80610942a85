//! Releases that follow each other while programs read.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use headstart::{Connector, Namespace, Require, Start};
use jiff::Timestamp;

use crate::child::{Gate, task};
use crate::device::{APP, Device};
use crate::publisher::{Publisher, Web, noise};

const PACKS: [&str; 4] = ["levels", "maps", "music", "sounds"];
const RELEASES: u64 = 10;

/// A file that says which release it is of, and one that cannot be of another.
fn files(pack: &str, release: u64) -> [(String, Vec<u8>); 2] {
    // Sizes change, so that now the one pack and now the other arrives first.
    let bytes = 2_000 + 9_000 * usize::try_from((release + pack.len() as u64) % 3).unwrap();
    [
        (format!("{pack}/release"), release.to_string().into_bytes()),
        (format!("{pack}/data"), noise(release * 100 + pack.len() as u64, bytes)),
    ]
}

fn publish(publisher: &Publisher, release: u64) {
    let archives: Vec<PathBuf> = PACKS
        .iter()
        .map(|pack| {
            let source = publisher.folder.join(format!("source/{release}/{pack}"));
            std::fs::create_dir_all(source.join(pack)).unwrap();
            for (path, bytes) in files(pack, release) {
                std::fs::write(source.join(path), bytes).unwrap();
            }
            publisher.pack_folder(pack, r#"{"onDemand":{}}"#, &source)
        })
        .collect();
    publisher.publish(&archives, Timestamp::now());
}

/// Reads every file of every pack; gives the release that all of them are of.
fn read_all(namespace: &Namespace) -> u64 {
    let text = namespace.contents("levels/release").unwrap();
    let release = std::str::from_utf8(&text).unwrap().parse().unwrap();
    for pack in PACKS {
        for (path, bytes) in files(pack, release) {
            let read = namespace.contents(&path).unwrap();
            assert!(*read == bytes[..], "{path} is not of release {release}, as levels is");
        }
        assert_eq!(namespace.local_version(pack).unwrap().0, release);
    }
    release
}

/// Reads until the last release was read; releases never go back.
fn watch(home: &Path, gone: &AtomicBool) -> u64 {
    let app = headstart::AppId::new(APP).unwrap();
    let connector = Connector::new().home(home).start(Start::Never).app(app);
    let library = connector.asset_packs_blocking().unwrap();
    let (mut last, mut reads) = (0, 0);
    while last < RELEASES && !gone.load(Ordering::Relaxed) {
        let release = read_all(&library.namespace().unwrap());
        assert!(release >= last, "release {release} after {last}");
        last = release;
        reads += 1;
    }
    reads
}

#[test]
fn no_reader_sees_a_mixture_of_releases_while_they_follow_each_other() {
    if let Some(task) = task() {
        task.await_gate();
        watch(&task.home, &AtomicBool::new(false));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(folder.path(), Timestamp::now());
    publish(&publisher, 1);
    let web = Web::serve(&publisher.repository());
    let device = Device::new(folder.path(), &web.url, &publisher.root());
    let service = device.start(&[]);
    device.install().unwrap();
    device.ensure(&PACKS, Require::AnyVersion).unwrap();

    let gate = Gate::closed(folder.path());
    let test = "releases::no_reader_sees_a_mixture_of_releases_while_they_follow_each_other";
    let mut child = gate.child(test, &device.home, 0);
    gate.open();
    let (gone, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| reads.fetch_add(watch(&device.home, &gone), Ordering::Relaxed));
        }
        let released = std::panic::catch_unwind(|| release_all(&publisher, &device));
        gone.store(released.is_err(), Ordering::Relaxed);
        if let Err(panic) = released {
            let _ = child.kill();
            std::panic::resume_unwind(panic);
        }
    });
    assert!(child.wait().unwrap().success(), "the other process saw no mixture either");
    assert!(reads.into_inner() > RELEASES, "there were readers all the while");
    service.stop(&device);
    drop(web);
}

fn release_all(publisher: &Publisher, device: &Device) {
    let library = device.library().unwrap();
    for release in 2..=RELEASES {
        publish(publisher, release);
        // Now a check is all, now somebody waits for one pack of four; the next release does not wait for either.
        if release.is_multiple_of(2) {
            library.check_for_updates().unwrap();
        } else {
            let pack = library.asset_pack("maps").unwrap();
            library.ensure_local_availability_with(&pack, Require::LatestVersion).unwrap();
        }
    }
    device.ensure(&PACKS, Require::LatestVersion).unwrap();
}
