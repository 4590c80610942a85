//! Where blocks come from: servers, and whatever else can give ranges of the same file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use headstart_sys::positioned;
use url::Url;

use crate::TransferError;

/// A copy of a file. What it gives is verified block by block, whatever it is.
#[derive(Debug, Clone)]
pub enum BlockSource {
    /// On a server.
    Url(Url),
    /// Anywhere else.
    Other(Arc<dyn RangeSource>),
}

impl BlockSource {
    pub(super) fn distance(&self) -> Distance {
        match self {
            Self::Url(_) => Distance::Network,
            Self::Other(other) => other.distance(),
        }
    }
}

impl From<Url> for BlockSource {
    fn from(url: Url) -> Self {
        Self::Url(url)
    }
}

impl<T: RangeSource + 'static> From<T> for BlockSource {
    fn from(source: T) -> Self {
        Self::Other(Arc::new(source))
    }
}

/// How far away a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Distance {
    /// On this machine: costs no network, so it is asked before all others and no limit holds.
    Local,
    /// Through a network.
    Network,
}

/// Gives ranges of one file. The seam for what is no web server: a folder, a stick, other devices nearby.
pub trait RangeSource: fmt::Debug + Send + Sync {
    /// Its name in the [`Ledger`](crate::Ledger) and in notices: the same for all files from the same place.
    fn name(&self) -> String;

    /// How far away it is.
    fn distance(&self) -> Distance;

    /// Begins to read the bytes from `start` up to, without, `end`.
    ///
    /// Cancel safe if dropping the future leaves nothing behind that holds up others; the same holds for the reader.
    ///
    /// # Errors
    /// Any [`TransferError`]. One that is not retryable drops the source for this transfer.
    fn open(
        &self,
        start: u64,
        end: u64,
    ) -> BoxFuture<'_, Result<Box<dyn RangeReader>, TransferError>>;
}

/// A range that is being read.
pub trait RangeReader: Send + Sync {
    /// The next bytes, in order; none at the end. A piece should be far shorter than a block. One that takes longer than the
    /// client's `stall_timeout` counts as failed.
    ///
    /// # Errors
    /// Any [`TransferError`]; the source is asked again later for what is missing if it is retryable.
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, TransferError>>;
}

/// A copy of the file on this machine: in a folder, on a stick, or inside an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalCopy {
    path: PathBuf,
    skip_bytes: u64,
}

impl LocalCopy {
    /// Bytes read at once.
    const PIECE_BYTES: u64 = 256 * 1024;

    /// The file at `path`.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path, skip_bytes: 0 }
    }

    /// The part of the file at `path` that begins after `skip_bytes`, such as the bundle within an archive.
    #[must_use]
    pub const fn within(path: PathBuf, skip_bytes: u64) -> Self {
        Self { path, skip_bytes }
    }
}

impl RangeSource for LocalCopy {
    fn name(&self) -> String {
        format!("file://{}", self.path.parent().unwrap_or(Path::new("")).display())
    }

    fn distance(&self) -> Distance {
        Distance::Local
    }

    fn open(
        &self,
        start: u64,
        end: u64,
    ) -> BoxFuture<'_, Result<Box<dyn RangeReader>, TransferError>> {
        Box::pin(async move {
            let path = self.path.clone();
            let opened = blocking(move || std::fs::File::open(path)).await;
            let file = Arc::new(opened.map_err(|source| unreadable(&self.path, source))?);
            let position = start.saturating_add(self.skip_bytes);
            let end = end.saturating_add(self.skip_bytes);
            let path = self.path.clone();
            Ok(Box::new(LocalReader { file, path, position, end }) as Box<dyn RangeReader>)
        })
    }
}

struct LocalReader {
    file: Arc<std::fs::File>,
    path: PathBuf,
    position: u64,
    end: u64,
}

impl RangeReader for LocalReader {
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, TransferError>> {
        Box::pin(async move {
            let length = self.end.saturating_sub(self.position).min(LocalCopy::PIECE_BYTES);
            if length == 0 {
                return Ok(None);
            }
            let (file, position) = (Arc::clone(&self.file), self.position);
            let read = blocking(move || {
                let mut piece = vec![0; usize::try_from(length).unwrap_or(0)];
                positioned::read_exact_at(&file, &mut piece, position).map(|()| piece)
            });
            let piece = read.await.map_err(|source| unreadable(&self.path, source))?;
            self.position += length;
            Ok(Some(piece.into()))
        })
    }
}

/// Runs `work` where blocking is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
}

fn unreadable(path: &Path, source: std::io::Error) -> TransferError {
    TransferError::Unreadable { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_copy_inside_another_file_is_read_from_its_own_beginning() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("archive");
        std::fs::write(&path, b"headbundle").expect("written");
        let copy = LocalCopy::within(path, 4);
        let mut reader = copy.open(1, 4).await.expect("there");
        assert_eq!(reader.chunk().await.expect("readable").as_deref(), Some(&b"und"[..]));
        assert_eq!(reader.chunk().await.expect("readable"), None);
        let mut beyond = copy.open(4, 9).await.expect("there");
        assert!(matches!(beyond.chunk().await, Err(TransferError::Unreadable { .. })));
        let missing = LocalCopy::new(folder.path().join("none"));
        assert!(matches!(missing.open(0, 1).await.err(), Some(TransferError::Unreadable { .. })));
    }
}
