//! A URL into a file, resumed where an earlier attempt ended.

mod batcher;
mod board;
mod extents;
mod fetch;
mod finder;
mod gains;
mod hash;
mod open;
mod own;
mod part;
mod pieces;
mod receive;
mod settle;
mod spread;
mod state;
mod turn;
mod validator;
mod wrong;

use std::path::PathBuf;

use url::Url;

use crate::{Client, EntityTag, Tracking, TransferError};
use fetch::Fetch;
pub(crate) use finder::Finder;
pub use hash::FileHash;
pub(crate) use settle::Settler;

/// A file to download.
#[derive(Debug, Clone)]
pub struct FileRequest {
    /// Where it lies.
    pub url: Url,
    /// Where it is put when it is complete; its folder must exist. Until then the bytes lie beside it in `NAME.part`, and
    /// what is needed to resume in `NAME.part.state`. One download at a time works on a path: another one of this process waits
    /// for it, and one of another process ends with [`TransferError::Busy`], where the file system has locks.
    pub path: PathBuf,
    /// The most bytes to write.
    pub max_bytes: u64,
    /// Its exact length, where a trusted place names it.
    pub expected_bytes: Option<u64>,
    /// Its digest, where a trusted place names it: the whole file is hashed before it gets its name.
    pub hash: Option<FileHash>,
}

impl FileRequest {
    /// Up to `max_bytes` of whatever the server has.
    #[must_use]
    pub const fn new(url: Url, path: PathBuf, max_bytes: u64) -> Self {
        Self { url, path, max_bytes, expected_bytes: None, hash: None }
    }
}

/// A finished download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// Length of the file.
    pub file_bytes: u64,
    /// Bytes of bodies that this call took from the network.
    pub bytes_down: u64,
    /// Bytes that an earlier call had left and that did not come again; 0 when it began anew, or the server sent the whole file.
    pub resumed_from: u64,
    /// The server's tag, if it is a strong one.
    pub etag: Option<EntityTag>,
}

impl Client {
    /// Downloads a URL into a file. An existing file at the path is replaced when the new one is complete.
    ///
    /// A file of more than 256 KiB is fetched by several ranges at once, where the server has ranges and a strong validator
    /// and where that is quicker. Downloads of one client share
    /// [`ClientConfig::concurrency`](crate::ClientConfig::concurrency) connections; thousands of calls may wait for them at
    /// once, and small files that end together are brought to disk together.
    ///
    /// What an earlier call left is continued if it came from the same address (query aside, so that a newly signed URL
    /// resumes too) and the server still has the file with the same strong validator, asked by `If-Range`; else the download
    /// starts over and a [`Notice::StartedOver`](crate::Notice::StartedOver) says so. A server that sends the whole file
    /// although it has the same validator is read from the first byte, and what is there is kept. A file is given its name
    /// only when it has the length that the server and the request name, has the requested digest, and is safely on disk.
    ///
    /// A kill costs what arrived in its last fifth of a second, at most a thousandth of the file or 64 KiB for each
    /// connection; a power cut what came in the last five seconds.
    ///
    /// Cancel safe: dropping it stops the transfer; what has arrived is kept for the next call.
    ///
    /// # Errors
    /// [`TransferError::TooLarge`] and [`Violation::OtherSize`](crate::Violation::OtherSize) when limits or promises do not
    /// hold, [`TransferError::File`] when the file cannot be written, [`TransferError::Busy`] when
    /// another process writes it, [`TransferError::OtherHash`] when the digest differs, or
    /// the last error when attempts without progress are used up. Only what lengthens a part
    /// that can be resumed beyond what there was before, by 16 KiB, is progress. A file with another digest is thrown away, and fetched once more only where that may bring another one.
    #[tracing::instrument(level = "debug", skip_all, fields(download = tracking.download()))]
    pub async fn download_file(
        &self,
        request: &FileRequest,
        tracking: &Tracking,
    ) -> Result<Downloaded, TransferError> {
        self.check_url(&request.url)?;
        // On the heap: thousands of them may wait for a connection.
        Box::pin(Fetch::run(self, request, tracking)).await
    }
}
