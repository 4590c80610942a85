//! Why a pack could not be made ready.

use std::path::{Path, PathBuf};

use headstart_model::packaging::ManifestError;
use headstart_model::{ErrorKind, Failure, PackId, PackVersion};
use headstart_pack::{BuildError, FormatError};
use headstart_sys::FileError;

use crate::author::PublishError;

/// Why a pack could not be made ready to be published. The repository is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The archive is damaged, or none at all.
    #[error("{} is not a whole archive", .path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: FormatError,
    },
    /// The packaging manifest in the archive is not one.
    #[error("the packaging manifest in {} cannot be read", .path.display())]
    Manifest {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<ManifestError>,
    },
    /// An earlier version that a delta should start from is damaged in the repository.
    #[error("version {version} of pack `{id}` is damaged in the repository")]
    Former {
        /// The pack.
        id: PackId,
        /// The earlier version.
        version: PackVersion,
        /// What is wrong with it.
        #[source]
        source: FormatError,
    },
    /// A delta bundle could not be made.
    #[error("the delta from version {from} of pack `{id}` cannot be made")]
    Delta {
        /// The pack.
        id: PackId,
        /// The earlier version.
        from: PackVersion,
        /// Why.
        #[source]
        source: BuildError,
    },
    /// What is published could not be read.
    #[error(transparent)]
    Repository(PublishError),
    /// The archive could not be opened, or the staging folder not be written.
    #[error("the files of the pack cannot be made ready")]
    Disk(#[from] FileError),
    /// Somebody broke it off.
    #[error("cancelled")]
    Cancelled,
}

impl PrepareError {
    pub(super) fn delta(id: &PackId, from: PackVersion, source: BuildError) -> Self {
        match source {
            BuildError::Cancelled => Self::Cancelled,
            source => Self::Delta { id: id.clone(), from, source },
        }
    }

    /// A chunk of the archive that could not be read: from the archive's own scratch file, so only in the words of the format.
    pub(super) fn chunk(archive: &Path, error: BuildError) -> Self {
        let source = match error {
            BuildError::Format(source) => source,
            other => FormatError::Io(std::io::Error::other(other)),
        };
        Self::Archive { path: archive.to_owned(), source }
    }

    /// The failure as people and programs are told it.
    #[must_use]
    pub fn to_failure(&self) -> Failure {
        let (kind, code, hint) = match self {
            Self::Archive { .. } => (
                ErrorKind::InvalidInput,
                "archiveDamaged",
                "`headstart verify` says more; pack it again",
            ),
            Self::Manifest { .. } => {
                (ErrorKind::InvalidInput, "archiveManifest", "pack it again with this version")
            }
            Self::Former { .. } => (
                ErrorKind::Conflict,
                "formerDamaged",
                "`headstart repo verify` lists what is damaged; with `--deltas 0` the pack can be published all the same",
            ),
            Self::Delta { .. } => (
                ErrorKind::Internal,
                "deltaFailed",
                "with `--deltas 0` the pack can be published all the same",
            ),
            Self::Repository(error) => return error.to_failure(),
            Self::Disk(error) if error.is_no_space() => {
                (ErrorKind::NoSpace, "diskFull", "free some space")
            }
            Self::Disk(error) if error.is_missing() => {
                (ErrorKind::InvalidInput, "archiveMissing", "check the path")
            }
            Self::Disk(_) => {
                (ErrorKind::Internal, "stagingDisk", "check the folder and its permissions")
            }
            Self::Cancelled => (ErrorKind::Cancelled, "cancelled", ""),
        };
        Failure::from_error(kind, code, self).with_hint(hint)
    }
}
