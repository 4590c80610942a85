//! What can go wrong on disk.

use std::path::PathBuf;

use headstart_model::{ErrorKind, Failure};
use headstart_pack::FormatError;
use headstart_sys::FileError;

/// Why something on disk could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database refused.
    #[error("the database `{}` failed", .path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The database was written by a later program.
    #[error("the database `{}` has version {found}; this program knows version {known}", .path.display())]
    DatabaseTooNew {
        /// The database file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version known.
        known: u32,
    },
    /// The disk is full.
    #[error("there is no space left for `{}`", .path.display())]
    NoSpace {
        /// What was being written.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(FileError),
    /// Bytes are not what they should be.
    #[error("`{}` cannot be used", .path.display())]
    Format {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: FormatError,
    },
    /// Chunks are missing that were said to be there.
    #[error("the version is not complete: {missing} chunks are missing")]
    Incomplete {
        /// How many.
        missing: u32,
    },
    /// A namespace snapshot cannot be made or read.
    #[error("the namespace `{}` cannot be used", .path.display())]
    Namespace {
        /// The snapshot.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The way out of everything that only the machine's owner can mend.
const CHECK_DISK: &str = "check the disk, and the permissions of what is named";

impl From<FileError> for StoreError {
    fn from(error: FileError) -> Self {
        if error.is_no_space() {
            Self::NoSpace { path: error.path().to_owned() }
        } else {
            Self::File(error)
        }
    }
}

impl StoreError {
    /// The failure as it is told to people and programs.
    #[must_use]
    pub fn to_failure(&self) -> Failure {
        let (kind, code, hint) = match self {
            Self::NoSpace { .. } => (
                ErrorKind::NoSpace,
                "diskFull",
                "free some space; what was fetched so far is kept and the download goes on from there",
            ),
            Self::DatabaseTooNew { .. } => {
                (ErrorKind::Conflict, "databaseTooNew", "start the newer Headstart that wrote it")
            }
            Self::Database { source, .. } if is_full(source) => (
                ErrorKind::NoSpace,
                "diskFull",
                "free some space; nothing that was installed is lost",
            ),
            Self::Database { .. } => (ErrorKind::Internal, "databaseFailed", CHECK_DISK),
            Self::Format { .. } | Self::Incomplete { .. } => {
                (ErrorKind::Untrusted, "contentDamaged", "the content is fetched anew")
            }
            Self::File(_) | Self::Namespace { .. } => {
                (ErrorKind::Internal, "fileFailed", CHECK_DISK)
            }
        };
        Failure::from_error(kind, code, self).with_hint(hint)
    }
}

/// Whether the database says that the disk is full.
pub(crate) fn is_full(error: &rusqlite::Error) -> bool {
    // The second is what it says when there is no room for the index of its log, without which nothing can be read.
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
        || error.sqlite_error().map(|error| error.extended_code)
            == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}
