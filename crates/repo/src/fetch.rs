//! How this crate asks for files: a small trait that the caller fulfils, over HTTP or from a folder.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::io::AsyncReadExt as _;

use crate::layout;

mod ahead;

pub use ahead::AheadFetch;

/// One file wanted from a repository.
#[derive(Debug, Clone, Copy)]
pub struct FetchRequest<'a> {
    /// Path relative to the root of the repository, with `/`; see [`layout`].
    pub path: &'a str,
    /// The most bytes that may be read; a longer file is [`FetchError::TooLarge`].
    pub max_bytes: u64,
    /// The [`Fetched::Body::tag`] of the copy that is held already. Set, the answer may be [`Fetched::NotModified`].
    pub held: Option<&'a str>,
    /// Who may answer.
    pub freshness: Freshness,
}

/// Who may answer a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Freshness {
    /// Also a cache on the way.
    #[default]
    Any,
    /// The server itself: what came before was not what was signed, and a cache may be to blame.
    FromServer,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The file.
    Body {
        /// All of it.
        bytes: Bytes,
        /// What names this edition in a later conditional request: an entity tag, where the server gave one.
        tag: Option<String>,
    },
    /// The file is the one that the request said is held.
    NotModified,
}

/// Why a file could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The server answered that there is no such file: status 404 or 410.
    #[error("there is no such file")]
    NotFound,
    /// The server wants a credential, or another one: status 401.
    #[error("the server wants a credential")]
    Denied(#[source] Box<dyn StdError + Send + Sync>),
    /// The server does not give the file: status 403. So servers answer to a credential that they do not like, and object stores for a
    /// file that is missing where listing is not allowed: for the next root, which is looked for at every check and missing almost
    /// always, this means that there is none.
    #[error("the server refuses the file")]
    Forbidden(#[source] Box<dyn StdError + Send + Sync>),
    /// The file has more bytes than were asked for.
    #[error("the file has more than {limit_bytes} bytes")]
    TooLarge {
        /// The most bytes that were allowed.
        limit_bytes: u64,
    },
    /// The path has a part that is not an ordinary file name.
    #[error("the path is not one of a repository")]
    Path,
    /// The network, the server or the disk failed; trying later may help.
    #[error("the file could not be fetched")]
    Failed(#[source] Box<dyn StdError + Send + Sync>),
}

/// Gets files of one repository. Implementations know where it lies and keep to the limits they are given.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// The whole file of `request`, or word that it did not change.
    ///
    /// What is returned is not trusted: everything that is done with it begins with a check of signature or digest.
    ///
    /// # Errors
    /// [`FetchError`]; never a body beyond [`FetchRequest::max_bytes`].
    ///
    /// # Cancel safety
    /// Dropping the future ends the request and has no other effect.
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError>;

    /// The same repository from a mirror, which alone is asked then: for whoever could not have it from here. None after the last one.
    fn elsewhere(&self) -> Option<Arc<dyn Fetch>> {
        None
    }

    /// Ends when what is asked here after this call does not come: this place cannot be had at the moment, or gives nothing for long,
    /// so that a mirror is to be asked too. It ends nothing that is being asked. Never ends where there is nothing to tell before a
    /// request has failed.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    fn stalled(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// Gets files from a repository that is a folder on this machine: for `file://`, for its owner, and for tests.
#[derive(Debug, Clone)]
pub struct FolderFetch {
    folder: PathBuf,
}

impl FolderFetch {
    /// Reads the repository in `folder`.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }
}

#[async_trait]
impl Fetch for FolderFetch {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        let path = layout::join(&self.folder, request.path).ok_or(FetchError::Path)?;
        let file = tokio::fs::File::open(path).await.map_err(not_found_or_failed)?;
        let mut bytes = Vec::new();
        // One byte beyond the limit tells a file that is too long from one that just fits.
        let limit = request.max_bytes.saturating_add(1);
        file.take(limit).read_to_end(&mut bytes).await.map_err(not_found_or_failed)?;
        if bytes.len() as u64 > request.max_bytes {
            return Err(FetchError::TooLarge { limit_bytes: request.max_bytes });
        }
        Ok(Fetched::Body { bytes: bytes.into(), tag: None })
    }
}

fn not_found_or_failed(error: io::Error) -> FetchError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FetchError::NotFound,
        _ => FetchError::Failed(Box::new(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fetch(max_bytes: u64, path: &str) -> Result<Fetched, FetchError> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("five"), b"12345").expect("a file");
        FolderFetch::new(folder.path())
            .fetch(FetchRequest { path, max_bytes, held: None, freshness: Freshness::Any })
            .await
    }

    #[tokio::test]
    async fn a_file_at_the_limit_is_read_and_one_beyond_it_is_not() {
        let body = Fetched::Body { bytes: Bytes::from_static(b"12345"), tag: None };
        assert_eq!(fetch(5, "five").await.expect("fits"), body);
        assert!(matches!(fetch(4, "five").await, Err(FetchError::TooLarge { limit_bytes: 4 })));
    }

    #[tokio::test]
    async fn what_is_not_there_and_what_may_not_be_asked_for_are_told_apart() {
        assert!(matches!(fetch(5, "six").await, Err(FetchError::NotFound)));
        assert!(matches!(fetch(5, "five/six").await, Err(FetchError::NotFound)));
        assert!(matches!(fetch(5, "../five").await, Err(FetchError::Path)));
    }
}
