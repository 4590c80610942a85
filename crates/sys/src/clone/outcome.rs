//! What cloning may do, did, or could not do.

use std::io;
use std::path::PathBuf;

use crate::error::FileError;
use crate::identity::FileStamp;

/// What may be done where the file system has no reflinks.
///
/// Ours: hard links only between versions of one pack, never across
/// apps and never into a writable place, where writing to one name would change the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// Nothing: the caller has a better way, such as decoding the file from its chunks.
    ReflinkOnly,
    /// A copy: the two files never share what somebody may write.
    ReflinkOrCopy,
    /// A hard link, and nothing that takes space.
    ReflinkOrHardLink,
    /// A hard link, and a copy where even that fails.
    ReflinkHardLinkOrCopy,
}

impl Allowed {
    pub(super) fn hard_link(self) -> bool {
        matches!(self, Self::ReflinkOrHardLink | Self::ReflinkHardLinkOrCopy)
    }

    pub(super) fn copy(self) -> bool {
        matches!(self, Self::ReflinkOrCopy | Self::ReflinkHardLinkOrCopy)
    }
}

/// How a file was cloned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cloned {
    /// The two share their blocks until one of them is written.
    Reflink,
    /// The two are one file with two names.
    HardLink,
    /// The content was copied.
    Copied {
        /// How many bytes were written.
        bytes: u64,
    },
}

/// What [`super::clone_unchanged`] made, with the stamps to record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClonedUnchanged {
    /// How it was done.
    pub how: Cloned,
    /// The stamp of the source now. Differs from the one expected after a hard link, which moves
    /// the change time: record it anew.
    pub source: FileStamp,
    /// The stamp of the new file.
    pub target: FileStamp,
}

/// Why a file was not cloned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CloneError {
    /// The file system has no reflinks here, and the caller allowed no other way that works.
    #[error("{} cannot be cloned here without copying it", .path.display())]
    NotAllowed {
        /// The source.
        path: PathBuf,
        /// What the last way tried said.
        source: io::Error,
    },
    /// The source is not in the state that was recorded when it was verified.
    #[error("{} was changed since it was verified", .path.display())]
    Changed {
        /// The source.
        path: PathBuf,
    },
    /// A file could not be opened, created or written.
    #[error(transparent)]
    File(#[from] FileError),
}
