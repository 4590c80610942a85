//! Why a version could not be delivered.

use headstart_model::{ErrorKind, Failure, PackId, VerifyError};
use headstart_pack::FormatError;
use headstart_pack::plan::PlanError;
use headstart_store::StoreError;
use headstart_transfer::TransferError;

/// Why a version could not be delivered. What had arrived is kept and used by the next attempt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliverError {
    /// The network or the server failed.
    #[error("pack `{pack}` could not be fetched")]
    Transfer {
        /// The pack.
        pack: PackId,
        /// Why.
        #[source]
        source: Box<TransferError>,
    },
    /// A file of a local repository could not be read.
    #[error("pack `{pack}` could not be read from the repository")]
    Folder {
        /// The pack.
        pack: PackId,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file of the repository does not have the digest that the signed catalog promises.
    #[error("the repository's index of pack `{pack}` is not the one that was signed")]
    Untrusted {
        /// The pack.
        pack: PackId,
        /// How it differs.
        #[source]
        source: VerifyError,
    },
    /// A file of the repository is not what the format says, although its digest holds.
    #[error("pack `{pack}` was published in a form that cannot be read")]
    Format {
        /// The pack.
        pack: PackId,
        /// Why.
        #[source]
        source: FormatError,
    },
    /// What is known of a version on the device cannot be read, so it cannot be started from.
    #[error("what is known of the version of pack `{pack}` on this device cannot be read")]
    Held {
        /// The pack.
        pack: PackId,
        /// Why.
        #[source]
        source: Box<StoreError>,
    },
    /// What is held and the bundle together do not make the version.
    #[error("pack `{pack}` cannot be completed")]
    Plan {
        /// The pack.
        pack: PackId,
        /// Why.
        #[source]
        source: PlanError,
    },
    /// The disk failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The work was broken off.
    #[error("cancelled")]
    Cancelled,
    /// A thread of this program ended unexpectedly.
    #[error("the work on a block ended unexpectedly")]
    Broken,
}

impl DeliverError {
    /// The failure as it is told to people and programs.
    #[must_use]
    pub fn to_failure(&self) -> Failure {
        let untrusted = "the repository is damaged or was tampered with; tell whoever publishes it \
                         (`headstart repo verify` finds what is wrong)";
        let (kind, code, hint) = match self {
            Self::Transfer { pack, source } => {
                return source.to_failure().within(format!("pack `{pack}` could not be fetched"));
            }
            Self::Store(error) => return error.to_failure(),
            Self::Held { source, .. } => return source.to_failure(),
            Self::Folder { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                (ErrorKind::NotFound, "fileMissing", untrusted)
            }
            Self::Folder { .. } => (
                ErrorKind::Internal,
                "fileFailed",
                "check the disk that holds the repository, and the permissions there",
            ),
            Self::Untrusted { .. } => (ErrorKind::Untrusted, "indexUntrusted", untrusted),
            Self::Format { .. } => (ErrorKind::Untrusted, "packUnreadable", untrusted),
            Self::Plan { .. } => (ErrorKind::Untrusted, "packIncomplete", untrusted),
            Self::Cancelled => (ErrorKind::Cancelled, "cancelled", "ask again"),
            Self::Broken => (ErrorKind::Internal, "internal", "please report this"),
        };
        Failure::from_error(kind, code, self).with_hint(hint)
    }

    /// Whether a file is gone that the catalog names: it was freed since, so a newer release is there, and what has arrived is best
    /// used for that.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Transfer { source, .. } => matches!(**source, TransferError::NotFound { .. }),
            Self::Folder { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
            _ => false,
        }
    }

    /// Whether another way to the same version may succeed where this one failed for good.
    pub(crate) fn is_of_this_way(&self) -> bool {
        match self {
            Self::Transfer { source, .. } => match **source {
                // Another file of the same server would be refused too, and somebody asked about each.
                TransferError::Sink(_)
                | TransferError::Denied { .. }
                | TransferError::Cancelled { .. } => false,
                // The attempts are used up, and it is this file that is wrong, not the network.
                TransferError::Corrupt { .. } | TransferError::Unusable { .. } => true,
                _ => !source.is_retryable(),
            },
            Self::Folder { .. }
            | Self::Untrusted { .. }
            | Self::Format { .. }
            | Self::Held { .. }
            | Self::Plan { .. }
            | Self::Store(StoreError::Format { .. } | StoreError::Incomplete { .. }) => true,
            Self::Store(_) | Self::Cancelled | Self::Broken => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use headstart_model::Digest;
    use headstart_transfer::{Interruption, ShownUrl, SinkError, Violation};

    use super::*;

    #[test]
    fn a_wrong_file_closes_its_way_and_a_bad_network_closes_none() {
        let of_this_way = |source| {
            let pack = PackId::new("p").expect("a good id");
            DeliverError::Transfer { pack, source: Box::new(source) }.is_of_this_way()
        };
        let url = || ShownUrl::from(&url::Url::parse("https://a/b").expect("a URL"));
        let digest = Digest::of(b"");
        let source = VerifyError::Digest { expected: digest, actual: digest };
        let missing = TransferError::NotFound { url: url() };
        let pack = PackId::new("p").expect("a good id");
        assert!(DeliverError::Transfer { pack, source: Box::new(missing) }.is_missing());
        assert!(of_this_way(TransferError::NotFound { url: url() }));
        assert!(of_this_way(TransferError::Shorter { url: url(), promised_bytes: 2 }));
        assert!(of_this_way(TransferError::Corrupt { url: url(), offset: 0, source }));
        let violation = Violation::OtherSize { promised_bytes: 2, actual_bytes: 1 };
        assert!(of_this_way(TransferError::Unusable { url: url(), violation }));
        let how = Interruption::EndedEarly;
        assert!(!of_this_way(TransferError::Interrupted { url: url(), received_bytes: 0, how }));
        assert!(!of_this_way(TransferError::Sink(SinkError::Closed)));
    }
}
