//! Repositories with mirrors: what one place cannot give comes from another.

use std::path::Path;

use headstart::Require;
use jiff::Timestamp;

use crate::device::{Device, describe};
use crate::publisher::{Policy, Publisher, Web, copy_folder, files};

/// A device whose bundle names a repository and mirrors of it.
fn device(folder: &Path, publisher: &Publisher, repository: &str, mirrors: &[&str]) -> Device {
    let device = Device::new(folder, repository, &publisher.root());
    let line = format!("BARepositoryURL = \"{repository}\"\n");
    let description = describe(device.app, repository, "1.0.0");
    assert!(description.contains(&line));
    let mirrors = format!("{line}BARepositoryMirrorURLs = {mirrors:?}\n");
    let description = description.replace(&line, &mirrors);
    std::fs::write(device.bundle.join("headstart.toml"), description).unwrap();
    device
}

/// Spoils every file below a folder: the first byte and the one in the middle are others.
fn spoil(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { spoil(&path) } else { spoil_file(&path) }
    }
}

fn spoil_file(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    for place in [0, middle] {
        if let Some(byte) = bytes.get_mut(place) {
            *byte ^= 2;
        }
    }
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// The newest version comes, and is this edition.
fn gets(device: &Device, edition: u64) {
    device.ensure(&["levels"], Require::LatestVersion).unwrap();
    let expected = files("levels", edition);
    assert!(device.read_pack("levels", expected.keys().cloned()).unwrap() == expected);
}

/// Installs an app and fetches two editions of a pack, the second as an update. `repository` gets a copy of the repository and gives the address
/// that the bundle names; the publisher's own folder is the mirror.
fn everything_comes(repository: impl FnOnce(&Path) -> String) {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(folder.path(), Timestamp::now());
    publisher.publish(&[publisher.pack("levels", Policy::OnDemand, 1)], Timestamp::now());
    let mirror = Web::serve(&publisher.repository());
    let other = folder.path().join("other");
    copy_folder(&publisher.repository(), &other);
    let repository = repository(&other);
    let device = device(folder.path(), &publisher, &repository, &[&mirror.url]);
    let service = device.start(&["--retry-delay", "10ms"]);
    device.install().unwrap();
    for edition in [1, 2] {
        if edition == 2 {
            publisher.publish(&[publisher.pack("levels", Policy::OnDemand, 2)], Timestamp::now());
        }
        gets(&device, edition);
    }
    service.stop(&device);
}

#[test]
fn a_repository_whose_server_is_gone_is_read_from_its_mirror() {
    everything_comes(|folder| {
        let web = Web::serve(folder);
        let url = web.url.clone();
        drop(web);
        url
    });
}

#[test]
fn a_repository_that_lost_its_files_is_read_from_its_mirror() {
    let mut kept = None;
    everything_comes(|folder| {
        std::fs::remove_dir_all(folder).unwrap();
        std::fs::create_dir(folder).unwrap();
        kept.insert(Web::serve(folder)).url.clone()
    });
}

#[test]
fn a_repository_in_a_folder_that_lost_its_files_is_read_from_its_mirror() {
    everything_comes(|folder| {
        std::fs::remove_dir_all(folder).unwrap();
        format!("file://{}/", folder.display())
    });
}

/// A repository that is spoilt after it was copied to a mirror, and a device that knows both.
struct Spoilt {
    _folder: tempfile::TempDir,
    _web: Web,
    mirror: Web,
    device: Device,
}

impl Spoilt {
    fn new(spoil: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let publisher = Publisher::new(folder.path(), Timestamp::now());
        publisher.publish(&[publisher.pack("levels", Policy::OnDemand, 1)], Timestamp::now());
        let mirror = folder.path().join("mirror");
        copy_folder(&publisher.repository(), &mirror);
        spoil(&publisher.repository());
        let (web, mirror) = (Web::serve(&publisher.repository()), Web::serve(&mirror));
        let device = device(folder.path(), &publisher, &web.url, &[&mirror.url]);
        Self { _folder: folder, _web: web, mirror, device }
    }
}

#[test]
fn a_repository_whose_packs_are_spoilt_is_read_from_its_mirror() {
    let Spoilt { device, .. } = &Spoilt::new(|repository| {
        for part in ["indexes", "bundles"] {
            spoil(&repository.join(part));
        }
    });
    let service = device.start(&[]);
    device.install().unwrap();
    gets(device, 1);
    service.stop(device);
}

#[test]
fn what_does_not_hold_in_the_repository_itself_is_not_talked_away_by_a_mirror() {
    let spoilt = Spoilt::new(|repository| spoil_file(&repository.join("metadata/timestamp.json")));
    let service = spoilt.device.start(&[]);
    let told = format!("{:?}", spoilt.device.install());
    assert!(told.contains("metadataMalformed"), "{told}");
    service.stop(&spoilt.device);
    let asked = spoilt.mirror.finish();
    assert!(asked.iter().all(|request| !request.path.contains("metadata")), "{asked:?}");
}

#[test]
fn mirrors_that_lie_or_are_gone_cost_nothing_but_time() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(folder.path(), Timestamp::now());
    publisher.publish(&[publisher.pack("levels", Policy::OnDemand, 1)], Timestamp::now());
    let web = Web::serve(&publisher.repository());
    let lies = folder.path().join("lies");
    copy_folder(&publisher.repository(), &lies);
    spoil(&lies);
    let lying = Web::serve(&lies);
    let gone = format!("file://{}/nowhere", folder.path().display());
    let device = device(folder.path(), &publisher, &web.url, &[&lying.url, &gone]);
    let service = device.start(&[]);
    device.install().unwrap();
    gets(&device, 1);
    service.stop(&device);
}
