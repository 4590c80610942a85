//! Archives of packs that an app downloads by itself. `Spec: packs 4.2`.

use headstart::apps::AppDetails;
use headstart::packs::{PackState, Repair, VerifyEvent};
use headstart::{AssetPackManifest, Error, Trust};
use headstart_model::download_manifest::{ArchivedPack, BaseUrl, DownloadManifest};
use headstart_model::packaging::PackagingManifest;
use headstart_model::{PackVersion, Status};
use headstart_pack::ArchiveReader;

use super::server::Page;
use super::{Game, end};
use crate::extension::{Bench, stop, until};
use crate::publisher::{Policy, Publisher, files, noise};

/// The archive of an edition of a pack.
fn archive(game: &Game, pack: &str, edition: u64) -> Vec<u8> {
    std::fs::read(packed(&game.bench, pack, Policy::OnDemand, edition)).unwrap()
}

fn packed(bench: &Bench, pack: &str, policy: Policy, edition: u64) -> std::path::PathBuf {
    let author = Publisher::without_repository(&bench.folder.path().join("author"));
    author.pack(pack, policy, edition)
}

/// The download manifest that lists this archive, as `headstart download-manifest create` makes it.
fn listed(game: &Game, archive: &[u8], version: u64) -> AssetPackManifest {
    let base: BaseUrl = game.server.url("packs").parse().unwrap();
    let reader = ArchiveReader::open(std::io::Cursor::new(archive)).unwrap();
    let text = String::from_utf8(reader.manifest().to_vec()).unwrap();
    let manifest = PackagingManifest::parse(&text).unwrap();
    let packs = [ArchivedPack { manifest: &manifest, archive_bytes: archive.len() as u64 }];
    let made = DownloadManifest::create(&base, &packs, &[PackVersion(version)]).unwrap();
    AssetPackManifest::from_bytes(&made.to_json(), &game.group()).unwrap()
}

/// Puts `page` where the archive of `pack` is expected, and downloads what the manifest lists.
fn fetch(game: &Game, manifest: &AssetPackManifest, page: Page) -> Result<(), Error> {
    let pack = &manifest.asset_packs()[0];
    assert_eq!(pack.trust(), Trust::TransportOnly);
    game.server.put(&format!("packs/{}", pack.id()), page);
    let mut events = game.events();
    game.manager().schedule_all(&manifest.all_downloads(None).unwrap()).unwrap();
    let finished = end(&mut events)?;
    assert_eq!(finished.download().identifier(), pack.id());
    finished.acknowledge_blocking()
}

impl Game {
    fn packs(&self) -> Vec<PackState> {
        self.bench.device.packs().unwrap().list().unwrap()
    }

    /// Whether the app reads exactly this edition.
    fn reads(&self, pack: &str, edition: u64) -> bool {
        let paths = files(pack, 1).into_keys().chain(files(pack, 2).into_keys());
        self.bench.device.read_pack(pack, paths) == Some(files(pack, edition))
    }

    fn details(&self) -> AppDetails {
        self.bench.info()
    }
}

#[test]
fn an_archive_becomes_a_pack_that_only_the_connection_vouches_for() {
    let mut game = Game::launched();
    let levels = archive(&game, "levels", 1);
    let manifest = listed(&game, &levels, 3);
    assert!(game.packs().is_empty() && game.details().trust.is_none());
    fetch(&game, &manifest, Page::File(levels)).unwrap();
    assert!(game.reads("levels", 1));
    let shown = game.packs();
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].pack.trust, Trust::TransportOnly);
    assert_eq!((shown[0].pack.version.0, shown[0].local_version.unwrap().0), (3, 3));
    assert_eq!(shown[0].status, Status::DOWNLOADED, "nobody offers it");
    assert_eq!(game.details().trust, Some(Trust::TransportOnly));
    // It is a pack as others: looked at, and there after a restart.
    let verified = game.bench.device.packs().unwrap().verify(&[], Repair::Report).unwrap();
    let verified = verified.map(Result::unwrap).find_map(|event| match event {
        VerifyEvent::Done(outcome) => Some(outcome),
        _ => None,
    });
    assert!(verified.unwrap().packs.iter().all(|pack| pack.damaged_files.is_empty()));
    game.kill();
    game.start();
    assert!(game.reads("levels", 1));
    assert_eq!(game.packs()[0].pack.trust, Trust::TransportOnly);
    let library = game.bench.device.library().unwrap();
    library.remove("levels").unwrap();
    assert!(!library.asset_pack_is_available_locally("levels"));
    assert!(game.packs().is_empty() && game.details().trust.is_none());
    drop(library);
    game.stop();
}

#[test]
fn what_is_no_good_archive_of_the_pack_is_told_and_never_read() {
    let game = Game::launched();
    let good = archive(&game, "levels", 1);
    let manifest = listed(&game, &good, 1);
    let other = archive(&game, "other", 1);
    let damaged = |at: usize| {
        let mut damaged = good.clone();
        damaged[at] ^= 1;
        damaged
    };
    let mut longer = good.clone();
    longer.push(0);
    let padded = noise(5, good.len());
    let cases = [
        ("a block", Page::File(damaged(5_000)), "archiveDamaged"),
        ("the header", Page::File(damaged(50)), "archiveDamaged"),
        ("the index", Page::File(damaged(good.len() - 1)), "archiveDamaged"),
        ("no archive", Page::File(padded), "notAnArchive"),
        ("too long", Page::File(longer), "otherFileSize"),
        ("too short", Page::File(good[..good.len() - 1].to_vec()), "otherFileSize"),
        ("another pack", Page::File(other.clone()), "otherFileSize"),
        ("nothing there", Page::Status("404 Not Found"), "notOnServer"),
    ];
    for (what, page, code) in cases {
        let error = fetch(&game, &manifest, page).unwrap_err();
        assert_eq!(error.code(), code, "{what}: {error}");
        assert!(game.packs().is_empty() && !game.reads("levels", 1), "{what}");
    }
    // The archive of another pack under this one's name.
    let mut json: serde_json::Value = serde_json::json!({ "assetPacks": [{
        "id": "levels", "url": game.server.url("packs/levels"), "version": 1,
        "downloadSize": other.len(), "downloadPolicy": { "onDemand": {} },
    }] });
    let named = AssetPackManifest::from_bytes(json.to_string().as_bytes(), &game.group()).unwrap();
    let error = fetch(&game, &named, Page::File(other.clone())).unwrap_err();
    assert_eq!(error.code(), "otherPack", "{error}");
    json["assetPacks"][0]["id"] = "other".into();
    json["assetPacks"][0]["url"] = game.server.url("packs/other").into();
    let right = AssetPackManifest::from_bytes(json.to_string().as_bytes(), &game.group()).unwrap();
    fetch(&game, &right, Page::File(other)).unwrap();
    fetch(&game, &manifest, Page::File(good)).unwrap();
    assert!(game.reads("levels", 1) && game.reads("other", 1));
    game.stop();
}

#[test]
fn what_was_built_of_an_archive_goes_when_it_cannot_be_handed_over() {
    let game = Game::launched();
    let levels = archive(&game, "levels", 1);
    let manifest = listed(&game, &levels, 1);
    // Somebody has put a link where files are handed over.
    let home = &game.bench.device.home;
    let container = home.join("groups").join(game.group().as_str());
    std::fs::remove_dir_all(container.join("inbox")).unwrap();
    std::os::unix::fs::symlink("/elsewhere", container.join("inbox")).unwrap();
    let error = fetch(&game, &manifest, Page::File(levels.clone())).unwrap_err();
    assert_eq!(error.code(), "fileFailed", "{error}");
    assert!(game.packs().is_empty() && !game.reads("levels", 1));
    let versions = home.join("packs/com.example.game/levels");
    let left = || std::fs::read_dir(&versions).map_or(0, Iterator::count);
    until("the version goes", || left() == 0);
    std::fs::remove_file(container.join("inbox")).unwrap();
    fetch(&game, &manifest, Page::File(levels)).unwrap();
    assert!(game.reads("levels", 1) && left() == 1);
    game.stop();
}

#[test]
fn a_killed_service_goes_on_with_an_archive_and_its_pack_arrives_once() {
    let mut game = Game::launched();
    let levels = archive(&game, "levels", 1);
    let manifest = listed(&game, &levels, 1);
    game.server.put("packs/levels", Page::Held(levels.len() / 2, levels.clone()));
    game.manager().schedule_all(&manifest.all_downloads(None).unwrap()).unwrap();
    until("it is asked for", || !game.server.requests("packs/levels").is_empty());
    game.kill();
    assert!(!game.reads("levels", 1));
    game.start();
    let mut events = game.events();
    game.server.release();
    let finished = end(&mut events).unwrap();
    // It is told and not acknowledged: a killed service tells it again, and has the pack.
    game.kill();
    drop((events, finished));
    assert!(game.reads("levels", 1), "it was readable when its end was told");
    game.start();
    // Nobody listens now but the extension.
    game.until_told("finished levels: done");
    assert!(game.reads("levels", 1));
    assert_eq!(game.packs().len(), 1);
    game.stop();
}

#[test]
fn a_newer_archive_takes_the_place_of_the_pack_and_readers_keep_what_they_hold() {
    let game = Game::launched();
    for (version, edition) in [(1, 1), (2, 2)] {
        let held = game.bench.device.library().unwrap();
        let before = held.namespace().ok();
        let levels = archive(&game, "levels", edition);
        let manifest = listed(&game, &levels, version);
        fetch(&game, &manifest, Page::File(levels)).unwrap();
        assert!(game.reads("levels", edition));
        assert_eq!(game.packs()[0].local_version.unwrap().0, version);
        if let Some(before) = before.filter(|_| version == 2) {
            assert!(
                *before.contents("levels/file-2.bin").unwrap()
                    == files("levels", 1)["levels/file-2.bin"]
            );
        }
    }
    // The same again changes nothing.
    let levels = archive(&game, "levels", 2);
    let manifest = listed(&game, &levels, 2);
    fetch(&game, &manifest, Page::File(levels)).unwrap();
    assert!(game.reads("levels", 2) && game.packs().len() == 1);
    let versions = game.bench.device.home.join("packs/com.example.game/levels");
    until("the old version goes", || std::fs::read_dir(&versions).unwrap().count() == 1);
    game.stop();
}

#[test]
fn what_an_extension_asks_for_as_the_archive_of_a_pack_is_one_when_the_app_is_launched() {
    let bench = Bench::new("");
    let levels = std::fs::read(packed(&bench, "levels", Policy::Essential, 1)).unwrap();
    std::fs::write(bench.folder.path().join("web/levels"), &levels).unwrap();
    let line = bench.line("levels", levels.len(), true);
    let damaged = bench.line("damaged", levels.len(), true);
    std::fs::write(bench.folder.path().join("web/damaged"), noise(9, levels.len())).unwrap();
    bench.manifest_text(&format!("{} pack=4\n{} pack=1\n", line.trim_end(), damaged.trim_end()));
    let service = bench.device.start(&[]);
    let launchable = bench.install();
    let failed: Vec<_> = launchable.downloads.iter().map(|d| d.identifier.as_str()).collect();
    assert_eq!(failed, ["damaged"], "{launchable:?}");
    assert_eq!(launchable.downloads[0].failure.code.as_str(), "notAnArchive");
    let found = bench.device.read_pack("levels", files("levels", 1).into_keys());
    assert!(found == Some(files("levels", 1)));
    let packs = bench.device.packs().unwrap().list().unwrap();
    assert_eq!((packs.len(), packs[0].pack.trust), (1, Trust::TransportOnly));
    assert_eq!(packs[0].local_version.unwrap().0, 4);
    stop(&bench, service);
}
