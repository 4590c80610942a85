//! Why a path below a root was not reached.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Action, FileError};

/// What is wrong with a relative path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathFault {
    /// It begins at the root of the file system or with a drive.
    Absolute,
    /// It has a `..`.
    StepsBack,
    /// It names nothing, where a name is needed.
    Empty,
}

impl fmt::Display for PathFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absolute => "it is not relative",
            Self::StepsBack => "it steps back with `..`",
            Self::Empty => "it names nothing",
        })
    }
}

/// Why something below a [`super::Root`] was not opened, made or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BeneathError {
    /// The path could lead outside by its own words.
    #[error("{} cannot be a path below {}: {fault}", .path.display(), .root.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// The root.
        root: PathBuf,
        /// What is wrong with it.
        fault: PathFault,
    },
    /// A symbolic link is on the way or at its end; it is never followed.
    #[error("{} is a symbolic link, which is not followed; remove it", .path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// Something that is no folder is on the way.
    #[error("{} is not a folder", .path.display())]
    NotAFolder {
        /// What is in the way.
        path: PathBuf,
    },
    /// A regular file is wanted, and this is none.
    #[error("{} is not a regular file", .path.display())]
    NotAFile {
        /// What it is that was named.
        path: PathBuf,
    },
    /// The system refuses.
    #[error(transparent)]
    File(#[from] FileError),
}

impl BeneathError {
    /// True if the path, or a folder on its way, does not exist.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::File(error) if error.is_missing())
    }

    /// True if something exists where a new file was to be made.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::File(error) if error.kind() == io::ErrorKind::AlreadyExists)
    }

    pub(super) fn at(action: Action, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| FileError::new(action, path, source).into()
    }
}
