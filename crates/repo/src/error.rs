//! Why a repository is not believed, or cannot be read.

use std::fmt;

use headstart_model::catalog::CatalogError;
use headstart_model::{ChannelName, ErrorKind, Failure};
use headstart_sys::FileError;
use jiff::Timestamp;

use crate::{FetchError, Sha256, layout};

/// The four signed documents of a repository. `Spec:` The Update Framework, roles and PKI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Role {
    /// Says which keys sign what, itself included.
    Root,
    /// Says which snapshot is the newest; short-lived.
    Timestamp,
    /// Says which targets belong together.
    Snapshot,
    /// Names the catalogs by size and digest.
    Targets,
}

impl Role {
    /// All of them, in the order in which a reader takes them.
    pub const ALL: [Self; 4] = [Self::Root, Self::Timestamp, Self::Snapshot, Self::Targets];

    /// The name as it stands in file names and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Timestamp => "timestamp",
            Self::Snapshot => "snapshot",
            Self::Targets => "targets",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a repository is refused or cannot be read. What was trusted before stays trusted and usable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepoError {
    /// A document is past its date: somebody may be holding newer ones back (a freeze attack), or nobody ran
    /// `repo refresh`.
    #[error("the {role} of the repository expired{}", date(*.since))]
    Expired {
        /// The document.
        role: Role,
        /// Its date, where it could be read.
        since: Option<Timestamp>,
    },
    /// A document is not signed by the keys that the trusted root names.
    #[error("the {role} of the repository is not signed by a trusted key")]
    WrongSignature {
        /// The document.
        role: Role,
    },
    /// A document is older than one that was trusted before (a rollback attack, or a mirror that lags).
    #[error(
        "version {offered} of the repository's {role} is offered, but version {trusted} was there before"
    )]
    Older {
        /// The document.
        role: Role,
        /// The version offered.
        offered: u64,
        /// The version trusted before.
        trusted: u64,
    },
    /// A file is not the one that the signed documents name: damaged, exchanged, or of another release.
    #[error("`{path}` is not the file that was signed")]
    Altered {
        /// Its path in the repository.
        path: String,
    },
    /// A document is not of the form that it must have.
    #[error("`{path}` cannot be read")]
    Malformed {
        /// Its path in the repository.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file is longer than anything that belongs there (an endless-data attack).
    #[error("`{path}` has more than {limit_bytes} bytes")]
    TooLarge {
        /// Its path in the repository.
        path: String,
        /// The most bytes allowed.
        limit_bytes: u64,
    },
    /// The repository has no such channel.
    #[error("the repository has no channel `{channel}`")]
    UnknownChannel {
        /// The channel asked for.
        channel: ChannelName,
    },
    /// The catalog's signature holds, but not its rules.
    #[error("the catalog of channel `{channel}` is refused")]
    Catalog {
        /// The channel.
        channel: ChannelName,
        /// Why.
        #[source]
        source: CatalogError,
    },
    /// A file could not be fetched.
    #[error("cannot fetch `{path}`")]
    Fetch {
        /// Its path in the repository.
        path: String,
        /// Why.
        #[source]
        source: FetchError,
    },
    /// What is trusted could not be read from this machine's disk, or not be kept there.
    #[error("what is known of the repository cannot be kept")]
    Store(#[from] FileError),
    /// Another root is trusted here already.
    #[error("the root {offered} is not the one that is trusted here, {trusted}")]
    OtherRoot {
        /// Fingerprint of the root trusted before.
        trusted: Sha256,
        /// Fingerprint of the root offered now.
        offered: Sha256,
    },
}

/// The way out when what an address answers is no metadata.
const NO_REPOSITORY: &str = "the address may not be that of a Headstart repository";

fn date(time: Option<Timestamp>) -> String {
    time.map_or_else(String::new, |time| format!(" at {time}"))
}

impl RepoError {
    /// Whether a cache on the way may be to blame: one that spoilt a document, or kept it too long.
    pub(crate) fn may_be_of_the_way(&self) -> bool {
        match self {
            Self::Expired { .. }
            | Self::WrongSignature { .. }
            | Self::Older { .. }
            | Self::Altered { .. }
            | Self::Malformed { .. }
            | Self::TooLarge { .. } => true,
            // The file that a kept timestamp leads to may be freed by now.
            Self::Fetch { path, source: FetchError::NotFound | FetchError::Forbidden(_) } => {
                path != layout::TIMESTAMP
            }
            _ => false,
        }
    }

    /// The failure as people and programs are told it.
    #[must_use]
    pub fn to_failure(&self) -> Failure {
        let (kind, code, hint) = match self {
            Self::Expired { .. } => (
                ErrorKind::Untrusted,
                "metadataExpired",
                "the publisher has to run `headstart repo refresh`; check this machine's clock too. \
                 What is installed stays usable",
            ),
            Self::WrongSignature { .. } => (
                ErrorKind::Untrusted,
                "metadataSignature",
                "the repository is not the one whose root is trusted, or somebody changed it; ask its publisher. If the bundle's `root.json` was the wrong one, uninstall the app, correct it and install again",
            ),
            Self::Older { .. } => (
                ErrorKind::Untrusted,
                "metadataOlder",
                "a mirror or cache serves an old copy; try again later, or use another mirror",
            ),
            Self::Altered { .. } => (
                ErrorKind::Untrusted,
                "metadataAltered",
                "the file was damaged or exchanged on its way; try again, and ask the publisher for \
                 `headstart repo verify` if it stays so",
            ),
            Self::Malformed { .. } => (ErrorKind::Untrusted, "metadataMalformed", NO_REPOSITORY),
            Self::TooLarge { .. } => (ErrorKind::Untrusted, "metadataTooLarge", NO_REPOSITORY),
            Self::UnknownChannel { .. } => {
                (ErrorKind::NotFound, "channelUnknown", "`headstart repo list` shows the channels")
            }
            Self::Catalog { .. } => (
                ErrorKind::Untrusted,
                "catalogRefused",
                "a newer version of Headstart may be needed",
            ),
            Self::Fetch { source, .. } => return fetch_failure(self, source),
            Self::Store(error) if error.is_no_space() => {
                (ErrorKind::NoSpace, "diskFull", "free some space")
            }
            Self::Store(_) => (
                ErrorKind::Internal,
                "trustStore",
                "check the disk; a damaged `state.json` can be removed, the trust in the root stays",
            ),
            Self::OtherRoot { .. } => (
                ErrorKind::Untrusted,
                "otherRoot",
                "if the publisher confirms the new fingerprint, remove what was cloned or installed and start anew",
            ),
        };
        Failure::from_error(kind, code, self).with_hint(hint)
    }
}

fn fetch_failure(error: &RepoError, source: &FetchError) -> Failure {
    let (kind, code, hint) = match source {
        FetchError::NotFound => (
            ErrorKind::NotFound,
            "repositoryFileMissing",
            "check the address of the repository; its publisher can run `headstart repo verify`",
        ),
        FetchError::TooLarge { .. } | FetchError::Path => {
            (ErrorKind::Untrusted, "metadataMalformed", NO_REPOSITORY)
        }
        FetchError::Denied(_) | FetchError::Forbidden(_) => (
            ErrorKind::Refused,
            "serverDenied",
            "give the server the header that it wants, with `--header`",
        ),
        FetchError::Failed(_) => (
            ErrorKind::Network,
            "repositoryUnreachable",
            "check the connection and try again later",
        ),
    };
    Failure::from_error(kind, code, error).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_distrust_is_shown_as_untrusted_with_a_way_out() {
        let since = "2026-01-02T03:04:05Z".parse().ok();
        let expired = RepoError::Expired { role: Role::Timestamp, since };
        assert_eq!(
            expired.to_string(),
            "the timestamp of the repository expired at 2026-01-02T03:04:05Z"
        );
        let path = "metadata/timestamp.json".to_owned();
        for error in [
            expired,
            RepoError::WrongSignature { role: Role::Root },
            RepoError::Older { role: Role::Timestamp, offered: 3, trusted: 4 },
            RepoError::Altered { path: path.clone() },
            RepoError::TooLarge { path, limit_bytes: 5 },
        ] {
            let failure = error.to_failure();
            assert_eq!(failure.kind, ErrorKind::Untrusted, "{error}");
            assert!(!failure.hint.is_empty(), "{error}");
        }
    }

    #[test]
    fn a_lost_connection_is_worth_another_try_and_a_missing_file_is_not() {
        let fetch = |source| RepoError::Fetch { path: "x".to_owned(), source }.to_failure().kind;
        assert!(fetch(FetchError::Failed("cut".into())).is_retryable());
        assert!(!fetch(FetchError::NotFound).is_retryable());
        assert_eq!(fetch(FetchError::Denied("401".into())), ErrorKind::Refused);
    }
}
