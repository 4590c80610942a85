//! What can be wrong with a download before anybody fetches it.

use super::codes::BackgroundAssetsErrorCode;
use super::priority::PriorityError;
use crate::{Failure, UrlProblem};

/// Why a download cannot be scheduled, whatever the service knows. `Spec: concepts 16`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadProblem {
    /// The identifier is empty, too long or has control characters.
    #[error("the identifier has to have 1 to {limit} bytes without control characters")]
    Identifier {
        /// Bytes allowed.
        limit: usize,
    },
    /// The unique identifier is empty, too long, or not letters, digits and `-`.
    #[error("the unique identifier has to have 1 to {limit} letters, digits or `-`")]
    UniqueIdentifier {
        /// Bytes allowed.
        limit: usize,
    },
    /// The text is no URL.
    #[error("`{url}` is no URL")]
    NotAUrl {
        /// The text, cut.
        url: String,
    },
    /// The URL may not be fetched from.
    #[error(transparent)]
    Url(#[from] UrlProblem),
    /// Only `GET` fetches anything.
    #[error("the method is `{method}`; a download is made with GET")]
    Method {
        /// The method, cut.
        method: String,
    },
    /// A header is none, is too long, or is the transfer's own business.
    #[error("the header `{name}` cannot be sent{why}")]
    Header {
        /// Its name, cut.
        name: String,
        /// Why; empty when the name or value are no header.
        why: &'static str,
    },
    /// Too many headers.
    #[error("{given} headers are given; at most {limit} are allowed")]
    Headers {
        /// Headers given.
        given: usize,
        /// Headers allowed.
        limit: usize,
    },
    /// The size is 0. `Spec: concepts 16`.
    #[error("the file size is 0; give the exact size of the file")]
    FileSize,
    /// The size is more than any file can have. `Ours:` lengths of files are signed numbers of 64 bits.
    #[error("the file size is {given}; no file is that large")]
    FileTooLarge {
        /// Bytes given.
        given: u64,
    },
    /// An essential download names no size, and the installation's progress needs one. `Spec: concepts 6`.
    #[error("an essential download has to say how large the file is")]
    EssentialWithoutSize,
    /// The archive of a pack has to say whose it is. `Spec: packs 4.1`.
    #[error(
        "the archive of a pack has the pack's id as identifier, and names its version and size"
    )]
    AssetPack,
    /// The priority is outside its range.
    #[error(transparent)]
    Priority(#[from] PriorityError),
}

impl DownloadProblem {
    /// The failure to tell of it.
    #[must_use]
    pub fn to_failure(&self, identifier: &str) -> Failure {
        let shown: String = identifier.chars().take(80).collect();
        let failure = Failure::from_error(
            BackgroundAssetsErrorCode::Invalid.kind(),
            BackgroundAssetsErrorCode::Invalid.as_str(),
            self,
        );
        failure
            .within(format!("the download `{shown}` is not valid"))
            .with_hint("correct what is named and schedule it again")
    }
}
