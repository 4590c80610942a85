//! A repository, its author, the server that hands it out, and devices that fetch from it.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use headstart_deliver::{
    DeliverError, Delivered, Delivery, Finish, Goal, HeldFolder, InstalledVersion, Location,
    ProgressListener, Receipt, RepositoryAccess, Sharing,
};
use headstart_model::ChannelName;
use headstart_model::catalog::CatalogPack;
use headstart_model::packaging::PackagingManifest;
use headstart_pack::plan::HeldVersion;
use headstart_pack::{Level, build_archive, selection};
use headstart_repo::author::{
    KeysPlace, Lifetimes, Mode, Preparation, ReleaseRequest, Writer, init,
};
use headstart_serve::{CacheRules, Folder, Running, Server, Site};
use headstart_sys::mode::Access;
use headstart_transfer::{Client, ClientConfig, Counts, HttpsPolicy, Tracking};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(crate) type Files = BTreeMap<&'static str, Vec<u8>>;

/// Bytes from a fixed linear congruence: the same on every machine, and not compressible.
pub(crate) fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(3_037_000_493);
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..bytes).map(|_| next()).collect()
}

/// What a version consists of: a file that never changes, and four of which each version changes some bytes.
pub(crate) fn version(number: u64) -> Files {
    let mut files = Files::from([("same", noise(1, 600_000)), ("tool", b"#!/bin/sh\n".to_vec())]);
    for (name, seed) in [("a", 2), ("b", 3), ("c", 4), ("d", 5)] {
        let mut bytes = noise(seed, 1_100_000);
        for edit in 0..number {
            let at = usize::try_from(100_000 + 170_000 * edit).expect("small");
            let new = noise(100 + edit, 64);
            bytes[at..at + new.len()].copy_from_slice(&new);
        }
        // Here no two versions are the same, so that a chain needs chunks of each.
        bytes[1_050_000..1_050_064].copy_from_slice(&noise(200 + number, 64));
        files.insert(name, bytes);
    }
    files
}

pub(crate) struct World {
    folder: TempDir,
    pub(crate) server: Running,
    client: Client,
}

/// What a delivery said beforehand, and what was measured then.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) receipt: Receipt,
    pub(crate) delivered: Delivered,
    /// What went over the network while it was prepared, and while it was carried out.
    pub(crate) prepared: Counts,
    pub(crate) moved: Counts,
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (repo, keys) = (folder.path().join("repo"), folder.path().join("keys"));
        init(&repo, &KeysPlace::Folder(keys), Lifetimes::default(), Timestamp::now())
            .expect("a repository");
        let site = Folder::new(&repo).expect("it exists").with_cache(CacheRules::repository());
        let server = Server::new(Site::new().mount("/", site)).start().await.expect("a server");
        // One connection: several take over parts of each other's ranges, and how often depends on their speed.
        let config = ClientConfig {
            https: HttpsPolicy::HttpOnLoopback,
            concurrency: NonZeroUsize::MIN,
            ..ClientConfig::default()
        };
        let client = Client::new(config, 0).expect("a client");
        Self { folder, server, client }
    }

    /// A repository with the versions 1 to `count` of one pack, and what the catalog said of each.
    pub(crate) async fn with_versions(count: u64, deltas: usize) -> (Self, Vec<CatalogPack>) {
        let world = Self::new().await;
        let mut packs = Vec::new();
        for number in 1..=count {
            packs.push(world.publish(&version(number), deltas).await);
        }
        (world, packs)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn repo(&self, path: &str) -> PathBuf {
        self.path("repo").join(path)
    }

    pub(crate) async fn writer(&self) -> Writer {
        let (repo, keys) = (self.path("repo"), self.path("keys"));
        Writer::open(&repo, &keys, Lifetimes::default()).await.expect("a writer")
    }

    /// Publishes these files as the next version.
    pub(crate) async fn publish(&self, files: &Files, deltas: usize) -> CatalogPack {
        self.publish_at(Level::Fast, files, deltas).await
    }

    /// As [`publish`](Self::publish), at another level.
    pub(crate) async fn publish_at(
        &self,
        level: Level,
        files: &Files,
        deltas: usize,
    ) -> CatalogPack {
        let work = tempfile::tempdir().expect("a folder");
        let archive = work.path().join("p.assetpack");
        pack_at(level, &archive, files);
        let staging = work.path().join("staging");
        std::fs::create_dir(&staging).expect("a folder");
        let how = Preparation { staging, deltas, level, app_versions: None };
        let mut writer = self.writer().await;
        let pack = writer
            .reader()
            .prepare(&archive, &how, &mut |_| ControlFlow::Continue(()))
            .expect("a good archive");
        let (channel, packs) = (ChannelName::production(), vec![pack]);
        let request = ReleaseRequest { channel, rollout_percent: 100, packs };
        writer.publish(&request, Mode::Commit, Timestamp::now()).expect("a release");
        let live = writer.reader().catalogs().next().and_then(|catalog| catalog.packs.first());
        live.expect("one pack").clone()
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn access(&self) -> RepositoryAccess {
        let url = self.server.url().to_string();
        let location = Location::parse(&url, HttpsPolicy::HttpOnLoopback).expect("a URL");
        RepositoryAccess::new(location, self.client.clone(), Tracking::new("test"))
    }

    /// What a device of this name wants, holding these versions.
    pub(crate) fn goal(&self, device: &str, pack: &CatalogPack, held: Vec<HeldFolder>) -> Goal {
        let folder = self.path(device);
        Goal {
            pack: pack.clone(),
            held,
            beside: Vec::new(),
            leftovers: Vec::new(),
            staging: folder.join(format!("staging-{}", pack.version)),
            finish: Finish {
                folder: folder.join(pack.version.to_string()),
                access: Access::ReadOnly,
                about: Vec::new(),
            },
        }
    }

    /// Installs a version on a device, and gives what is held then.
    pub(crate) async fn install(&self, device: &str, pack: &CatalogPack) -> HeldFolder {
        let outcome = self.deliver(self.goal(device, pack, Vec::new())).await;
        assert!(outcome.receipt.bytes_down > 0);
        self.held(device, pack)
    }

    pub(crate) fn held(&self, device: &str, pack: &CatalogPack) -> HeldFolder {
        HeldFolder {
            version: HeldVersion { version: pack.version, content: pack.content },
            folder: self.path(device).join(pack.version.to_string()),
            sharing: Sharing::HardLinks,
        }
    }

    pub(crate) async fn deliver(&self, goal: Goal) -> Outcome {
        let access = self.access();
        let stop = CancellationToken::new();
        let prepared =
            Box::pin(Delivery::prepare(access.clone(), goal, &stop)).await.expect("a way");
        Box::pin(carry_out(&access, prepared)).await.expect("delivered")
    }

    pub(crate) async fn repair(&self, goal: Goal) -> Outcome {
        let access = self.access();
        let stop = CancellationToken::new();
        let prepared =
            Box::pin(Delivery::prepare_repair(access.clone(), goal, &stop)).await.expect("a way");
        Box::pin(carry_out(&access, prepared)).await.expect("delivered")
    }
}

/// Makes an archive of pack `p`.
pub(crate) fn pack(archive: &Path, files: &Files) {
    pack_at(Level::Fast, archive, files);
}

fn pack_at(level: Level, archive: &Path, files: &Files) {
    let source = tempfile::tempdir().expect("a folder");
    write(source.path(), files);
    let manifest = r#"{"assetPackID": "p", "downloadPolicy": {"onDemand": {}},
        "fileSelectors": [{"directory": "."}], "platforms": []}"#;
    let manifest = PackagingManifest::parse(manifest).expect("a manifest");
    let selected = selection::select(&manifest, source.path()).expect("a selection");
    let mut out = std::fs::File::create(archive).expect("a file");
    let go_on = &mut |_| ControlFlow::Continue(());
    build_archive(&manifest.to_json(), &selected, level, &mut out, go_on).expect("an archive");
}

pub(crate) async fn carry_out(
    access: &RepositoryAccess,
    delivery: Delivery,
) -> Result<Outcome, DeliverError> {
    let receipt = *delivery.receipt();
    let prepared = access.tracking().meter().ledger().total();
    let delivered = Box::pin(delivery.carry_out(silent(), &CancellationToken::new())).await?;
    let moved = since(prepared, access.tracking().meter().ledger().total());
    Ok(Outcome { receipt, delivered, prepared, moved })
}

pub(crate) fn silent() -> ProgressListener {
    Arc::new(|_| {})
}

fn since(before: Counts, now: Counts) -> Counts {
    Counts {
        requests: now.requests - before.requests,
        body_bytes: now.body_bytes - before.body_bytes,
        ..now
    }
}

pub(crate) fn write(folder: &Path, files: &Files) {
    std::fs::create_dir_all(folder).expect("a folder");
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).expect("a file");
    }
}

#[track_caller]
pub(crate) fn assert_files(folder: &Path, expected: &Files) {
    let files = InstalledVersion::files_of(folder);
    let found = std::fs::read_dir(&files).expect("a folder").count();
    assert_eq!(found, expected.len());
    for (name, bytes) in expected {
        assert!(std::fs::read(files.join(name)).expect("there") == *bytes, "{name} differs");
    }
}

impl Outcome {
    /// What was said beforehand is what was measured.
    #[track_caller]
    pub(crate) fn assert_as_stated(&self) {
        let Self { receipt, delivered, prepared, moved } = self;
        let stated = (receipt.index_requests, receipt.index_bytes_down);
        assert_eq!(stated, (prepared.requests, prepared.body_bytes), "indexes: {receipt:?}");
        let stated = (receipt.requests, receipt.bytes_down);
        assert_eq!(stated, (moved.requests, moved.body_bytes), "blocks: {receipt:?}");
        let measured = (delivered.bytes_written, delivered.peak_extra_disk);
        assert_eq!((receipt.bytes_written, receipt.peak_extra_disk), measured, "{receipt:?}");
    }
}

/// Lets the test write to a file that is installed read-only.
pub(crate) fn open(file: &Path) {
    headstart_sys::mode::set_mode(file, headstart_sys::mode::Mode::PRIVATE).expect("ours");
}
