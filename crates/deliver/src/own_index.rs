//! Archives whose index nobody signed: what they say of themselves, and where their parts lie. `Spec: packs 4.1`.
//!
//! An archive holds the digests of all its parts. Compared with these, its bytes are whole and belong together; whether they are those
//! that the author meant, only the connection says over which the archive, and the list that names it, came.

use std::fs::File;
use std::path::{Path, PathBuf};

use headstart_model::catalog::{BundleRef, CatalogPack, IndexRef};
use headstart_model::packaging::{ManifestError, PackagingManifest};
use headstart_model::{ErrorKind, Failure, PackId, PackVersion};
use headstart_pack::{ArchiveHeader, ArchiveIndex, ArchiveReader, FormatError, Tree};
use headstart_transfer::{
    BlockSource, ByteRange, Client, LocalCopy, SmallRequest, SmallResponse, Tracking, TransferError,
};
use url::Url;

/// An index that nobody signed unfolds to so much at most. `Ours:` whatever host a manifest names may put anything there; it is enough for a
/// pack of 30 GiB, or a million files.
const INDEX_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Indexes that nobody signed are decoded one at a time.
static DECODING: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(1);

/// Where an archive lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchivePlace {
    /// On a server.
    Url(Url),
    /// On this machine.
    File(PathBuf),
}

/// An archive as a place that has an index and a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveLocation {
    pub(crate) place: ArchivePlace,
    /// Bytes of the whole archive.
    pub(crate) bytes: u64,
    index_at: u64,
}

impl ArchiveLocation {
    /// The archive of `pack`, which was described by [`OwnIndex::describe`].
    #[must_use]
    pub const fn new(place: ArchivePlace, pack: &CatalogPack) -> Self {
        let bytes = pack.download_size;
        // `docs/format/pack.md`, The archive: structure section and names section end it.
        let behind = pack.index.structure_bytes.saturating_add(pack.index.names_bytes);
        Self { place, bytes, index_at: bytes.saturating_sub(behind) }
    }

    /// The whole archive.
    pub(crate) fn source(&self) -> BlockSource {
        match &self.place {
            ArchivePlace::Url(url) => url.clone().into(),
            ArchivePlace::File(file) => LocalCopy::new(file.clone()).into(),
        }
    }

    /// Where in the archive the file begins that has this path in a repository.
    pub(crate) fn offset_of(&self, path: &str) -> u64 {
        if path.starts_with("indexes/") { self.index_at } else { ArchiveHeader::BUNDLE_OFFSET }
    }
}

/// What an archive says of itself: its parts have the digests that it names, and fit together.
#[derive(Debug, Clone)]
pub struct OwnIndex {
    header: ArchiveHeader,
    manifest: PackagingManifest,
    installed_size: u64,
    file_count: u64,
}

/// Why an archive is not what it was announced to be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnIndexError {
    /// The network or the server failed.
    #[error("the archive of pack `{pack}` could not be fetched")]
    Transfer {
        /// The pack.
        pack: PackId,
        /// Why.
        #[source]
        source: Box<TransferError>,
    },
    /// The file cannot be read.
    #[error("the archive of pack `{pack}` could not be read")]
    File {
        /// The pack.
        pack: PackId,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No archive, or a damaged one.
    #[error("what was announced as the archive of pack `{pack}` is none, or is damaged")]
    Format {
        /// The pack.
        pack: PackId,
        /// Why.
        #[source]
        source: FormatError,
    },
    /// The manifest in it cannot be read.
    #[error("the manifest in the archive of pack `{pack}` cannot be read")]
    Manifest {
        /// The pack.
        pack: PackId,
        /// Why.
        #[source]
        source: Box<ManifestError>,
    },
    /// It has another size.
    #[error("the archive of pack `{pack}` has {actual} bytes, and {promised} were announced")]
    Size {
        /// The pack.
        pack: PackId,
        /// Bytes announced.
        promised: u64,
        /// Bytes that it has.
        actual: u64,
    },
    /// It is that of another pack.
    #[error("what was announced as the archive of pack `{pack}` is that of pack `{actual}`")]
    OtherPack {
        /// The pack announced.
        pack: PackId,
        /// The pack that it is of.
        actual: PackId,
    },
}

impl OwnIndexError {
    /// The failure as it is told to people and programs.
    #[must_use]
    pub fn to_failure(&self) -> Failure {
        let (kind, code, hint) = match self {
            Self::Transfer { pack, source } => {
                let within = format!("the archive of pack `{pack}` could not be fetched");
                return source.to_failure().within(within);
            }
            Self::File { .. } | Self::Format { source: FormatError::Io(_), .. } => {
                (ErrorKind::Internal, "fileFailed", "check the disk, and the permissions there")
            }
            Self::Format { source: FormatError::Magic { .. }, .. } => {
                (ErrorKind::InvalidInput, "notAnArchive", "put what `headstart pack` made there")
            }
            Self::Format { source: FormatError::Version { .. }, .. } => {
                (ErrorKind::InvalidInput, "archiveTooNew", "this needs a newer Headstart")
            }
            Self::Format { .. } | Self::Manifest { .. } => (
                ErrorKind::InvalidInput,
                "archiveDamaged",
                "put the archive on the server again; `headstart verify` says what is damaged",
            ),
            Self::Size { .. } => (
                ErrorKind::InvalidInput,
                "otherFileSize",
                "publish the archive first and the download manifest last, and never change a published archive",
            ),
            Self::OtherPack { .. } => (
                ErrorKind::InvalidInput,
                "otherPack",
                "correct the address in the download manifest, or what lies there",
            ),
        };
        Failure::from_error(kind, code, self).with_hint(hint)
    }
}

/// What was announced of an archive.
#[derive(Debug, Clone, Copy)]
pub struct Announced<'a> {
    /// The pack.
    pub pack: &'a PackId,
    /// Bytes of the archive.
    pub bytes: u64,
}

impl OwnIndex {
    /// Fetches header, manifest and index of the archive at `url`, by two ranges; the bundle and the chunk names stay where they are.
    ///
    /// # Errors
    /// [`OwnIndexError`] when they cannot be had, do not agree, or are not what was announced.
    pub async fn fetch(
        url: &Url,
        announced: Announced<'_>,
        (client, tracking): (&Client, &Tracking),
    ) -> Result<Self, OwnIndexError> {
        let part = async |start, bytes| {
            let mut request = SmallRequest::new(url.clone(), bytes);
            request.range = Some(ByteRange { start, bytes });
            match client.fetch_small(&request, tracking).await {
                Ok(SmallResponse::Body(body)) => Ok((body.bytes.to_vec(), body.file_bytes)),
                Ok(SmallResponse::NotModified) => Ok((Vec::new(), None)),
                Err(source) => Err(OwnIndexError::Transfer {
                    pack: announced.pack.clone(),
                    source: Box::new(source),
                }),
            }
        };
        let format = |source| announced.format(source);
        let (header, actual) = part(0, ArchiveHeader::BYTES).await?;
        let header = ArchiveHeader::decode(&header).map_err(format)?;
        announced.check_size(header.archive_bytes())?;
        // More may lie behind it than it says.
        announced.check_size(actual.unwrap_or(announced.bytes))?;
        if header.structure_bytes > INDEX_BYTES_MAX {
            let (found, limit) = (header.structure_bytes, INDEX_BYTES_MAX);
            let what = "the length of an index that nobody signed";
            return Err(announced.format(FormatError::Limit { what, found, limit }));
        }
        let inside = header.manifest_bytes.saturating_add(header.structure_bytes);
        let (inside, _) = part(header.manifest_offset(), inside).await?;
        // It takes memory and time: one after the other, and where that holds nobody up.
        let turn = DECODING.acquire().await;
        let read = tokio::task::spawn_blocking(move || {
            // It goes with the work, which goes on when nobody waits for it any more.
            let _turn = turn;
            ArchiveIndex::read(&header, inside, INDEX_BYTES_MAX).map(|index| (header, index))
        });
        let read = read.await.unwrap_or_else(|error| Err(std::io::Error::other(error).into()));
        let (header, ArchiveIndex { manifest, tree, .. }) = read.map_err(format)?;
        Self::new(header, &manifest, &tree, announced)
    }

    /// Reads header, manifest and the whole index of the archive at `path`, chunk names included.
    ///
    /// # Errors
    /// [`OwnIndexError`] when they cannot be read, do not agree, or are not what was announced.
    pub fn read(path: &Path, announced: Announced<'_>) -> Result<Self, OwnIndexError> {
        let file = File::open(path)
            .map_err(|source| OwnIndexError::File { pack: announced.pack.clone(), source })?;
        let reader = ArchiveReader::open_within(file, INDEX_BYTES_MAX)
            .map_err(|source| announced.format(source))?;
        let header = reader.header().clone();
        announced.check_size(header.archive_bytes())?;
        Self::new(header, reader.manifest(), reader.complete().tree(), announced)
    }

    fn new(
        header: ArchiveHeader,
        manifest: &[u8],
        tree: &Tree,
        announced: Announced<'_>,
    ) -> Result<Self, OwnIndexError> {
        let text = String::from_utf8_lossy(manifest);
        let manifest = PackagingManifest::parse(&text).map_err(|source| {
            OwnIndexError::Manifest { pack: announced.pack.clone(), source: Box::new(source) }
        })?;
        if manifest.asset_pack_id != *announced.pack {
            let (pack, actual) = (announced.pack.clone(), manifest.asset_pack_id);
            return Err(OwnIndexError::OtherPack { pack, actual });
        }
        let (installed_size, file_count) = (tree.installed_bytes(), tree.files().count() as u64);
        Ok(Self { header, manifest, installed_size, file_count })
    }

    /// The archive as an entry of a catalog, by which it can be delivered from an [`ArchiveLocation`]. Nothing in it is signed.
    #[must_use]
    pub fn describe(&self, version: PackVersion) -> CatalogPack {
        let (header, manifest) = (&self.header, &self.manifest);
        CatalogPack {
            id: manifest.asset_pack_id.clone(),
            version,
            download_policy: manifest.download_policy.clone(),
            platforms: manifest.platforms.clone(),
            language: manifest.language.clone(),
            user_info: manifest.user_info.clone(),
            download_size: header.archive_bytes(),
            installed_size: self.installed_size,
            file_count: self.file_count,
            content: header.content,
            index: IndexRef {
                digest: header.structure_digest,
                structure_bytes: header.structure_bytes,
                names_bytes: header.names_bytes,
            },
            full: BundleRef { digest: header.bundle_digest, bytes: header.bundle_bytes },
            deltas: Vec::new(),
            former: None,
            app_versions: manifest.app_versions.clone(),
            fallbacks: Vec::new(),
        }
    }
}

impl Announced<'_> {
    fn format(self, source: FormatError) -> OwnIndexError {
        OwnIndexError::Format { pack: self.pack.clone(), source }
    }

    fn check_size(self, actual: u64) -> Result<(), OwnIndexError> {
        if actual == self.bytes {
            return Ok(());
        }
        Err(OwnIndexError::Size { pack: self.pack.clone(), promised: self.bytes, actual })
    }
}
