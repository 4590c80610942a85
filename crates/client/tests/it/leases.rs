//! What was opened stays, and the service can see that it is held.

use std::sync::atomic::{AtomicBool, Ordering};

use headstart::blocking::AssetPackManager;
use headstart_sys::lock::{FileLock, Sharing};

use crate::fake_service::Device;
use crate::installed::{Packs, install, pack_folder, snapshot_file};
use crate::samples::app;

fn manager(device: &Device) -> AssetPackManager {
    device.connector().app(app()).asset_packs_blocking().unwrap()
}

fn publish(device: &Device, version: u64) {
    let text = format!("version {version}");
    let packs = Packs::default().with("base", version, &[("a", &text), ("b", &text)]);
    install(&device.home(), version, &packs);
}

/// As the service asks before it deletes a generation.
fn is_leased(device: &Device, generation: u64) -> bool {
    let path = snapshot_file(&device.home(), generation);
    FileLock::try_acquire(&path, Sharing::Exclusive).unwrap().is_none()
}

#[test]
fn a_new_generation_is_read_and_a_held_one_stays() {
    let device = Device::new();
    publish(&device, 1);
    let packs = manager(&device);
    let held = packs.namespace().unwrap();
    publish(&device, 2);
    assert_eq!(*packs.contents("a").unwrap(), *b"version 2");
    assert_eq!(*held.contents("a").unwrap(), *b"version 1");
    assert_eq!((held.generation(), packs.namespace().unwrap().generation()), (1, 2));
    assert!(is_leased(&device, 1));
    drop(held);
    assert!(!is_leased(&device, 1));
    assert!(is_leased(&device, 2));
}

#[test]
fn contents_outlive_update_and_removal() {
    let device = Device::new();
    publish(&device, 1);
    let packs = manager(&device);
    let contents = packs.contents("a").unwrap();
    publish(&device, 2);
    assert_eq!(*packs.contents("b").unwrap(), *b"version 2");
    assert!(is_leased(&device, 1), "the contents hold it");
    std::fs::remove_dir_all(pack_folder(&device.home(), "base", 1)).unwrap();
    assert_eq!(*contents, *b"version 1");
    drop(contents);
    assert!(!is_leased(&device, 1));
}

#[test]
fn a_path_that_was_given_away_is_kept_until_it_is_released() {
    let device = Device::new();
    publish(&device, 1);
    let packs = manager(&device);
    let at = packs.path("a").unwrap();
    publish(&device, 2);
    assert_eq!(*packs.contents("a").unwrap(), *b"version 2");
    assert!(is_leased(&device, 1));
    assert_eq!(std::fs::read(at).unwrap(), b"version 1");
    packs.release_paths();
    assert!(!is_leased(&device, 1));
    assert!(!is_leased(&device, 2));
    assert_eq!(*packs.contents("a").unwrap(), *b"version 2");
}

#[test]
fn an_app_that_was_installed_again_is_read_anew_though_it_counts_from_one() {
    let device = Device::new();
    install(&device.home(), 1, &Packs::default().with("base", 1, &[("a", "before")]));
    let packs = manager(&device);
    assert_eq!(*packs.contents("a").unwrap(), *b"before");
    std::fs::remove_dir_all(device.home().join("apps")).unwrap();
    install(&device.home(), 1, &Packs::default().with("base", 7, &[("a", "afterwards")]));
    assert_eq!(*packs.contents("a").unwrap(), *b"afterwards");
    assert_eq!(packs.local_version("base").unwrap(), headstart::PackVersion(7));
}

#[test]
fn no_reader_sees_a_mixture_while_generations_come_and_go() {
    let device = Device::new();
    publish(&device, 1);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for version in 2..=200 {
                publish(&device, version);
                // What nobody holds goes, as with the service.
                let old = snapshot_file(&device.home(), version - 1);
                if let Some(_alone) = FileLock::try_acquire(&old, Sharing::Exclusive).unwrap() {
                    std::fs::remove_file(old).unwrap();
                    std::fs::remove_dir_all(pack_folder(&device.home(), "base", version - 1))
                        .unwrap();
                }
            }
            done.store(true, Ordering::SeqCst);
        });
        for _ in 0..3 {
            scope.spawn(|| {
                let packs = manager(&device);
                let mut last = 0;
                while !done.load(Ordering::SeqCst) {
                    let namespace = packs.namespace().unwrap();
                    let (a, b) =
                        (namespace.contents("a").unwrap(), namespace.contents("b").unwrap());
                    assert_eq!(*a, *b);
                    assert!(namespace.generation() >= last, "never back");
                    last = namespace.generation();
                }
                assert_eq!(*packs.contents("a").unwrap(), *b"version 200");
            });
        }
    });
}
