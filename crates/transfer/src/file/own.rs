//! A half-finished file that one call alone works on.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use headstart_sys::identity::FileStamp;

use crate::TransferError;

/// A file that nobody else writes, names or removes, until this is dropped.
///
/// `Ours:` of two downloads to one place, one would give its name to what the other has written so far. A lock of the system tells the
/// calls apart, also those of other processes; where a file system has none, they are not told apart.
#[derive(Debug)]
pub(super) struct Own {
    file: File,
    locked: bool,
}

/// Somebody else works on it.
#[derive(Debug, thiserror::Error)]
#[error("another download is writing it")]
struct Taken;

impl Own {
    /// Takes `file`, which was opened at `path`. Does not wait.
    pub(super) fn take(file: File, path: &Path) -> io::Result<Self> {
        let locked = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => return Err(taken()),
            Err(TryLockError::Error(_)) => false,
        };
        let own = Self { file, locked };
        // Whoever had it may have named or removed it since it was opened.
        if own.locked && !own.is_at(path)? { Err(taken()) } else { Ok(own) }
    }

    /// A new file at `path`, where none lies.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        Self::take(OpenOptions::new().read(true).write(true).create_new(true).open(path)?, path)
    }

    /// The one that lies at `path`.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Self::take(OpenOptions::new().read(true).write(true).open(path)?, path)
    }

    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    fn is_at(&self, path: &Path) -> io::Result<bool> {
        let here = FileStamp::of_file(&self.file)?;
        // Where files have no numbers, one that is locked cannot be replaced.
        let is_same = |there: FileStamp| here.is_same_file(&there) || here.inode == 0;
        Ok(FileStamp::of_path(path).is_ok_and(is_same))
    }
}

impl Drop for Own {
    /// Unlocks by word: a child process that is being started holds a duplicate for an instant, and would hold the lock with it.
    fn drop(&mut self) {
        if self.locked {
            // If it fails, closing unlocks all the same.
            let _ = self.file.unlock();
        }
    }
}

fn taken() -> io::Error {
    io::Error::new(io::ErrorKind::ResourceBusy, Taken)
}

/// Whether somebody else works on the file.
pub(super) fn is_taken(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Taken>)
}

/// What it means that the download to `path` cannot be written.
pub(super) fn cannot_write(path: PathBuf, source: io::Error) -> TransferError {
    if is_taken(&source) {
        TransferError::Busy { path }
    } else {
        TransferError::File { path, source }
    }
}

/// Removes what an earlier call left at `path`, unless somebody works on it.
pub(super) fn remove_left(path: &Path) -> io::Result<()> {
    match Own::open(path) {
        Err(error) if is_taken(&error) => Err(error),
        // Held until it is removed. What cannot be opened may be removable all the same.
        _held => super::part::remove(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_has_a_file_and_nobody_has_one_that_lost_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("f.part");
        let first = Own::create(&path).expect("a folder");
        assert!(is_taken(&Own::open(&path).expect_err("it is taken")));
        assert!(is_taken(&remove_left(&path).expect_err("it is taken")));
        drop(first);
        let late = OpenOptions::new().write(true).open(&path).expect("there");
        drop(Own::open(&path).expect("it is free"));
        remove_left(&path).expect("it is free");
        assert!(is_taken(&Own::take(late, &path).expect_err("it is removed")));
        remove_left(&path).expect("nothing is there");
    }
}
