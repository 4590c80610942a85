//! Advisory locks on whole files, which the kernel drops when the process dies.
//!
//! Ours: a reader's lock is its lease. A lock belongs to one opening of
//! the file: two openings conflict even within one process, while a descriptor that is passed to
//! another process carries the lock with it. Programs that do not ask are not kept out (on
//! Windows the system does keep them out of a file locked exclusively).

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use crate::error::{Action, FileError};
use crate::identity::FileStamp;

/// Whether others may hold a lock at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Any number of shared holders; keeps exclusive ones out.
    Shared,
    /// One holder alone.
    Exclusive,
}

/// A lock that is held; dropping it, or the end of the process in any manner, gives it up.
#[derive(Debug)]
pub struct FileLock {
    /// `None` only after [`FileLock::into_file`].
    file: Option<File>,
}

impl FileLock {
    /// Takes the lock on the file at `path`, waiting for as long as it takes.
    ///
    /// Creates the file, readable by its owner alone, if it is missing; does not follow a link in
    /// its last component. If the file is removed or replaced while waiting, the new one is locked:
    /// the lock that is returned is always on the file that the path named when it was granted.
    ///
    /// # Errors
    /// [`FileError`] if the file cannot be opened or the file system has no locks.
    pub fn acquire(path: &Path, sharing: Sharing) -> Result<Self, FileError> {
        loop {
            let lock = Self::on_file(open(path)?, path, sharing)?;
            if lock.is_at(path) {
                return Ok(lock);
            }
        }
    }

    /// As [`acquire`](Self::acquire), but does not wait: `None` if somebody else holds it.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    pub fn try_acquire(path: &Path, sharing: Sharing) -> Result<Option<Self>, FileError> {
        loop {
            match Self::try_on_file(open(path)?, path, sharing)? {
                Some(lock) if !lock.is_at(path) => {}
                attempt => return Ok(attempt),
            }
        }
    }

    /// Takes the lock on a file that is open already, waiting for it. `path` is for messages.
    ///
    /// # Errors
    /// [`FileError`] if the file system has no locks.
    pub fn on_file(file: File, path: &Path, sharing: Sharing) -> Result<Self, FileError> {
        loop {
            let attempt = match sharing {
                Sharing::Shared => file.lock_shared(),
                Sharing::Exclusive => file.lock(),
            };
            match attempt {
                Ok(()) => return Ok(Self { file: Some(file) }),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(FileError::new(Action::Lock, path, error)),
            }
        }
    }

    /// As [`on_file`](Self::on_file), but does not wait: `None`, and the file is closed, if
    /// somebody else holds it.
    ///
    /// # Errors
    /// As [`on_file`](Self::on_file).
    pub fn try_on_file(
        file: File,
        path: &Path,
        sharing: Sharing,
    ) -> Result<Option<Self>, FileError> {
        let attempt = match sharing {
            Sharing::Shared => file.try_lock_shared(),
            Sharing::Exclusive => file.try_lock(),
        };
        match attempt {
            Ok(()) => Ok(Some(Self { file: Some(file) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(FileError::new(Action::Lock, path, error)),
        }
    }

    /// The locked file.
    #[must_use]
    pub fn file(&self) -> &File {
        self.file.as_ref().expect("the file is taken out only by `into_file`, which ends the lock")
    }

    /// True if `path` still names the locked file: it was neither removed nor replaced.
    ///
    /// Where files have no numbers (not Unix) it is true: there a file that is open under a lock
    /// cannot be removed.
    #[must_use]
    pub fn is_at(&self, path: &Path) -> bool {
        let (Ok(there), Ok(here)) = (FileStamp::of_path(path), FileStamp::of_file(self.file()))
        else {
            return false;
        };
        here.is_same_file(&there) || here.inode == 0
    }

    /// The file with its lock: it is held until every duplicate of the descriptor, in whatever
    /// process, is closed. For handing a lease over to another process.
    #[must_use]
    pub fn into_file(mut self) -> File {
        self.file.take().expect("the file is taken out only here, which ends the lock")
    }
}

impl Drop for FileLock {
    /// Unlocks by word and not only by closing: a child process that was being started at this
    /// moment holds a duplicate for an instant, and would hold the lock with it.
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            // If it fails, closing unlocks all the same.
            let _ = file.unlock();
        }
    }
}

fn open(path: &Path) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    protect(&mut options);
    options.open(path).map_err(FileError::at(Action::Lock, path))
}

#[cfg(unix)]
fn protect(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600).custom_flags(libc::O_NOFOLLOW);
}

#[cfg(not(unix))]
fn protect(_: &mut OpenOptions) {}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn path() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        (folder, path)
    }

    #[test]
    fn shared_holders_keep_exclusive_ones_out() {
        let (_folder, path) = path();
        let one = FileLock::try_acquire(&path, Sharing::Shared).unwrap().unwrap();
        let two = FileLock::try_acquire(&path, Sharing::Shared).unwrap().unwrap();
        assert!(FileLock::try_acquire(&path, Sharing::Exclusive).unwrap().is_none());
        drop(one);
        assert!(FileLock::try_acquire(&path, Sharing::Exclusive).unwrap().is_none());
        drop(two);
        let alone = FileLock::try_acquire(&path, Sharing::Exclusive).unwrap();
        assert!(alone.is_some());
        assert!(FileLock::try_acquire(&path, Sharing::Shared).unwrap().is_none());
    }

    #[test]
    fn a_waiting_holder_is_let_in_when_the_lock_is_dropped() {
        let (_folder, path) = path();
        let lock = FileLock::acquire(&path, Sharing::Exclusive).unwrap();
        let (send, receive) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let lock = FileLock::acquire(&path, Sharing::Shared).unwrap();
                send.send(lock).unwrap();
            });
            drop(lock);
            assert!(receive.recv().unwrap().is_at(&path));
        });
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_on_a_removed_file_does_not_count() {
        let (_folder, path) = path();
        let old = FileLock::acquire(&path, Sharing::Exclusive).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(!old.is_at(&path));
        let new = FileLock::try_acquire(&path, Sharing::Exclusive).unwrap().unwrap();
        assert!(new.is_at(&path));
    }

    #[test]
    fn a_file_taken_out_keeps_its_lock_until_it_is_closed() {
        let (_folder, path) = path();
        let file = FileLock::acquire(&path, Sharing::Shared).unwrap().into_file();
        let duplicate = file.try_clone().unwrap();
        drop(file);
        assert!(FileLock::try_acquire(&path, Sharing::Exclusive).unwrap().is_none());
        drop(duplicate);
        assert!(FileLock::try_acquire(&path, Sharing::Exclusive).unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_planted_in_its_place_is_refused() {
        let (folder, path) = path();
        let target = folder.path().join("target");
        std::os::unix::fs::symlink(&target, &path).unwrap();
        assert_eq!(FileLock::acquire(&path, Sharing::Shared).unwrap_err().path(), path);
        assert!(!target.exists());
    }
}
