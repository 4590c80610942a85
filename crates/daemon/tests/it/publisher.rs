//! An author with a repository, and a server that hands it out.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use headstart_model::packaging::PackagingManifest;
use headstart_pack::selection::{select, source_root};
use headstart_pack::{Level, build_archive};
use headstart_repo::author::{
    KeysPlace, Lifetimes, Mode, Preparation, PreparedPack, ReleaseRequest, Writer, init,
};
use headstart_serve::{Faults, Folder, Gate, RequestEvent, Running, Server, Site, Tls};
use jiff::Timestamp;

/// Files by path.
pub type Files = BTreeMap<String, Vec<u8>>;

/// When a pack is fetched.
#[derive(Clone, Copy)]
pub enum Policy {
    Essential,
    Prefetch,
    OnDemand,
}

/// An author's machine in a folder.
pub struct Publisher {
    pub folder: PathBuf,
    /// From how many earlier versions deltas are made.
    pub deltas: usize,
    runtime: tokio::runtime::Runtime,
}

pub fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(3_037_000_493);
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

/// The files of a pack in an edition. The second edition changes a few bytes, adds a file and takes one away.
pub fn files(pack: &str, edition: u64) -> Files {
    let seed = pack.bytes().map(u64::from).sum::<u64>();
    let mut files = Files::new();
    for number in 0..3 {
        files.insert(format!("{pack}/file-{number}.bin"), noise(seed + number, 150_000));
    }
    files.insert(format!("{pack}/note.txt"), format!("edition {edition} of {pack}\n").into_bytes());
    if edition > 1 {
        let file = files.get_mut(&format!("{pack}/file-1.bin")).unwrap();
        file.splice(70_000..70_010, noise(seed + edition, 500));
        files.remove(&format!("{pack}/file-2.bin"));
        files.insert(format!("{pack}/new-{edition}.bin"), noise(seed + 77 + edition, 20_000));
    }
    files
}

impl Publisher {
    /// A new repository in `folder`, valid from `now`.
    pub fn new(folder: &Path, now: Timestamp) -> Self {
        let (repository, keys) = (folder.join("repository"), folder.join("keys"));
        init(&repository, &KeysPlace::Folder(keys), Lifetimes::default(), now).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { folder: folder.to_owned(), deltas: 3, runtime }
    }

    /// Who only makes archives, in `folder`.
    pub fn without_repository(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { folder: folder.to_owned(), deltas: 3, runtime }
    }

    pub fn repository(&self) -> PathBuf {
        self.folder.join("repository")
    }

    pub fn root(&self) -> PathBuf {
        self.repository().join("metadata/root.json")
    }

    /// Packs an edition of a pack and gives the archive.
    pub fn pack(&self, id: &str, policy: Policy, edition: u64) -> PathBuf {
        let source = self.folder.join(format!("source/{id}-{edition}"));
        for (path, bytes) in files(id, edition) {
            let path = source.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let events = r#"{"installationEventTypes":["firstInstallation","subsequentUpdate"]}"#;
        let policy = match policy {
            Policy::Essential => format!(r#"{{"essential":{events}}}"#),
            Policy::Prefetch => format!(r#"{{"prefetch":{events}}}"#),
            Policy::OnDemand => r#"{"onDemand":{}}"#.to_owned(),
        };
        let archive = self.pack_folder(id, &policy, &source);
        let kept = self.folder.join(format!("{id}-{edition}.assetpack"));
        std::fs::rename(archive, &kept).unwrap();
        kept
    }

    /// Packs everything in a folder and gives the archive.
    pub fn pack_folder(&self, id: &str, policy: &str, source: &Path) -> PathBuf {
        let manifest = format!(
            r#"{{"assetPackID":"{id}","downloadPolicy":{policy},"fileSelectors":[{{"directory":"."}}],"platforms":[]}}"#
        );
        let manifest = PackagingManifest::parse(&manifest).unwrap();
        let root = source_root(&manifest, &source.join("manifest.json"), None);
        let selection = select(&manifest, &root).unwrap();
        let archive = self.folder.join(format!("{id}.assetpack"));
        let mut out = File::create(&archive).unwrap();
        let go_on = &mut |_| ControlFlow::Continue(());
        build_archive(&manifest.to_json(), &selection, Level::Fast, &mut out, go_on).unwrap();
        archive
    }

    /// Publishes archives as one release, at `now`.
    pub fn publish(&self, archives: &[PathBuf], now: Timestamp) {
        self.publish_altered(archives, now, |_, _| {});
    }

    /// Publishes archives as one release that `alter` has changed before it is signed; it may write to the folder.
    pub fn publish_altered(
        &self,
        archives: &[PathBuf],
        now: Timestamp,
        mut alter: impl FnMut(&mut PreparedPack, &Path),
    ) {
        let keys = self.folder.join("keys");
        let repository = self.repository();
        let opened = Writer::open(&repository, &keys, Lifetimes::default());
        let mut writer = self.runtime.block_on(opened).unwrap();
        let staging = tempfile::tempdir_in(&self.folder).unwrap();
        let how = Preparation {
            staging: staging.path().to_owned(),
            deltas: self.deltas,
            level: Level::Fast,
            app_versions: None,
        };
        let prepare = |archive: &PathBuf| {
            writer.reader().prepare(archive, &how, &mut |_| ControlFlow::Continue(())).unwrap()
        };
        let mut packs: Vec<_> = archives.iter().map(prepare).collect();
        packs.iter_mut().for_each(|pack| alter(pack, staging.path()));
        let channel = headstart_model::ChannelName::production();
        let request = ReleaseRequest { channel, rollout_percent: 100, packs };
        writer.publish(&request, Mode::Commit, now).unwrap();
    }

    /// Withdraws packs.
    pub fn withdraw(&self, packs: &[&str], now: Timestamp) {
        let keys = self.folder.join("keys");
        let repository = self.repository();
        let opened = Writer::open(&repository, &keys, Lifetimes::default());
        let mut writer = self.runtime.block_on(opened).unwrap();
        let ids: Vec<_> =
            packs.iter().map(|id| headstart_model::PackId::new(*id).unwrap()).collect();
        writer.remove(&ids, now).unwrap();
    }
}

/// A server on loopback that hands out a folder; it has a runtime of its own.
pub struct Web {
    pub faults: Faults,
    pub gate: Gate,
    pub url: String,
    running: Option<Running>,
    runtime: tokio::runtime::Runtime,
}

impl Web {
    pub fn serve(folder: &Path) -> Self {
        Self::start(folder, Tls::Off)
    }

    /// With TLS, by an authority that is kept in the folder `authority`.
    pub fn serve_encrypted(folder: &Path, authority: &Path) -> Self {
        Self::start(folder, Tls::Auto { folder: authority.to_owned(), names: Vec::new() })
    }

    fn start(folder: &Path, tls: Tls) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let faults = Faults::none();
        let site = Site::new().mount("/", Folder::new(folder).unwrap());
        let gate = Gate::open();
        let server = Server::new(site).faults(faults.clone()).gate(gate.clone()).tls(tls);
        let running = runtime.block_on(server.start()).unwrap();
        let url = running.url().to_string();
        Self { faults, gate, url, running: Some(running), runtime }
    }

    /// Asks for `path` and waits until the server has answered and hung up.
    pub fn ask(&self, path: &str) {
        let mut connection =
            TcpStream::connect(self.running.as_ref().unwrap().local_addr()).unwrap();
        let ask = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        connection.write_all(ask.as_bytes()).unwrap();
        connection.read_to_end(&mut Vec::new()).unwrap();
    }

    /// Ends the server and gives all requests, in the order in which they ended.
    pub fn finish(mut self) -> Vec<RequestEvent> {
        let mut running = self.running.take().unwrap();
        let mut log = running.take_requests().unwrap();
        self.runtime.block_on(async {
            running.shutdown().await;
            let mut requests = Vec::new();
            while let Some(request) = log.recv().await {
                requests.push(request);
            }
            assert_eq!(log.lost(), 0, "more requests than the log holds");
            requests
        })
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.shutdown());
        }
    }
}

/// Copies a folder, so that a test can change it without others seeing it.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
