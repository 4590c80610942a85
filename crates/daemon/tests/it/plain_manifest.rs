//! Apps whose packs come from a plain download manifest, which nobody signed. `Spec: packs 4.1`.

mod looks;

use std::collections::BTreeMap;
use std::path::PathBuf;

use headstart::apps::{InstallEvent, InstallOptions, Launchable, UpdateOptions};
use headstart::packs::{EnsureEvent, PackState};
use headstart::{PackId, Require, Trust};
use headstart_model::download_manifest::{ArchivedPack, BaseUrl, DownloadManifest};
use headstart_model::packaging::PackagingManifest;
use headstart_model::{PackVersion, Status};
use headstart_pack::ArchiveReader;
use jiff::Timestamp;

use crate::device::{APP, Device, Service, describe};
use crate::publisher::{Policy, Publisher, Web, files};

/// An author who puts archives and a manifest on a server, and a device.
struct World {
    folder: tempfile::TempDir,
    author: Publisher,
    web: Web,
    device: Device,
    /// What the manifest lists: pack, policy, edition, version.
    listed: BTreeMap<&'static str, (Policy, u64, u64)>,
}

impl World {
    fn new(listed: &[(&'static str, Policy)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let author = Publisher::new(folder.path(), Timestamp::now());
        std::fs::create_dir_all(folder.path().join("web/packs")).unwrap();
        let web = Web::serve(&folder.path().join("web"));
        let device = Device::new(folder.path(), &web.url, &author.root());
        let listed = listed.iter().map(|(id, policy)| (*id, (*policy, 1, 1))).collect();
        let world = Self { folder, author, web, device, listed };
        world.bundle("1.0.0", &format!("BAManifestURL = \"{}manifest.json\"", world.web.url));
        world.publish();
        world
    }

    /// Writes the bundle anew, with another source.
    fn bundle(&self, version: &str, source: &str) {
        let description = describe(APP, "https://unused.example", version);
        let line = "BARepositoryURL = \"https://unused.example\"";
        assert!(description.contains(line));
        let description = description.replace(line, source);
        std::fs::write(self.device.bundle.join("headstart.toml"), description).unwrap();
    }

    fn archive(&self, pack: &str) -> PathBuf {
        self.folder.path().join("web/packs").join(pack)
    }

    /// Puts the archives on the server, then the manifest.
    fn publish(&self) {
        let base: BaseUrl = format!("{}packs", self.web.url).parse().unwrap();
        let mut opened = Vec::new();
        for (id, (policy, edition, version)) in &self.listed {
            let archive = self.author.pack(id, *policy, *edition);
            std::fs::copy(&archive, self.archive(id)).unwrap();
            let reader = ArchiveReader::open(std::fs::File::open(&archive).unwrap()).unwrap();
            let text = String::from_utf8(reader.manifest().to_vec()).unwrap();
            let manifest = PackagingManifest::parse(&text).unwrap();
            opened.push((manifest, reader.header().archive_bytes(), PackVersion(*version)));
        }
        let archived: Vec<_> = opened
            .iter()
            .map(|(manifest, bytes, _)| ArchivedPack { manifest, archive_bytes: *bytes })
            .collect();
        let versions: Vec<_> = opened.iter().map(|(_, _, version)| *version).collect();
        let manifest = DownloadManifest::create(&base, &archived, &versions).unwrap();
        std::fs::write(self.folder.path().join("web/manifest.json"), manifest.to_json()).unwrap();
    }

    fn update(&mut self, pack: &'static str) {
        let (_, edition, version) = self.listed.get_mut(pack).unwrap();
        (*edition, *version) = (*edition + 1, *version + 1);
        self.publish();
    }

    fn install(&self) -> Launchable {
        launchable(self.device.install().unwrap())
    }

    fn update_app(&self) -> Launchable {
        let (apps, bundle) = (self.device.apps().unwrap(), &self.device.bundle);
        let events = apps.update(bundle, UpdateOptions::default()).unwrap();
        launchable(events.collect::<Result<_, _>>().unwrap())
    }

    fn state(&self, pack: &str) -> Option<PackState> {
        let packs = self.device.packs().unwrap().list().unwrap();
        packs.into_iter().find(|state| state.pack.id.as_str() == pack)
    }

    /// The code of the failure with which a pack is not to be had.
    fn refusal(&self, pack: &str) -> String {
        let packs = [PackId::new(pack).unwrap()];
        let events = self.device.packs().unwrap().ensure(&packs, Require::AnyVersion).unwrap();
        let outcome = events.map(Result::unwrap).find_map(|event| match event {
            EnsureEvent::Done(outcome) => Some(outcome),
            _ => None,
        });
        outcome.unwrap().failures[0].failure.code.as_str().to_owned()
    }

    /// Whether the app reads exactly this edition.
    fn reads(&self, pack: &str, edition: u64) -> bool {
        let paths = files(pack, 1).into_keys().chain(files(pack, 2).into_keys());
        self.device.read_pack(pack, paths) == Some(files(pack, edition))
    }

    fn stop(self, service: Service) {
        service.stop(&self.device);
        drop(self.web);
    }

    /// The requests that the server has answered: path and status.
    fn finish(self, service: Service) -> Vec<(String, Option<u16>)> {
        service.stop(&self.device);
        let requests = self.web.finish().into_iter();
        requests.map(|request| (request.path, request.status)).collect()
    }
}

fn launchable(events: Vec<InstallEvent>) -> Launchable {
    let told = events.into_iter().find_map(|event| match event {
        InstallEvent::Launchable(launchable) => Some(launchable),
        _ => None,
    });
    told.unwrap()
}

#[test]
fn a_private_manifest_and_its_archives_come_with_the_header_of_their_server() {
    let world = World::new(&[("base", Policy::Essential)]);
    world.web.gate.require(vec!["x-token: tok-7f3a".parse().unwrap()]);
    let service = world.device.start(&[]);
    let headers = [("x-token", "tok-7f3a")].into_iter().collect();
    let options = InstallOptions { dev: true, headers, ..InstallOptions::default() };
    let apps = world.device.apps().unwrap();
    let events = apps.install(&world.device.bundle, options).unwrap();
    let launched = launchable(events.collect::<Result<_, _>>().unwrap());
    assert_eq!(launched, Launchable::default());
    assert!(world.reads("base", 1));
    world.stop(service);
}

#[test]
fn packs_come_by_policy_and_are_kept_up_to_date_and_go() {
    let mut world = World::new(&[
        ("base", Policy::Essential),
        ("extra", Policy::Prefetch),
        ("music", Policy::OnDemand),
    ]);
    let service = world.device.start(&[]);
    let launchable = world.install();
    assert!(launchable.failed.is_empty() && launchable.catalog.is_none(), "{launchable:?}");
    assert!(world.reads("base", 1), "it is essential");
    world.device.ensure(&["extra"], Require::AnyVersion).unwrap();
    let music = world.state("music").unwrap();
    assert_eq!((music.local_version, music.status), (None, Status::DOWNLOAD_AVAILABLE));
    assert_eq!(music.pack.trust, Trust::TransportOnly, "before it is here, too");
    world.device.ensure(&["music"], Require::AnyVersion).unwrap();
    for pack in ["base", "extra", "music"] {
        assert!(world.reads(pack, 1));
        let state = world.state(pack).unwrap();
        assert_eq!(state.pack.trust, Trust::TransportOnly);
        assert!(state.status.contains(Status::UP_TO_DATE), "{state:?}");
    }
    let library = world.device.library().unwrap();
    assert_eq!(library.asset_pack("music").unwrap().trust(), Trust::TransportOnly);
    // A new version of one, and one is not listed any more.
    world.listed.remove("extra");
    world.update("base");
    let updates = library.check_for_updates().unwrap();
    assert_eq!(
        (updates.updating, updates.removed),
        (vec!["base".to_owned()], vec!["extra".to_owned()])
    );
    world.device.ensure(&["base"], Require::LatestVersion).unwrap();
    assert!(world.reads("base", 2) && world.state("extra").is_none());
    assert_eq!(world.state("base").unwrap().local_version.unwrap().0, 2);
    drop(library);
    world.stop(service);
}

#[test]
fn an_archive_that_cannot_be_looked_at_keeps_no_other_back() {
    let mut world = World::new(&[
        ("base", Policy::Essential),
        ("broken", Policy::Essential),
        ("absent", Policy::OnDemand),
        ("other", Policy::OnDemand),
        ("padded", Policy::OnDemand),
    ]);
    let good = std::fs::read(world.archive("broken")).unwrap();
    let mut broken = good.clone();
    broken[60] ^= 1;
    std::fs::write(world.archive("broken"), broken).unwrap();
    std::fs::remove_file(world.archive("absent")).unwrap();
    std::fs::copy(world.archive("base"), world.archive("other")).unwrap();
    // It says of itself what the manifest says of it, and more lies behind it.
    let padded = [std::fs::read(world.archive("padded")).unwrap(), b"more".to_vec()].concat();
    std::fs::write(world.archive("padded"), padded).unwrap();
    let service = world.device.start(&[]);
    let launchable = world.install();
    assert!(world.reads("base", 1), "the others go on");
    let failed: Vec<_> =
        launchable.failed.iter().map(|it| (it.pack.as_str(), it.failure.code.as_str())).collect();
    assert_eq!(failed, [("broken", "archiveDamaged")]);
    assert_eq!(world.refusal("absent"), "notOnServer");
    assert!(["otherPack", "otherFileSize"].contains(&world.refusal("other").as_str()));
    assert_eq!(world.refusal("padded"), "otherFileSize");
    // What is put right arrives with the next look.
    std::fs::write(world.archive("broken"), good).unwrap();
    world.device.library().unwrap().check_for_updates().unwrap();
    world.device.ensure(&["broken"], Require::AnyVersion).unwrap();
    assert!(world.reads("broken", 1));
    // One that is local stays as it is while its new archive is missing.
    world.update("base");
    std::fs::remove_file(world.archive("base")).unwrap();
    let updates = world.device.library().unwrap().check_for_updates().unwrap();
    assert!(updates.removed.is_empty() && updates.updating.is_empty(), "{updates:?}");
    assert!(world.reads("base", 1));
    world.stop(service);
}

#[test]
fn a_damaged_block_is_told_and_a_replaced_archive_is_looked_at_anew() {
    let world = World::new(&[("music", Policy::OnDemand)]);
    let good = std::fs::read(world.archive("music")).unwrap();
    let mut damaged = good.clone();
    damaged[5_000] ^= 1;
    std::fs::write(world.archive("music"), &damaged).unwrap();
    let service = world.device.start(&[]);
    world.install();
    assert_eq!(world.refusal("music"), "corruptDownload");
    assert!(world.state("music").unwrap().local_version.is_none());
    std::fs::write(world.archive("music"), &good).unwrap();
    world.device.ensure(&["music"], Require::AnyVersion).unwrap();
    assert!(world.reads("music", 1));
    world.stop(service);
}

#[test]
fn a_service_that_is_killed_goes_on() {
    let world = World::new(&[("base", Policy::Essential), ("extra", Policy::Prefetch)]);
    for point in [1, 5, 9, 14, 20, 27, 35, 44, 54, 65, 77, 90] {
        let folder = world.folder.path().join(format!("device-{point}"));
        let device = Device::new(&folder, &world.web.url, &world.author.root());
        std::fs::copy(
            world.device.bundle.join("headstart.toml"),
            device.bundle.join("headstart.toml"),
        )
        .unwrap();
        let doomed = device.start(&["--crash-at", &point.to_string()]);
        if doomed.ready {
            let _ = device.install();
        }
        // Whether it was dead already or not.
        doomed.kill();
        let service = device.start(&[]);
        assert!(service.ready);
        match device.install() {
            Ok(_) => {}
            Err(error) => assert_eq!(error.code(), "alreadyInstalled", "{error}"),
        }
        device.ensure(&["base", "extra"], Require::AnyVersion).unwrap();
        for pack in ["base", "extra"] {
            let found = device.read_pack(pack, files(pack, 1).into_keys());
            assert!(found == Some(files(pack, 1)), "{pack} after crash point {point}");
        }
        service.stop(&device);
    }
}

#[test]
fn nothing_that_is_not_signed_comes_beside_what_is_and_it_leaves_when_that_comes() {
    let world = World::new(&[("base", Policy::Essential), ("extra", Policy::Essential)]);
    let repository = world.author.repository();
    // `extra` sorts before `signed`: its files would be read instead of theirs.
    let signed = world.author.pack("signed", Policy::Essential, 1);
    let base = world.author.pack("base", Policy::Essential, 1);
    world.author.publish(&[signed, base], Timestamp::now());
    let signed_web = Web::serve(&repository);
    let service = world.device.start(&[]);
    world.install();
    assert!(world.reads("base", 1) && world.reads("extra", 1));
    world.bundle("2.0.0", &format!("BARepositoryURL = \"{}\"", signed_web.url));
    assert!(world.update_app().failed.is_empty());
    world.device.ensure(&["signed", "base"], Require::LatestVersion).unwrap();
    assert!(world.reads("signed", 1) && world.reads("base", 1));
    assert!(world.state("extra").is_none(), "nobody signed it");
    for pack in ["signed", "base"] {
        assert_eq!(world.state(pack).unwrap().pack.trust, Trust::Signed, "{pack}");
    }
    // The other way about.
    world.bundle("3.0.0", &format!("BAManifestURL = \"{}manifest.json\"", world.web.url));
    assert_eq!(world.update_app().catalog.unwrap().code.as_str(), "signedPacks");
    assert!(world.reads("signed", 1) && world.state("extra").is_none());
    assert_eq!(world.state("base").unwrap().pack.trust, Trust::Signed);
    let library = world.device.library().unwrap();
    assert_eq!(library.check_for_updates().unwrap_err().code(), "signedPacks");
    for pack in ["signed", "base"] {
        library.remove(pack).unwrap();
    }
    library.check_for_updates().unwrap();
    world.device.ensure(&["base", "extra"], Require::AnyVersion).unwrap();
    assert_eq!(world.state("base").unwrap().pack.trust, Trust::TransportOnly);
    drop(library);
    world.stop(service);
}
