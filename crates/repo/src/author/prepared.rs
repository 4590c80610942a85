//! A pack made ready to be published: what the catalog will say of it, and the files that go into the repository.

use std::path::PathBuf;

use headstart_model::catalog::{BundleRef, CatalogPack, DeltaRef, IndexRef, bundle_path};
use headstart_model::{
    AppVersions, Digest, DownloadPolicy, Language, PackId, PackVersion, Platform,
};

/// A file outside the repository, and how the catalog will name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged<R> {
    /// Where it lies now. It is copied, not moved.
    pub path: PathBuf,
    /// Digest and sizes, which are checked while it is copied.
    pub named: R,
}

/// A pack made ready to be published. Its version is decided when it is.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedPack {
    /// The pack.
    pub id: PackId,
    /// When it is downloaded.
    pub download_policy: DownloadPolicy,
    /// Platforms it is meant for; empty means all.
    pub platforms: Vec<Platform>,
    /// Its language; none when it is not localized.
    pub language: Option<Language>,
    /// Whatever the author put into the manifest.
    pub user_info: Option<serde_json::Value>,
    /// The versions of the app that it is for; none means all.
    pub app_versions: Option<AppVersions>,
    /// Digest of the complete tree: the identity of the content.
    pub content: Digest,
    /// Bytes of all files when installed.
    pub installed_size: u64,
    /// Number of files.
    pub file_count: u64,
    /// The index.
    pub index: Staged<IndexRef>,
    /// The bundle that holds every chunk.
    pub full: Staged<BundleRef>,
    /// Delta bundles, from the newest version to the oldest.
    pub deltas: Vec<Staged<DeltaRef>>,
}

impl PreparedPack {
    /// Whether publishing it would change nothing for a device that has `version`: content and manifest are the same.
    /// `Spec: cli, repo publish`. How the content is compressed does not count.
    #[must_use]
    pub fn is_same_as(&self, version: &CatalogPack) -> bool {
        self.id == version.id
            && self.content == version.content
            && self.download_policy == version.download_policy
            && self.platforms == version.platforms
            && self.language == version.language
            && self.user_info == version.user_info
            && self.app_versions == version.app_versions
    }

    /// What the catalog says of it, once its version is decided.
    pub(crate) fn describe(&self, version: PackVersion) -> CatalogPack {
        CatalogPack {
            id: self.id.clone(),
            version,
            download_policy: self.download_policy.clone(),
            platforms: self.platforms.clone(),
            language: self.language.clone(),
            user_info: self.user_info.clone(),
            download_size: self.index.named.structure_bytes.saturating_add(self.full.named.bytes),
            installed_size: self.installed_size,
            file_count: self.file_count,
            content: self.content,
            index: self.index.named.clone(),
            full: self.full.named.clone(),
            deltas: self.deltas.iter().map(|delta| delta.named.clone()).collect(),
            former: None,
            app_versions: self.app_versions.clone(),
            fallbacks: Vec::new(),
        }
    }

    /// Its files: where they lie, and what they become.
    pub(crate) fn files(&self, described: &CatalogPack) -> Vec<(PathBuf, NamedFile)> {
        let deltas = self.deltas.iter().map(|delta| (delta.path.clone(), delta_file(&delta.named)));
        let head = [
            (self.index.path.clone(), index_file(described)),
            (self.full.path.clone(), full_file(&described.full)),
        ];
        head.into_iter().chain(deltas).collect()
    }
}

/// A file of the repository as a catalog names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedFile {
    /// Its path in the repository.
    pub(crate) path: String,
    pub(crate) content: Content,
}

/// What is known of the bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    /// All bytes.
    pub(crate) bytes: u64,
    /// Digests of its beginnings, by rising length.
    pub(crate) beginnings: Vec<Beginning>,
}

/// The first bytes of a file have this digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Beginning {
    pub(crate) bytes: u64,
    pub(crate) digest: Digest,
}

/// Every file that a catalog names for one pack, its fallbacks included.
pub(crate) fn files_of(pack: &CatalogPack) -> Vec<NamedFile> {
    let head = [index_file(pack), full_file(&pack.full)];
    let own = head.into_iter().chain(pack.deltas.iter().map(delta_file)).chain(former_file(pack));
    own.chain(pack.fallbacks.iter().flat_map(files_of)).collect()
}

fn former_file(pack: &CatalogPack) -> Option<NamedFile> {
    let (former, path) = (pack.former.as_ref()?, pack.former_path()?);
    let beginnings = vec![Beginning { bytes: former.bytes, digest: former.digest }];
    Some(NamedFile { path, content: Content { bytes: former.bytes, beginnings } })
}

/// The names section of an index is not signed by itself: it is bound by the digest of the complete tree.
fn index_file(pack: &CatalogPack) -> NamedFile {
    let index = &pack.index;
    NamedFile {
        path: pack.index_path(),
        content: Content {
            bytes: index.structure_bytes.saturating_add(index.names_bytes),
            beginnings: vec![Beginning { bytes: index.structure_bytes, digest: index.digest }],
        },
    }
}

fn full_file(bundle: &BundleRef) -> NamedFile {
    let beginnings = vec![Beginning { bytes: bundle.bytes, digest: bundle.digest }];
    NamedFile {
        path: bundle_path(&bundle.digest),
        content: Content { bytes: bundle.bytes, beginnings },
    }
}

fn delta_file(delta: &DeltaRef) -> NamedFile {
    let beginnings = vec![
        Beginning { bytes: delta.structure_bytes, digest: delta.structure_digest },
        Beginning { bytes: delta.bytes, digest: delta.digest },
    ];
    NamedFile {
        path: bundle_path(&delta.digest),
        content: Content { bytes: delta.bytes, beginnings },
    }
}
