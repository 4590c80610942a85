//! A repository in a temporary folder, an author, and a device.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use headstart_model::catalog::{BundleRef, Catalog, DeltaRef, IndexRef, bundle_path};
use headstart_model::packaging::PackagingManifest;
use headstart_model::{ChannelName, Digest, DownloadPolicy, PackId, PackVersion};
use headstart_pack::{ArchiveReader, Level, build_archive};
use headstart_repo::author::{
    Initialised, KeysPlace, Lifetimes, Mode, PreparedPack, Reader, ReleaseRequest, Released,
    Staged, Writer, init,
};
use headstart_repo::{
    Checked, Fetch, FetchError, FetchRequest, Fetched, FolderFetch, Freshness, RepoError, Sha256,
    TrustStore,
};
use jiff::{SignedDuration, Timestamp};

pub(crate) struct World {
    /// Removed with the world, unless the world is somebody else's.
    _own: Option<tempfile::TempDir>,
    folder: PathBuf,
    pub(crate) repo: PathBuf,
    pub(crate) keys: PathBuf,
    pub(crate) made: Initialised,
    pub(crate) now: Timestamp,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::at(Timestamp::now())
    }

    /// A repository that was made at `now`. `tough` judges dates by the real clock, so tests count from it.
    pub(crate) fn at(now: Timestamp) -> Self {
        let own = tempfile::tempdir().expect("a folder");
        let folder = own.path().to_owned();
        let (repo, keys) = (folder.join("repo"), folder.join("keys"));
        let made = init(&repo, &KeysPlace::Folder(keys.clone()), Lifetimes::default(), now)
            .expect("a repository");
        Self { _own: Some(own), folder, repo, keys, made, now }
    }

    /// The repository and the keys that another world has in `folder`.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        let (repo, keys) = (folder.join("repo"), folder.join("keys"));
        let root = repo.join("metadata/root.json");
        let fingerprint = Sha256::of(&fs::read(&root).expect("a root"));
        let made = Initialised { root, fingerprint, keys: keys.clone() };
        Self { _own: None, folder: folder.to_owned(), repo, keys, made, now: Timestamp::now() }
    }

    /// Another world with copies of everything.
    pub(crate) fn copy(&self) -> Self {
        let own = tempfile::tempdir().expect("a folder");
        copy_folder(&self.folder, own.path());
        let copy = Self::in_folder(own.path());
        Self { _own: Some(own), now: self.now, ..copy }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) async fn writer(&self) -> Writer {
        Writer::open(&self.repo, &self.keys, Lifetimes::default()).await.expect("a writer")
    }

    pub(crate) async fn reader(&self) -> Reader {
        Reader::open(&self.repo, None).await.expect("a reader")
    }

    pub(crate) async fn publish(&self, packs: Vec<PreparedPack>) -> Released {
        let request =
            ReleaseRequest { channel: ChannelName::production(), rollout_percent: 100, packs };
        self.writer().await.publish(&request, Mode::Commit, self.now).expect("a release")
    }

    /// An archive whose only file has this text.
    pub(crate) fn archive(&self, id: &str, text: &str) -> PathBuf {
        let source = self.path(&format!("sources/{id}-{}", Digest::of(text.as_bytes()).short()));
        fs::create_dir_all(&source).expect("a folder");
        fs::write(source.join("data.bin"), text).expect("a file");
        let manifest = format!(
            r#"{{"assetPackID": "{id}", "downloadPolicy": {{"onDemand": {{}}}}, "fileSelectors": [{{"file": "data.bin"}}], "platforms": []}}"#
        );
        let manifest = PackagingManifest::parse(&manifest).expect("a manifest");
        let selection = headstart_pack::selection::select(&manifest, &source).expect("a selection");
        let path = source.join("pack.assetpack");
        let mut out = fs::File::create(&path).expect("a file");
        build_archive(&manifest.to_json(), &selection, Level::Fast, &mut out, &mut |_| {
            ControlFlow::Continue(())
        })
        .expect("an archive");
        path
    }

    /// A pack whose only file has this text, ready to be published, without deltas.
    pub(crate) fn pack(&self, id: &str, text: &str) -> PreparedPack {
        let archive = fs::File::open(self.archive(id, text)).expect("an archive");
        let mut archive = ArchiveReader::open(archive).expect("an archive");
        let header = archive.header().clone();
        let mut bundle = Vec::new();
        archive.copy_bundle(&mut bundle).expect("a bundle");
        let index = archive.index_bytes().expect("an index");
        PreparedPack {
            id: PackId::new(id).expect("an id"),
            download_policy: DownloadPolicy::on_demand(),
            platforms: Vec::new(),
            language: None,
            user_info: None,
            app_versions: None,
            content: header.content,
            installed_size: text.len() as u64,
            file_count: 1,
            index: Staged {
                path: self.stage(&format!("{id}-{text}.index"), &index),
                named: IndexRef {
                    digest: header.structure_digest,
                    structure_bytes: header.structure_bytes,
                    names_bytes: header.names_bytes,
                },
            },
            full: Staged {
                path: self.stage(&format!("{id}-{text}.full"), &bundle),
                named: BundleRef { digest: header.bundle_digest, bytes: header.bundle_bytes },
            },
            deltas: Vec::new(),
        }
    }

    /// Where the full bundle of [`World::pack`] lies once it is published, as a path in the repository.
    pub(crate) fn bundle(&self, text: &str) -> String {
        bundle_path(&self.pack("x", text).full.named.digest)
    }

    /// The same with a file in the place of a delta bundle from an earlier version.
    pub(crate) fn pack_after(
        &self,
        id: &str,
        text: &str,
        from: u64,
        from_text: &str,
    ) -> PreparedPack {
        let delta = format!("head|from {from_text} to {text}");
        let path = self.stage(&format!("{id}-{text}-{from}.delta"), delta.as_bytes());
        let named = DeltaRef {
            from: PackVersion(from),
            from_content: self.pack(id, from_text).content,
            digest: Digest::of(delta.as_bytes()),
            bytes: delta.len() as u64,
            structure_digest: Digest::of(b"head"),
            structure_bytes: 4,
        };
        PreparedPack { deltas: vec![Staged { path, named }], ..self.pack(id, text) }
    }

    fn stage(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let staging = self.path("staging");
        fs::create_dir_all(&staging).expect("a folder");
        let path = staging.join(name);
        fs::write(&path, bytes).expect("a file");
        path
    }

    /// A device that trusts the repository's root.
    pub(crate) fn device(&self, name: &str) -> Device {
        let root = fs::read(&self.made.root).expect("a root");
        let trust = TrustStore::pin(&self.path(name), &root).expect("a good root");
        Device { trust, server: Arc::new(Server::new(&self.repo)) }
    }

    /// All files of the repository, by path.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.repo.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("readable") {
                let path = entry.expect("readable").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path.clone(), fs::read(&path).expect("readable"));
                }
            }
        }
        files
    }

    /// The newest file of the repository whose name ends so, by the number before it.
    pub(crate) fn newest(&self, ending: &str) -> PathBuf {
        let number = |path: &Path| {
            let name = path.file_name()?.to_str()?;
            name.strip_suffix(ending)?.parse::<u64>().ok()
        };
        let paths = self.files().into_keys().filter_map(|path| Some((number(&path)?, path)));
        paths.max().expect("there is one").1
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("readable") {
        let (from, to) =
            entry.map(|entry| (entry.path(), to.join(entry.file_name()))).expect("readable");
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            fs::copy(&from, &to).expect("copied");
        }
    }
}

pub(crate) struct Device {
    pub(crate) trust: TrustStore,
    pub(crate) server: Arc<Server>,
}

impl Device {
    pub(crate) async fn check(&self) -> Result<Checked, RepoError> {
        self.check_at(Timestamp::now()).await
    }

    pub(crate) async fn check_at(&self, now: Timestamp) -> Result<Checked, RepoError> {
        self.check_channel(&ChannelName::production(), now).await
    }

    pub(crate) async fn check_channel(
        &self,
        channel: &ChannelName,
        now: Timestamp,
    ) -> Result<Checked, RepoError> {
        self.trust.check(Arc::clone(&self.server) as Arc<dyn Fetch>, channel, now).await
    }

    pub(crate) fn known(&self) -> Option<Catalog> {
        self.trust.catalog(&ChannelName::production()).expect("readable")
    }
}

/// What a server does instead of handing out the file.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Bytes(Vec<u8>),
    NotFound,
    /// 401.
    Denied,
    /// 403.
    Forbidden,
    Broken,
}

/// Serves the folder, remembers what it was asked, and misbehaves where it is told to.
pub(crate) struct Server {
    folder: FolderFetch,
    asked: Mutex<Vec<String>>,
    lies: Mutex<BTreeMap<String, Answer>>,
    /// Lies come from a cache on the way: who asks the server itself is told the truth.
    cache_lies: Mutex<bool>,
    bytes: Mutex<usize>,
    tag: Mutex<Option<String>>,
}

impl Server {
    pub(crate) fn new(repo: &Path) -> Self {
        Self {
            folder: FolderFetch::new(repo),
            asked: Mutex::default(),
            lies: Mutex::default(),
            cache_lies: Mutex::default(),
            bytes: Mutex::default(),
            tag: Mutex::default(),
        }
    }

    pub(crate) fn lie(&self, path: &str, answer: Answer) {
        self.lies.lock().expect("whole").insert(path.to_owned(), answer);
    }

    /// From now on it is a cache on the way that lies.
    pub(crate) fn let_cache_lie(&self) {
        *self.cache_lies.lock().expect("whole") = true;
    }

    /// Bytes that were handed out since the last call.
    pub(crate) fn bytes(&self) -> usize {
        std::mem::take(&mut *self.bytes.lock().expect("whole"))
    }

    pub(crate) fn stop_lying(&self) {
        self.lies.lock().expect("whole").clear();
    }

    /// From now on the timestamp has this tag.
    pub(crate) fn tag(&self, tag: &str) {
        *self.tag.lock().expect("whole") = Some(tag.to_owned());
    }

    /// What was asked for since the last call.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("whole"))
    }
}

#[async_trait]
impl Fetch for Server {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        self.asked.lock().expect("whole").push(request.path.to_owned());
        let lie = self.lies.lock().expect("whole").get(request.path).cloned();
        let tag = self.tag.lock().expect("whole").clone();
        if tag.is_some() && request.held == tag.as_deref() {
            return Ok(Fetched::NotModified);
        }
        let to_server = request.freshness == Freshness::FromServer;
        let lie = lie.filter(|_| !(to_server && *self.cache_lies.lock().expect("whole")));
        match lie {
            Some(Answer::Bytes(bytes)) if bytes.len() as u64 > request.max_bytes => {
                Err(FetchError::TooLarge { limit_bytes: request.max_bytes })
            }
            Some(Answer::Bytes(bytes)) => Ok(Fetched::Body { bytes: bytes.into(), tag: None }),
            Some(Answer::NotFound) => Err(FetchError::NotFound),
            Some(Answer::Denied) => Err(FetchError::Denied("401".into())),
            Some(Answer::Forbidden) => Err(FetchError::Forbidden("403".into())),
            Some(Answer::Broken) => Err(FetchError::Failed("the connection was cut".into())),
            None => match self.folder.fetch(request).await? {
                Fetched::Body { bytes, .. } => {
                    *self.bytes.lock().expect("whole") += bytes.len();
                    Ok(Fetched::Body { bytes, tag })
                }
                Fetched::NotModified => unreachable!("a folder knows no tags"),
            },
        }
    }
}

pub(crate) fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

/// Ids and versions of a catalog's packs.
pub(crate) fn versions(catalog: &Catalog) -> Vec<(&str, u64)> {
    catalog.packs.iter().map(|pack| (pack.id.as_str(), pack.version.0)).collect()
}
