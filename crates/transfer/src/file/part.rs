//! The half-finished file and what is known about it.

use std::ffi::OsString;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};

use headstart_model::{Digest, DigestHasher, VerifyError};
use serde::{Deserialize, Serialize};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use url::Url;

use crate::{EntityTag, TransferError};

/// Longest state that is read; ours has a few hundred bytes.
const STATE_BYTES_MAX: u64 = 16 * 1024;

/// What is written beside the bytes. A state that cannot be read means that the download starts over.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct State {
    /// Digest of the address without its query and user name, which may be secret and change when a URL is signed anew.
    source: Digest,
    /// The strong tag that the bytes belong to.
    etag: String,
    /// Length of the whole file, if the server named it.
    total_bytes: Option<u64>,
}

/// `NAME.part` and `NAME.part.state`.
///
/// The state is written before the first byte and removed before the bytes are, so bytes never lie beside the tag of another
/// file. `Ours:` the length of the part is believed after a crash, because file systems lengthen a file on disk only when
/// the bytes are there.
#[derive(Debug)]
pub(super) struct Part {
    target: PathBuf,
    path: PathBuf,
    state_path: PathBuf,
    source: Digest,
    file: Option<File>,
    bytes: u64,
    etag: Option<EntityTag>,
    total_bytes: Option<u64>,
}

impl Part {
    /// What an earlier call left for this file and address; empty when there is nothing that can be resumed.
    pub(super) async fn find(target: &Path, url: &Url) -> Result<Self, TransferError> {
        let mut part = Self {
            target: target.to_owned(),
            path: beside(target, ".part"),
            state_path: beside(target, ".part.state"),
            source: source_digest(url),
            file: None,
            bytes: 0,
            etag: None,
            total_bytes: None,
        };
        if let Some((state, etag)) = part.read_state().await? {
            match OpenOptions::new().write(true).open(&part.path).await {
                Ok(mut file) => {
                    let end = file.seek(SeekFrom::End(0)).await;
                    part.bytes = end.map_err(|error| part.failed(error))?;
                    part.file = Some(file);
                    part.etag = Some(etag);
                    part.total_bytes = state.total_bytes;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(part.failed(error)),
            }
        }
        Ok(part)
    }

    async fn read_state(&self) -> Result<Option<(State, EntityTag)>, TransferError> {
        let mut text = Vec::new();
        match File::open(&self.state_path).await {
            Ok(file) => {
                let mut head = file.take(STATE_BYTES_MAX);
                head.read_to_end(&mut text).await.map_err(|error| self.failed(error))?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        }
        let state = serde_json::from_slice::<State>(&text).ok();
        Ok(state.filter(|state| state.source == self.source).and_then(|state| {
            let etag = EntityTag::new(&state.etag).filter(EntityTag::is_strong)?;
            Some((state, etag))
        }))
    }

    /// Bytes there.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that need not be fetched again: none without a strong tag.
    pub(super) fn resumable_bytes(&self) -> u64 {
        if self.etag.as_ref().is_some_and(EntityTag::is_strong) { self.bytes } else { 0 }
    }

    /// The tag of the file that the bytes belong to.
    pub(super) const fn etag(&self) -> Option<&EntityTag> {
        self.etag.as_ref()
    }

    /// Length of the whole file, as far as known.
    pub(super) const fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }

    pub(super) const fn set_total_bytes(&mut self, total_bytes: Option<u64>) {
        self.total_bytes = total_bytes;
    }

    /// Throws away what is there and begins a new part.
    ///
    /// The old file is removed and not cut to nothing: a write of a dropped call may still be under way, and must not land
    /// in the new one.
    pub(super) async fn start_over(
        &mut self,
        etag: Option<EntityTag>,
        total_bytes: Option<u64>,
    ) -> Result<(), TransferError> {
        self.file = None;
        self.bytes = 0;
        for path in [&self.state_path, &self.path] {
            remove(path).await.map_err(|error| self.failed(error))?;
        }
        (self.etag, self.total_bytes) = (etag, total_bytes);
        if let Some(etag) = self.etag.as_ref().filter(|etag| etag.is_strong()) {
            let state = State { source: self.source, etag: etag.as_str().to_owned(), total_bytes };
            let text = serde_json::to_vec(&state).expect("plain fields");
            fs::write(&self.state_path, text).await.map_err(|error| self.failed(error))?;
        }
        let opened = OpenOptions::new().write(true).create_new(true).open(&self.path).await;
        self.file = Some(opened.map_err(|error| self.failed(error))?);
        Ok(())
    }

    /// Adds bytes at the end. They are certain to be counted in a later call only after [`Self::flush`].
    ///
    /// Not in append mode: a write of a dropped call that is still under way lands at its own place, on the same bytes.
    pub(super) async fn append(&mut self, bytes: &[u8]) -> Result<(), TransferError> {
        let written = match &mut self.file {
            Some(file) => file.write_all(bytes).await,
            None => Err(io::ErrorKind::NotFound.into()),
        };
        written.map_err(|error| self.failed(error))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Waits for writes that are under way.
    pub(super) async fn flush(&mut self) -> Result<(), TransferError> {
        let flushed = match &mut self.file {
            Some(file) => file.flush().await,
            None => Ok(()),
        };
        flushed.map_err(|error| self.failed(error))
    }

    /// Hashes all bytes from disk, those of earlier calls too.
    pub(super) async fn check(
        &mut self,
        expected: &Digest,
    ) -> Result<Result<(), VerifyError>, TransferError> {
        self.flush().await?;
        let path = self.path.clone();
        let hashed = tokio::task::spawn_blocking(move || digest_of(&path)).await;
        let actual = hashed.unwrap_or_else(|error| Err(io::Error::other(error)));
        let actual = actual.map_err(|error| self.failed(error))?;
        let expected = *expected;
        Ok(if actual == expected { Ok(()) } else { Err(VerifyError::Digest { expected, actual }) })
    }

    /// Brings the bytes safely to disk and gives the file its name.
    pub(super) async fn finish(&mut self) -> Result<(), TransferError> {
        self.flush().await?;
        if let Some(file) = self.file.take() {
            file.sync_all().await.map_err(|error| self.failed(error))?;
        }
        // Closed above: Windows renames no open file.
        fs::rename(&self.path, &self.target).await.map_err(|error| self.failed(error))?;
        remove(&self.state_path).await.map_err(|error| self.failed(error))?;
        sync_folder_of(&self.target).await.map_err(|error| self.failed(error))
    }

    fn failed(&self, source: io::Error) -> TransferError {
        TransferError::File { path: self.target.clone(), source }
    }
}

fn beside(target: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = target.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn source_digest(url: &Url) -> Digest {
    Digest::of(format!("{}{}", url.origin().ascii_serialization(), url.path()).as_bytes())
}

async fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn digest_of(path: &Path) -> io::Result<Digest> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = DigestHasher::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(hasher.finish()),
            length => hasher.update(buffer.get(..length).unwrap_or_default()),
        }
    }
}

/// Makes the rename itself durable. Windows has no such call: there the file system's journal has to do.
async fn sync_folder_of(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or_else(|| Path::new("."))).await?.sync_all().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    async fn left_over(target: &Path, etag: &str) {
        let mut part = Part::find(target, &url("https://a/f?sig=1")).await.expect("a folder");
        part.start_over(EntityTag::new(etag), Some(9)).await.expect("a folder");
        part.append(b"abc").await.expect("space");
        part.flush().await.expect("space");
    }

    #[tokio::test]
    async fn a_part_is_found_again_for_the_same_address_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("f");
        left_over(&target, "\"one\"").await;
        let found = Part::find(&target, &url("https://a/f?sig=2")).await.expect("readable");
        assert_eq!((found.resumable_bytes(), found.total_bytes()), (3, Some(9)));
        assert_eq!(found.etag().map(EntityTag::as_str), Some("\"one\""));
        let other = Part::find(&target, &url("https://a/g")).await.expect("readable");
        assert_eq!(other.resumable_bytes(), 0);
    }

    #[tokio::test]
    async fn without_a_strong_tag_or_a_readable_state_nothing_is_resumed() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("f");
        left_over(&target, "W/\"one\"").await;
        let found = Part::find(&target, &url("https://a/f")).await.expect("readable");
        assert_eq!(found.resumable_bytes(), 0);
        left_over(&target, "\"one\"").await;
        std::fs::write(beside(&target, ".part.state"), b"{").expect("writable");
        let found = Part::find(&target, &url("https://a/f")).await.expect("readable");
        assert_eq!(found.resumable_bytes(), 0);
    }
}
