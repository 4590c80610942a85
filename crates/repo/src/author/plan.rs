//! A change as the list of files to write, in order.
//!
//! The order is the whole of the crash safety: files that nothing leads to yet come first, `metadata/timestamp.json` comes
//! last, and each file appears under its name only when all of it is on stable storage. Whatever prefix of the list was
//! written when the machine died, a reader sees the release of before.

use std::path::{Path, PathBuf};

use crate::author::PublishError;
use crate::author::prepared::Content;
use crate::{disk, layout};

/// One file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Write {
    /// Its path in the repository.
    pub(crate) path: String,
    pub(crate) body: Body,
}

/// Where the bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// From memory.
    Bytes(Vec<u8>),
    /// From a file outside the repository, which must have this content.
    Staged { from: PathBuf, content: Content },
}

/// Files to write, in order.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct WritePlan {
    pub(crate) writes: Vec<Write>,
}

impl WritePlan {
    pub(crate) fn bytes(&mut self, path: impl Into<String>, bytes: Vec<u8>) {
        self.writes.push(Write { path: path.into(), body: Body::Bytes(bytes) });
    }

    pub(crate) fn staged(&mut self, path: impl Into<String>, from: PathBuf, content: Content) {
        self.writes.push(Write { path: path.into(), body: Body::Staged { from, content } });
    }

    /// Writes everything. When it fails, whatever was written before is harmless: nothing leads to it.
    pub(crate) fn apply(&self, repo: &Path) -> Result<(), PublishError> {
        self.writes.iter().try_for_each(|write| write.apply(repo))
    }
}

impl Write {
    pub(crate) fn apply(&self, repo: &Path) -> Result<(), PublishError> {
        let to = layout::join(repo, &self.path)
            .expect("paths of a repository are made of checked names");
        if let Some(folder) = to.parent() {
            disk::create_folders(folder)?;
        }
        match &self.body {
            Body::Bytes(bytes) => disk::write(&to, bytes)?,
            // A file with the right name and other bytes was damaged since; writing it anew heals it.
            Body::Staged { content, .. } if disk::is(&to, content)? => {}
            Body::Staged { from, content } => {
                if !disk::copy_if_is(from, &to, content)? {
                    return Err(PublishError::Staged { path: from.clone() });
                }
            }
        }
        Ok(())
    }
}
