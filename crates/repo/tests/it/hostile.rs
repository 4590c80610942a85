//! Repositories that are wrong in exactly one way.

use std::fs;
use std::path::Path;

use headstart_model::{ErrorKind, ReleaseNumber};
use headstart_repo::author::Duty;
use headstart_repo::{Change, FetchError, RepoError, Role};

use crate::world::{Answer, Device, World};

/// A device that trusts release 1, and release 2 that it has not seen.
async fn one_release_behind() -> (World, Device) {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let device = world.device("device");
    device.check().await.expect("trusted");
    world.publish(vec![world.pack("a", "two")]).await;
    (world, device)
}

/// The check fails, and release 1 stays what the device knows; once the fault is gone it goes on.
async fn refused(device: &Device) -> RepoError {
    let error = device.check().await.expect_err("refused");
    assert_eq!(device.known().expect("still known").release, ReleaseNumber(1));
    error
}

pub(crate) fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("a file");
    *bytes.get_mut(at).expect("inside") ^= 1;
    fs::write(path, bytes).expect("changed");
}

/// Every `step`th byte of a document, without the value of `_type`: `tough` knows what it reads, and checks the signature
/// over what it made of the file, so another word there changes nothing.
fn bytes_that_count(document: &[u8], step: usize) -> Vec<usize> {
    let text = std::str::from_utf8(document).expect("JSON");
    let (before, rest) = text.split_once("\"_type\":\"").expect("a type");
    let of_type = before.len() + 9..before.len() + 9 + rest.find('"').expect("it ends");
    (0..document.len()).step_by(step).filter(|at| !of_type.contains(at)).collect()
}

#[tokio::test]
async fn any_flipped_bit_in_the_timestamp_is_noticed() {
    let (world, device) = one_release_behind().await;
    let path = world.repo.join("metadata/timestamp.json");
    for at in bytes_that_count(&fs::read(&path).expect("a file"), 5) {
        flip(&path, at);
        let error = refused(&device).await;
        assert_eq!(error.to_failure().kind, ErrorKind::Untrusted, "byte {at}: {error}");
        flip(&path, at);
    }
    assert_eq!(device.check().await.expect("trusted").change, Change::Changed);
}

#[tokio::test]
async fn any_flipped_bit_in_snapshot_targets_or_catalog_is_noticed() {
    let (world, device) = one_release_behind().await;
    let newest = device_catalog(&world);
    for path in [world.newest(".snapshot.json"), world.newest(".targets.json"), newest] {
        let length = fs::read(&path).expect("a file").len();
        for at in (0..length).step_by(97) {
            flip(&path, at);
            let error = refused(&device).await;
            assert!(
                matches!(error, RepoError::Altered { .. }),
                "{} byte {at}: {error}",
                path.display()
            );
            flip(&path, at);
        }
    }
    assert_eq!(device.check().await.expect("trusted").change, Change::Changed);
}

/// The catalog of release 2.
fn device_catalog(world: &World) -> std::path::PathBuf {
    let is = |bytes: &[u8]| bytes.windows(11).any(|part| part == b"\"release\":2");
    let catalogs = world
        .files()
        .into_iter()
        .filter(|(path, _)| path.to_string_lossy().ends_with(".production.json"));
    catalogs.into_iter().find(|(_, bytes)| is(bytes)).expect("there is one").0
}

#[tokio::test]
async fn a_flipped_bit_in_a_new_root_is_noticed() {
    let (world, device) = one_release_behind().await;
    world.writer().await.rotate(Duty::Root, world.now).expect("rotated");
    let path = world.repo.join("metadata/2.root.json");
    for at in bytes_that_count(&fs::read(&path).expect("a file"), 61) {
        flip(&path, at);
        let error = refused(&device).await;
        assert_eq!(error.to_failure().kind, ErrorKind::Untrusted, "byte {at}: {error}");
        flip(&path, at);
    }
    assert_eq!(device.check().await.expect("trusted").change, Change::Changed);
}

#[tokio::test]
async fn documents_signed_by_other_keys_are_refused() {
    let (world, device) = one_release_behind().await;
    let other = World::new();
    other.publish(vec![other.pack("a", "evil")]).await;
    let evil = fs::read(other.repo.join("metadata/timestamp.json")).expect("a timestamp");
    device.server.lie("metadata/timestamp.json", Answer::Bytes(evil));
    assert!(matches!(refused(&device).await, RepoError::WrongSignature { role: Role::Timestamp }));
    // A whole other repository in its place.
    fs::remove_dir_all(&world.repo).expect("removed");
    fs::rename(&other.repo, &world.repo).expect("exchanged");
    device.server.stop_lying();
    assert!(matches!(refused(&device).await, RepoError::WrongSignature { .. }));
}

#[tokio::test]
async fn a_root_that_the_old_root_did_not_sign_is_refused() {
    let (_world, device) = one_release_behind().await;
    let other = World::new();
    other.writer().await.rotate(Duty::Root, other.now).expect("rotated");
    let evil = fs::read(other.repo.join("metadata/2.root.json")).expect("a root");
    device.server.lie("metadata/2.root.json", Answer::Bytes(evil));
    assert!(matches!(refused(&device).await, RepoError::WrongSignature { role: Role::Root }));
}

#[tokio::test]
async fn an_older_timestamp_is_refused() {
    let world = World::new();
    world.publish(vec![world.pack("a", "one")]).await;
    let old = fs::read(world.repo.join("metadata/timestamp.json")).expect("a timestamp");
    world.publish(vec![world.pack("a", "two")]).await;
    let device = world.device("device");
    device.check().await.expect("trusted");
    device.server.lie("metadata/timestamp.json", Answer::Bytes(old));
    let error = device.check().await.expect_err("refused");
    assert!(
        matches!(error, RepoError::Older { role: Role::Timestamp, offered: 2, trusted: 3 }),
        "{error}"
    );
    assert_eq!(device.known().expect("still known").release, ReleaseNumber(2));
}

#[tokio::test]
async fn files_of_different_releases_do_not_mix() {
    let (world, device) = one_release_behind().await;
    for ending in ["snapshot", "targets"] {
        let old =
            fs::read(world.repo.join(format!("metadata/2.{ending}.json"))).expect("a document");
        let path = format!("metadata/3.{ending}.json");
        device.server.lie(&path, Answer::Bytes(old));
        let error = refused(&device).await;
        assert!(matches!(&error, RepoError::Altered { path: named } if *named == path), "{error}");
        device.server.stop_lying();
    }
}

#[tokio::test]
async fn a_missing_file_is_named() {
    let (world, device) = one_release_behind().await;
    let catalog = device_catalog(&world);
    let path =
        catalog.strip_prefix(&world.repo).expect("inside").to_str().expect("text").to_owned();
    for path in ["metadata/timestamp.json".to_owned(), "metadata/3.snapshot.json".to_owned(), path]
    {
        device.server.lie(&path, Answer::NotFound);
        let error = refused(&device).await;
        assert_eq!(error.to_failure().kind, ErrorKind::NotFound);
        assert!(
            matches!(&error, RepoError::Fetch { path: named, source: FetchError::NotFound } if *named == path),
            "{error}"
        );
        device.server.stop_lying();
    }
}

#[tokio::test]
async fn endless_files_are_refused() {
    let (_world, device) = one_release_behind().await;
    let endless = vec![b' '; 8 << 20];
    for path in [
        "metadata/timestamp.json",
        "metadata/2.root.json",
        "metadata/3.snapshot.json",
        "metadata/3.targets.json",
    ] {
        device.server.lie(path, Answer::Bytes(endless.clone()));
        let error = refused(&device).await;
        assert!(
            matches!(&error, RepoError::TooLarge { path: named, .. } if named == path),
            "{error}"
        );
        device.server.stop_lying();
    }
}

#[tokio::test]
async fn a_file_longer_than_was_signed_is_refused() {
    let (world, device) = one_release_behind().await;
    for path in
        [world.newest(".snapshot.json"), world.newest(".targets.json"), device_catalog(&world)]
    {
        let whole = fs::read(&path).expect("a file");
        fs::write(&path, [whole.as_slice(), b"\n"].concat()).expect("longer");
        let error = refused(&device).await;
        assert!(matches!(error, RepoError::Altered { .. }), "{error}");
        fs::write(&path, whole).expect("as it was");
    }
}

#[tokio::test]
async fn what_is_no_repository_is_told_apart() {
    let (_world, device) = one_release_behind().await;
    device.server.lie("metadata/timestamp.json", Answer::Bytes(b"<html>".to_vec()));
    let error = refused(&device).await;
    assert!(
        matches!(&error, RepoError::Malformed { path, .. } if path == "metadata/timestamp.json"),
        "{error}"
    );
}
