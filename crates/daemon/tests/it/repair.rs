//! Damaged files of installed packs are healed, and nothing else is touched or fetched.

use std::path::{Path, PathBuf};

use headstart::PackId;
use headstart::packs::{Repair, Verification, VerifyEvent};
use headstart::{Error, Require};
use jiff::Timestamp;

use crate::device::{APP, Device};
use crate::local_pack::{World, world};
use crate::publisher::{Files, Policy, files};

impl World {
    /// The folder of the only version of the pack.
    fn version(&self) -> PathBuf {
        let pack = self.device.home.join("packs").join(APP).join("music");
        let mut versions = std::fs::read_dir(pack).unwrap();
        let version = versions.next().unwrap().unwrap().path();
        assert!(versions.next().is_none());
        version
    }

    fn file(&self, name: &str) -> PathBuf {
        self.version().join("files/music").join(name)
    }

    fn verify(&self, repair: Repair) -> Verification {
        verify(&self.device, &[], repair).unwrap()
    }

    fn read(&self, edition: u64) -> Files {
        self.device.read_pack("music", files("music", edition).into_keys()).unwrap()
    }
}

fn verify(device: &Device, packs: &[&str], repair: Repair) -> Result<Verification, Error> {
    let packs: Vec<_> = packs.iter().map(|pack| PackId::new(*pack).unwrap()).collect();
    for event in device.packs()?.verify(&packs, repair)? {
        if let VerifyEvent::Done(outcome) = event? {
            return Ok(outcome);
        }
    }
    panic!("the call ended without its result");
}

/// Changes one byte in the middle, as a bad disk would: the file is not replaced.
fn spoil(file: &Path) {
    headstart_sys::mode::set_mode(file, headstart_sys::mode::Mode::PRIVATE).unwrap();
    let mut bytes = std::fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

fn damaged(outcome: &Verification) -> Vec<&str> {
    outcome.packs.iter().flat_map(|pack| &pack.damaged_files).map(|path| path.as_str()).collect()
}

#[test]
fn damaged_and_missing_files_are_healed_by_fetching_only_them() {
    let world = world();
    spoil(&world.file("file-1.bin"));
    std::fs::remove_file(world.file("note.txt")).unwrap();
    let expected = ["music/file-1.bin", "music/note.txt"];
    assert_eq!(damaged(&world.verify(Repair::Report)), expected);
    let untouched = std::fs::metadata(world.file("file-0.bin")).unwrap();
    let outcome = world.verify(Repair::Repair);
    assert_eq!(damaged(&outcome), expected);
    assert!(outcome.failures.is_empty(), "{outcome:?}");
    // Three files of 150 000 bytes that do not compress lie in one block.
    let bytes_down = outcome.packs[0].bytes_down;
    assert!((1..600_000).contains(&bytes_down), "{bytes_down} bytes");
    assert!(world.read(1) == files("music", 1));
    assert!(damaged(&world.verify(Repair::Report)).is_empty());
    let now = std::fs::metadata(world.file("file-0.bin")).unwrap();
    assert_eq!(untouched.modified().unwrap(), now.modified().unwrap());
    assert!(std::fs::metadata(world.file("file-1.bin")).unwrap().permissions().readonly());
    assert!(!world.device.home.join("repair").join(APP).join("music").exists());
    // Nothing is left to do, so nothing is fetched.
    assert_eq!(world.verify(Repair::Repair).packs[0].bytes_down, 0);
    world.service.stop(&world.device);
    drop(world.web);
}

#[test]
fn an_app_that_has_the_damaged_file_open_is_undisturbed_and_finds_the_healed_one_next() {
    let world = world();
    spoil(&world.file("file-1.bin"));
    let library = world.device.library().unwrap();
    let namespace = library.namespace().unwrap();
    let path = "music/file-1.bin";
    let open = namespace.contents(path).unwrap();
    let before = open.to_vec();
    assert!(before != files("music", 1)[path], "it is damaged");
    world.verify(Repair::Repair);
    assert!(*open == before[..], "what is mapped stays as it is");
    assert!(*namespace.contents(path).unwrap() == files("music", 1)[path], "the same generation");
    drop((open, namespace, library));
    world.service.stop(&world.device);
}

#[test]
fn an_older_version_than_the_one_offered_is_healed_as_what_it_is() {
    let world = world();
    let archive = world.publisher.pack("music", Policy::OnDemand, 2);
    world.publisher.publish(&[archive], Timestamp::now());
    spoil(&world.file("file-2.bin"));
    let outcome = world.verify(Repair::Repair);
    assert_eq!(damaged(&outcome), ["music/file-2.bin"]);
    assert!(world.read(1) == files("music", 1));
    // An update that starts from what was healed reads it as if nothing had been.
    world.device.ensure(&["music"], Require::LatestVersion).unwrap();
    assert!(world.read(2) == files("music", 2));
    world.service.stop(&world.device);
}

#[test]
fn a_lost_record_is_made_again_with_the_files() {
    let world = world();
    spoil(&world.file("file-0.bin"));
    std::fs::write(world.version().join("version.record"), b"damaged").unwrap();
    let report = world.verify(Repair::Report);
    assert_eq!(report.failures[0].failure.code.as_str(), "contentDamaged");
    let outcome = world.verify(Repair::Repair);
    assert_eq!(damaged(&outcome), ["music/file-0.bin"]);
    assert!(damaged(&world.verify(Repair::Report)).is_empty());
    assert!(world.read(1) == files("music", 1));
    world.service.stop(&world.device);
}

#[test]
fn what_cannot_be_fetched_is_told_and_healed_another_time() {
    let world = world();
    let bundles = world.publisher.repository().join("bundles");
    let aside = world.folder.path().join("aside");
    std::fs::rename(&bundles, &aside).unwrap();
    spoil(&world.file("file-1.bin"));
    let outcome = world.verify(Repair::Repair);
    assert_eq!(damaged(&outcome), ["music/file-1.bin"], "it is damaged still");
    assert_eq!(outcome.failures[0].failure.code.as_str(), "repairImpossible");
    std::fs::rename(&aside, &bundles).unwrap();
    assert!(world.verify(Repair::Repair).failures.is_empty());
    assert!(world.read(1) == files("music", 1));
    world.service.stop(&world.device);
}

#[test]
fn a_pack_that_is_not_local_is_named() {
    let world = world();
    let outcome = verify(&world.device, &["nothing"], Repair::Repair);
    let code = match outcome {
        Ok(outcome) => outcome.failures[0].failure.code.to_string(),
        Err(error) => error.code().to_string(),
    };
    assert_eq!(code, "assetPackNotFound");
    world.service.stop(&world.device);
}
