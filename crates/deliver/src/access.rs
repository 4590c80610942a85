//! A repository to read from: over HTTP, or in a folder.

mod metadata;
mod places;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use headstart_pack::ArchiveHeader;
use headstart_transfer::{
    BlockSource, ByteRange, Client, Freshness, HttpsPolicy, LocalCopy, SmallRequest, SmallResponse,
    Tracking, TransferError,
};
use url::Url;

use crate::own_index::{ArchiveLocation, ArchivePlace};
use metadata::MetadataPlace;
use places::Turn;

/// Where a repository lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// Behind a URL, which ends in `/`.
    Http(Url),
    /// In a folder of this machine (`file://`): works without a network.
    Folder(PathBuf),
    /// No repository, but the archive of one version: it has the index and the full bundle of that version, and nothing else.
    Archive(ArchiveLocation),
}

/// Why a text is no location of a repository.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// Not a URL.
    #[error("`{text}` is not a URL")]
    Url {
        /// The text.
        text: String,
        /// Why.
        #[source]
        source: url::ParseError,
    },
    /// A scheme that repositories are not fetched by.
    #[error("`{url}` is not an https, http or file URL")]
    Scheme {
        /// The URL.
        url: Url,
    },
    /// Plain http where it is not allowed.
    #[error("`{url}` is not encrypted, and only loopback addresses may be read without encryption")]
    Insecure {
        /// The URL.
        url: Url,
    },
}

impl Location {
    /// Reads a URL of a repository. A folder may also be given as a path, relative or absolute.
    ///
    /// # Errors
    /// [`LocationError`] when it is none, or one that `https` does not allow.
    pub fn parse(text: &str, https: HttpsPolicy) -> Result<Self, LocationError> {
        let mut url = match Url::parse(text) {
            Ok(url) => url,
            Err(url::ParseError::RelativeUrlWithoutBase) => {
                return Ok(Self::Folder(PathBuf::from(text)));
            }
            Err(source) => return Err(LocationError::Url { text: text.to_owned(), source }),
        };
        match url.scheme() {
            "file" => match url.to_file_path() {
                Ok(folder) => Ok(Self::Folder(folder)),
                Err(()) => Err(LocationError::Scheme { url }),
            },
            "http" | "https" if !https.allows(&url) => Err(LocationError::Insecure { url }),
            "http" | "https" => {
                if !url.path().ends_with('/') {
                    url.set_path(&format!("{}/", url.path()));
                }
                Ok(Self::Http(url))
            }
            _ => Err(LocationError::Scheme { url }),
        }
    }
}

/// Reads files of one repository. Cheap to clone; counts what it moves in its [`Tracking`].
#[derive(Debug, Clone)]
pub struct RepositoryAccess {
    location: Location,
    mirrors: Vec<Mirror>,
    client: Client,
    tracking: Tracking,
    /// Which place is asked first for files of which the digest is known.
    turn: Turn,
    /// The place that signed metadata comes from: the repository itself, but see [`headstart_repo::Fetch::elsewhere`].
    metadata: MetadataPlace,
    /// Files of a repository in a folder that lie somewhere else.
    overlay: Arc<BTreeMap<String, PathBuf>>,
}

/// Another place with files of the same repository. What it gives is verified like everything else: it can hold news back, as the
/// network can, and forge nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mirror {
    /// A copy of the repository: has everything that the repository has, metadata too, or did when it was copied.
    Repository(Location),
    /// An archive, `NAME.assetpack`, such as one on a stick: has the full bundle of its version.
    Archive(PathBuf),
}

impl Mirror {
    /// Reads a place: the path of an archive, or what [`Location::parse`] takes.
    ///
    /// # Errors
    /// [`LocationError`] as there.
    pub fn parse(text: &str, https: HttpsPolicy) -> Result<Self, LocationError> {
        let location = Location::parse(text, https)?;
        Ok(match location {
            Location::Folder(path) if path.extension().is_some_and(|name| name == "assetpack") => {
                Self::Archive(path)
            }
            location => Self::Repository(location),
        })
    }
}

/// Why a part of a file could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Transfer(#[from] TransferError),
    #[error(transparent)]
    Folder(#[from] std::io::Error),
}

impl RepositoryAccess {
    /// Access to the repository at `location` through `client`, counted by `tracking`.
    #[must_use]
    pub fn new(location: Location, client: Client, tracking: Tracking) -> Self {
        let (turn, overlay) = (Turn::default(), Arc::default());
        let metadata = MetadataPlace::new(0, &tracking);
        Self { location, mirrors: Vec::new(), client, tracking, turn, metadata, overlay }
    }

    /// With other places that files are fetched from too: blocks of bundles from all of them at once, indexes from the next as soon as
    /// an attempt at one fails or gives nothing for three seconds, signed metadata where the repository itself cannot be had: it does not
    /// answer, says so, or gives nothing for five seconds.
    #[must_use]
    pub fn with_mirrors(mut self, mirrors: Vec<Mirror>) -> Self {
        self.mirrors = mirrors;
        self
    }

    /// Everything that has the bundle at `path` of the repository; `full_path` is that of the version's full bundle, the only
    /// one that archives have.
    pub(crate) fn sources(&self, path: &str, full_path: &str) -> Vec<BlockSource> {
        if let Location::Archive(archive) = &self.location {
            // Blocks are asked for by their offsets in the archive, which nobody else has.
            return vec![archive.source()];
        }
        let own = Self::source(&self.location, path);
        let mirrors = self.mirrors.iter().filter_map(|mirror| match mirror {
            Mirror::Repository(location) => Self::source(location, path),
            Mirror::Archive(archive) if path == full_path => {
                Some(LocalCopy::within(archive.clone(), ArchiveHeader::BUNDLE_OFFSET).into())
            }
            Mirror::Archive(_) => None,
        });
        own.into_iter().chain(mirrors).collect()
    }

    fn source(location: &Location, path: &str) -> Option<BlockSource> {
        match location {
            Location::Http(base) => Some(Self::url(base, path).into()),
            Location::Folder(folder) => Some(LocalCopy::new(folder.join(path)).into()),
            Location::Archive(_) => None,
        }
    }

    /// The file of this machine that a file of the repository is, or lies in, and where it begins there. None where mirrors may have it too.
    pub(crate) fn local(&self, path: &str) -> Option<(PathBuf, u64)> {
        if self.mirrors.is_empty() { self.local_in(&self.location, path) } else { None }
    }

    fn local_in(&self, location: &Location, path: &str) -> Option<(PathBuf, u64)> {
        match location {
            Location::Folder(folder) => Some((self.file(folder, path), 0)),
            Location::Archive(archive) => match &archive.place {
                ArchivePlace::File(file) => Some((file.clone(), archive.offset_of(path))),
                ArchivePlace::Url(_) => None,
            },
            Location::Http(_) => None,
        }
    }

    /// Where the file at `path`, which has `bytes`, begins in what the server has, and how long that is.
    pub(crate) fn extent(&self, path: &str, bytes: u64) -> (u64, u64) {
        match &self.location {
            Location::Archive(archive) => (archive.offset_of(path), archive.bytes),
            Location::Http(_) | Location::Folder(_) => (0, bytes),
        }
    }

    /// Whether place number `place` is read through a network, on which a cache may be in the way.
    pub(crate) fn is_remote(&self, place: usize) -> bool {
        match self.place(place) {
            Location::Http(_) => true,
            Location::Folder(_) => false,
            Location::Archive(archive) => matches!(archive.place, ArchivePlace::Url(_)),
        }
    }

    /// The same repository as if the files of `overlay`, by their paths there, lay in it: what is about to be published. Only for one
    /// in a folder.
    #[must_use]
    pub fn with_overlay(self, overlay: BTreeMap<String, PathBuf>) -> Self {
        Self { overlay: Arc::new(overlay), ..self }
    }

    /// Where a file of a repository in `folder` lies.
    pub(crate) fn file(&self, folder: &Path, path: &str) -> PathBuf {
        self.overlay.get(path).cloned().unwrap_or_else(|| folder.join(path))
    }

    /// Where it lies.
    #[must_use]
    pub const fn location(&self) -> &Location {
        &self.location
    }

    /// What counts the bytes.
    #[must_use]
    pub const fn tracking(&self) -> &Tracking {
        &self.tracking
    }

    /// The same access, which also counts by itself what it moves.
    pub(crate) fn part(&self) -> Self {
        Self { tracking: self.tracking.part(), ..self.clone() }
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// The URL of a file, when the repository is behind one. `path` is one of the repository's own, made of safe parts.
    pub(crate) fn url(base: &Url, path: &str) -> Url {
        base.join(path).unwrap_or_else(|_| base.clone())
    }

    /// The bytes of `part` of a file at place number `place`; fewer in a folder whose file ends before.
    pub(crate) async fn read(
        &self,
        place: usize,
        path: &str,
        (part, freshness): (ByteRange, Freshness),
    ) -> Result<Vec<u8>, ReadError> {
        let ByteRange { start, bytes } = part;
        if bytes == 0 {
            // Nothing is nothing everywhere, and a request for it would be one for the whole file.
            return Ok(Vec::new());
        }
        let location = self.place(place);
        if let Some((file, at)) = self.local_in(location, path) {
            use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
            let mut file = tokio::fs::File::open(file).await?;
            file.seek(std::io::SeekFrom::Start(at.saturating_add(start))).await?;
            let mut read = Vec::new();
            file.take(bytes).read_to_end(&mut read).await?;
            return Ok(read);
        }
        let (url, at) = match location {
            Location::Http(base) => (Self::url(base, path), 0),
            Location::Archive(ArchiveLocation { place: ArchivePlace::Url(url), .. }) => {
                (url.clone(), self.extent(path, 0).0)
            }
            Location::Folder(_) | Location::Archive(_) => return Ok(Vec::new()),
        };
        let mut request = SmallRequest::new(url, bytes);
        request.range = Some(ByteRange { start: at.saturating_add(start), bytes });
        request.freshness = freshness;
        match self.client.fetch_small(&request, &self.tracking).await? {
            SmallResponse::Body(body) => Ok(body.bytes.to_vec()),
            SmallResponse::NotModified => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_told_apart() {
        let parse = |text| Location::parse(text, HttpsPolicy::HttpOnLoopback);
        let http = |text: &str| Location::Http(Url::parse(text).expect("a URL"));
        assert_eq!(parse("https://a.example/game").expect("fine"), http("https://a.example/game/"));
        assert_eq!(parse("http://127.0.0.1:8080").expect("fine"), http("http://127.0.0.1:8080/"));
        assert_eq!(parse("file:///srv/repo").expect("fine"), Location::Folder("/srv/repo".into()));
        assert_eq!(parse("some/repo").expect("fine"), Location::Folder("some/repo".into()));
        assert!(matches!(parse("http://a.example/"), Err(LocationError::Insecure { .. })));
        assert!(matches!(parse("ftp://a.example/"), Err(LocationError::Scheme { .. })));
    }

    #[test]
    fn mirrors_have_every_bundle_and_archives_the_full_one() {
        let https = HttpsPolicy::HttpsOnly;
        let mirrors =
            ["https://b.example/game", "/media/stick/repo", "/media/stick/Pack.assetpack"];
        let mirrors = mirrors.map(|text| Mirror::parse(text, https).expect("a place")).to_vec();
        assert_eq!(mirrors[2], Mirror::Archive("/media/stick/Pack.assetpack".into()));
        let location = Location::parse("https://a.example/game", https).expect("fine");
        let client = Client::new(headstart_transfer::ClientConfig::default(), 1).expect("a client");
        let access = RepositoryAccess::new(location, client, Tracking::new("test"));
        let access = access.with_mirrors(mirrors);
        let sources = |path| access.sources(path, "bundles/full");
        assert_eq!((sources("bundles/full").len(), sources("bundles/delta").len()), (4, 3));
        let BlockSource::Url(url) = &sources("bundles/full")[1] else { panic!("a server") };
        assert_eq!(url.as_str(), "https://b.example/game/bundles/full");
    }
}
