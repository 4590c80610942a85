//! Why a repository could not be changed.

use std::path::PathBuf;

use headstart_model::{ChannelName, ErrorKind, Failure, PackId, ReleaseNumber};
use headstart_sys::FileError;

use crate::{RepoError, Role};

/// What is wrong with a folder of signing keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The folder lies in the repository, where everybody could fetch the keys.
    #[error("the keys folder {} lies inside the repository {}", .keys.display(), .repo.display())]
    Inside {
        /// The keys folder.
        keys: PathBuf,
        /// The repository.
        repo: PathBuf,
    },
    /// No key that may sign the document is in the folder.
    #[error("no key in {} may sign the {role} of this repository", .folder.display())]
    Missing {
        /// The document.
        role: Role,
        /// The keys folder.
        folder: PathBuf,
    },
    /// The folder belongs to another repository.
    #[error("the keys in {} belong to another repository", .folder.display())]
    OtherRepository {
        /// The keys folder.
        folder: PathBuf,
    },
    /// A file is not an Ed25519 key in PKCS#8 form.
    #[error("{} is not an Ed25519 key", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The system gave no random bytes, or a signature could not be made.
    #[error("the cryptographic library failed")]
    Crypto,
    /// The disk failed.
    #[error("the keys cannot be read or kept")]
    Disk(#[from] FileError),
}

/// Why a change makes no sense. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// There is no such channel.
    #[error("the repository has no channel `{channel}`")]
    UnknownChannel {
        /// The channel.
        channel: ChannelName,
    },
    /// The pack is in no channel.
    #[error("no channel of the repository has a pack `{id}`")]
    UnknownPack {
        /// The pack.
        id: PackId,
    },
    /// The channel never had that release, or it was freed.
    #[error("channel `{channel}` has no release {release} to go back to")]
    UnknownRelease {
        /// The channel.
        channel: ChannelName,
        /// The release.
        release: ReleaseNumber,
    },
    /// The channel has no earlier release with other content.
    #[error("channel `{channel}` has no earlier release to go back to")]
    NothingBefore {
        /// The channel.
        channel: ChannelName,
    },
    /// A pack was named twice in one release.
    #[error("pack `{id}` is named twice")]
    Duplicate {
        /// The pack.
        id: PackId,
    },
    /// No pack was named.
    #[error("no pack is named")]
    Empty,
    /// A share above 100.
    #[error("a rollout of {percent} percent was asked for; at most 100 are possible")]
    Percent {
        /// The share.
        percent: u8,
    },
    /// More packs in a channel than a catalog may list.
    #[error("channel `{channel}` would have {count} packs; at most {limit} are possible")]
    TooMany {
        /// The channel.
        channel: ChannelName,
        /// Packs it would have.
        count: usize,
        /// Packs it may have.
        limit: usize,
    },
}

/// Why a repository could not be made or changed. The release that was live before stays live and whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// A new repository was asked for where something else lies.
    #[error("{} is not empty and not a repository", .path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A new repository was asked for where one is.
    #[error("{} is a repository already", .path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// There is no repository.
    #[error("{} is not a repository", .path.display())]
    NotARepository {
        /// The folder.
        path: PathBuf,
    },
    /// Somebody else is writing it.
    #[error("{} is being written by another program", .path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The keys are wrong or missing.
    #[error("the repository cannot be signed")]
    Keys(#[from] KeyError),
    /// What is in the repository is not what these keys signed.
    #[error("the repository is not as it was signed")]
    Repository(#[from] RepoError),
    /// What was asked for makes no sense.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// A prepared file is not what it was said to be.
    #[error("{} is not the file that was prepared", .path.display())]
    Staged {
        /// The file.
        path: PathBuf,
    },
    /// A file that the release needs is gone from the repository.
    #[error("`{path}` is missing or damaged, so the release that names it cannot become live")]
    Gone {
        /// Its path in the repository.
        path: String,
    },
    /// The disk failed.
    #[error("the repository cannot be written")]
    Disk(#[from] FileError),
}

impl PublishError {
    /// The failure as people and programs are told it.
    #[must_use]
    pub fn to_failure(&self) -> Failure {
        let (kind, code, hint) = match self {
            Self::NotEmpty { .. } => {
                (ErrorKind::Conflict, "repositoryNotEmpty", "name an empty or a new folder")
            }
            Self::Exists { .. } => (
                ErrorKind::Conflict,
                "repositoryExists",
                "`headstart repo publish` puts packs into it",
            ),
            Self::NotARepository { .. } => {
                (ErrorKind::NotFound, "repositoryMissing", "`headstart repo init` makes a new one")
            }
            Self::Locked { .. } => (
                ErrorKind::Conflict,
                "repositoryLocked",
                "wait until the other program is done, then try again",
            ),
            Self::Keys(error) => return key_failure(self, error),
            Self::Repository(error) => return error.to_failure().within(self.to_string()),
            Self::Change(error) => return change_failure(error),
            Self::Staged { .. } => (ErrorKind::Conflict, "stagedChanged", "publish again"),
            Self::Gone { .. } => (
                ErrorKind::NotFound,
                "releaseIncomplete",
                "`headstart repo verify` lists what is damaged; publish anew",
            ),
            Self::Disk(error) if error.is_no_space() => {
                (ErrorKind::NoSpace, "diskFull", "free some space")
            }
            Self::Disk(_) => {
                (ErrorKind::Internal, "repositoryDisk", "check the folder and its permissions")
            }
        };
        Failure::from_error(kind, code, self).with_hint(hint)
    }
}

fn key_failure(error: &PublishError, keys: &KeyError) -> Failure {
    let (kind, code, hint) = match keys {
        KeyError::Inside { .. } => (
            ErrorKind::Refused,
            "keysInsideRepository",
            "whoever can read the repository could sign in your name; keep the keys elsewhere (`--keys DIR`)",
        ),
        KeyError::Missing { .. } => (
            ErrorKind::NotFound,
            "keyMissing",
            "name the folder that holds the keys with `--keys DIR`",
        ),
        KeyError::OtherRepository { .. } => (
            ErrorKind::Conflict,
            "keysOfOtherRepository",
            "name the right folder with `--keys DIR`",
        ),
        KeyError::Malformed { .. } => {
            (ErrorKind::InvalidInput, "keyMalformed", "restore the file from a copy")
        }
        KeyError::Crypto => (ErrorKind::Internal, "cryptography", ""),
        KeyError::Disk(error) if error.is_no_space() => {
            (ErrorKind::NoSpace, "diskFull", "free some space")
        }
        KeyError::Disk(_) => {
            (ErrorKind::Internal, "keysDisk", "check the folder and its permissions")
        }
    };
    Failure::from_error(kind, code, error).with_hint(hint)
}

fn change_failure(error: &ChangeError) -> Failure {
    let (kind, code, hint) = match error {
        ChangeError::UnknownChannel { .. } => {
            (ErrorKind::NotFound, "channelUnknown", "`headstart repo list` shows the channels")
        }
        ChangeError::UnknownPack { .. } => {
            (ErrorKind::NotFound, "packUnknown", "`headstart repo list` shows the packs")
        }
        ChangeError::UnknownRelease { .. } | ChangeError::NothingBefore { .. } => {
            (ErrorKind::NotFound, "releaseUnknown", "`headstart repo log` shows the releases")
        }
        ChangeError::Duplicate { .. } => (ErrorKind::Usage, "packTwice", "name each pack once"),
        ChangeError::Empty => (ErrorKind::Usage, "noPack", "name at least one pack"),
        ChangeError::Percent { .. } => {
            (ErrorKind::Usage, "rolloutShare", "name a share from 0 to 100")
        }
        ChangeError::TooMany { .. } => {
            (ErrorKind::Usage, "tooManyPacks", "remove packs, or use another repository")
        }
    };
    Failure::from_error(kind, code, error).with_hint(hint)
}
