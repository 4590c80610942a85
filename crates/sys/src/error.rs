//! The error of everything that fails at one path.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What was being done to a file or folder when it failed.
///
/// Ours: the word goes into the message, so that a person reads what was tried and not the name
/// of a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Opening something that should exist.
    Open,
    /// Creating a file or folder.
    Create,
    /// Reading content, a folder's entries or facts about a file.
    Read,
    /// Writing content.
    Write,
    /// Bringing content or a folder's entries to stable storage.
    Sync,
    /// Giving a file or folder another name.
    Rename,
    /// Removing a file, folder or tree.
    Remove,
    /// Taking an advisory lock.
    Lock,
    /// Mapping a file into memory.
    Map,
    /// Cloning, linking or copying a file.
    Clone,
    /// Changing permissions.
    SetMode,
    /// Asking how much space a file system has.
    MeasureSpace,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Create => "create",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "bring to stable storage",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::Lock => "lock",
            Self::Map => "map into memory",
            Self::Clone => "clone",
            Self::SetMode => "set the permissions of",
            Self::MeasureSpace => "measure the free space at",
        })
    }
}

/// Something failed at one path; the cause is the system's own error.
///
/// Ours: one shape for all plain file work, because callers only ever ask three things of it:
/// where, whether the disk is full, and whether the thing was missing.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", .path.display())]
pub struct FileError {
    action: Action,
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl FileError {
    /// An error of `action` at `path`.
    ///
    /// Public so that crates above, which do plain reads through `std`, report in the same shape.
    pub fn new(action: Action, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self { action, path: path.into(), source }
    }

    /// What was being done.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// The file or folder it was done to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The system's kind of failure.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }

    /// True if the disk or the person's quota is full: freeing space helps, trying again does not.
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        matches!(self.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// True if the path does not exist.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.kind() == io::ErrorKind::NotFound
    }

    /// For `map_err`: wraps a system error of `action` at `path`.
    pub(crate) fn at<E: Into<io::Error>>(action: Action, path: &Path) -> impl FnOnce(E) -> Self {
        move |source| Self::new(action, path, source.into())
    }
}

/// Keeps the kind, so that code that speaks `io::Error` still sees a full disk as one.
impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        Self::new(error.kind(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_was_tried_and_where() {
        let error = FileError::new(Action::Sync, "/a/b", io::ErrorKind::StorageFull.into());
        assert_eq!(error.to_string(), "cannot bring to stable storage /a/b");
        assert!(error.is_no_space());
        assert!(!error.is_missing());
    }

    #[test]
    fn keeps_its_kind_as_an_io_error() {
        let error = FileError::new(Action::Open, "/a", io::ErrorKind::NotFound.into());
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
    }
}
