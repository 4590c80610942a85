//! Everything that can go wrong with a transfer.

mod failure;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use headstart_model::VerifyError;
use http::StatusCode;

use crate::{ConfigError, FileHash, ShownUrl, SinkError};

/// Why a transfer failed. URLs in it show no secrets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The request makes no sense or is forbidden; nothing was sent.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// No connection came about.
    #[error("no connection to {url}")]
    Unreachable {
        /// What was asked.
        url: ShownUrl,
        /// What the network says.
        #[source]
        source: reqwest::Error,
    },
    /// The server's certificate is not trusted, has expired, or is another host's.
    #[error("the certificate of {url} is not accepted")]
    Certificate {
        /// What was asked.
        url: ShownUrl,
        /// What TLS says.
        #[source]
        source: reqwest::Error,
    },
    /// The connection was lost or went silent.
    #[error("the transfer from {url} broke off after {received_bytes} bytes")]
    Interrupted {
        /// What was asked.
        url: ShownUrl,
        /// Bytes of this response's body that had arrived.
        received_bytes: u64,
        /// How.
        #[source]
        how: Interruption,
    },
    /// 404 or 410: the file is not there (any more). Whoever planned the transfer should plan anew.
    #[error("{url} does not exist on the server")]
    NotFound {
        /// What was asked.
        url: ShownUrl,
    },
    /// 401, 403 or 407: the server or proxy does not let us.
    #[error("the server refuses {url} ({status})")]
    Denied {
        /// What was asked.
        url: ShownUrl,
        /// Its answer.
        status: StatusCode,
    },
    /// Another status that is not an answer to the request.
    #[error("the server answered {url} with {status}")]
    Status {
        /// What was asked.
        url: ShownUrl,
        /// Its answer.
        status: StatusCode,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The file on the server ends before the bytes that were asked for.
    #[error("{url} is shorter than the {promised_bytes} bytes that were promised")]
    Shorter {
        /// What was asked.
        url: ShownUrl,
        /// Length that a trusted place names, or that the asked range implies.
        promised_bytes: u64,
    },
    /// The answer contradicts the request or itself.
    #[error("the answer to {url} cannot be used")]
    Unusable {
        /// What was asked.
        url: ShownUrl,
        /// In what way.
        #[source]
        violation: Violation,
    },
    /// More bytes than allowed.
    #[error("{url} has more than the {limit_bytes} bytes allowed")]
    TooLarge {
        /// What was asked.
        url: ShownUrl,
        /// The limit.
        limit_bytes: u64,
    },
    /// Bytes with another digest than the trusted one, again and again.
    #[error("{url} holds wrong bytes at offset {offset}")]
    Corrupt {
        /// Where they came from.
        url: ShownUrl,
        /// Offset of the block in the file; 0 for a whole file.
        offset: u64,
        /// The digests.
        #[source]
        source: VerifyError,
    },
    /// The whole file has another digest than the trusted one, and its server says that it is still the same, or gave a wrong
    /// one twice.
    #[error("{url} is not the file that was promised: it has {actual}, not {expected}")]
    OtherHash {
        /// Where it came from.
        url: ShownUrl,
        /// The promised digest.
        expected: Box<FileHash>,
        /// The digest of what came.
        actual: Box<FileHash>,
    },
    /// No secure connection can be set up with the certificates that were given.
    #[error("no secure connection to {url} can be set up")]
    Tls {
        /// What was asked.
        url: ShownUrl,
        /// Why.
        #[source]
        source: Box<ConfigError>,
    },
    /// Whoever was asked for a credential wants the transfer to end.
    #[error("the question of {url} for a credential was answered with the end of the transfer")]
    Cancelled {
        /// Who asked.
        url: ShownUrl,
    },
    /// Whoever takes the blocks failed.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// A copy on this machine that was to be read from cannot be read.
    #[error("the copy {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Another download writes to the same place.
    #[error("another download is writing to {}", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// A local file cannot be read or written.
    #[error("cannot write the download to {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// Why a request was not even sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// No URL was given.
    #[error("there is no source to fetch from")]
    NoSource,
    /// Neither https nor a kind of URL that the settings allow.
    #[error("{url} is not allowed: an https address is needed")]
    NotAllowed {
        /// The URL.
        url: ShownUrl,
    },
    /// A host that the settings do not allow, or this machine itself where that is not allowed.
    #[error("{url} is not allowed: its host is not on the list of those that may be reached")]
    HostNotAllowed {
        /// The URL.
        url: ShownUrl,
    },
    /// Blocks are not sorted by offset, overlap, or are empty.
    #[error("block {tag} at offset {offset} overlaps another one, is out of order, or empty")]
    Order {
        /// The caller's number of the block.
        tag: u64,
        /// Its offset.
        offset: u64,
    },
    /// A block lies beyond the end of its file.
    #[error("block {tag} ends at {end} in a file of {file_bytes} bytes")]
    BeyondEnd {
        /// The caller's number of the block.
        tag: u64,
        /// End of the block.
        end: u64,
        /// Length of the file.
        file_bytes: u64,
    },
    /// A block or range is longer than what may be held in memory.
    #[error("{bytes} bytes at once are wanted; {limit_bytes} are allowed")]
    TooLong {
        /// Its length.
        bytes: u64,
        /// The limit.
        limit_bytes: u64,
    },
}

/// How a connection was lost.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Interruption {
    /// No byte for too long.
    #[error("the server sent nothing for {} s", after.as_secs_f32())]
    Stalled {
        /// The time-out that passed.
        after: Duration,
    },
    /// The body ended, in good form, before all bytes had come.
    #[error("the server ended the answer early")]
    EndedEarly,
    /// The connection broke.
    #[error("the connection broke")]
    Broken(#[source] reqwest::Error),
}

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// Another range than the one that was asked for, or none named.
    #[error(
        "the range from byte {asked_start} was asked for; the answer has the range `{answered}`"
    )]
    OtherRange {
        /// First byte asked for.
        asked_start: u64,
        /// The `Content-Range` of the answer; `none` when there is none.
        answered: String,
    },
    /// The whole file instead of a range, with more bytes to throw away than allowed.
    #[error(
        "the server does not support ranges: {skip_bytes} bytes would be fetched in vain ({limit_bytes} are allowed)"
    )]
    RangeIgnored {
        /// Bytes before the first wanted one.
        skip_bytes: u64,
        /// The limit.
        limit_bytes: u64,
    },
    /// The file has another length than promised.
    #[error("the file has {actual_bytes} bytes where {promised_bytes} were promised")]
    OtherSize {
        /// Length that a trusted place names.
        promised_bytes: u64,
        /// Length that the server names.
        actual_bytes: u64,
    },
    /// The file changed between two requests although the server claimed that it had not.
    #[error("the file was replaced on the server during the download")]
    Replaced,
    /// A content coding that was not asked for; digests and ranges count the plain file.
    #[error("the answer is encoded as `{encoding}`, which was not asked for")]
    Encoded {
        /// The coding.
        encoding: String,
    },
    /// More redirects than are followed.
    #[error("more than {limit} redirects")]
    TooManyRedirects {
        /// The limit.
        limit: u32,
    },
    /// A redirect that is not followed: from https to http, to a scheme or host that is not allowed, or malformed.
    #[error("a redirect to {target} is not followed")]
    RedirectRefused {
        /// Where it leads.
        target: String,
    },
}

impl Violation {
    /// Whether the same server may do better the next time.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::OtherRange { .. } | Self::OtherSize { .. } | Self::Replaced)
    }
}

impl TransferError {
    /// Whether the same source may do better the next time. [`Self::Corrupt`] counts: a cache or a bad line may be the cause.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Interrupted { .. }
            | Self::Corrupt { .. }
            | Self::OtherHash { .. } => true,
            Self::Status { status, .. } => is_retryable_status(*status),
            Self::Unusable { violation, .. } => violation.is_retryable(),
            Self::Request(_)
            | Self::Certificate { .. }
            | Self::NotFound { .. }
            | Self::Denied { .. }
            | Self::Shorter { .. }
            | Self::TooLarge { .. }
            | Self::Unreadable { .. }
            | Self::Tls { .. }
            | Self::Cancelled { .. }
            | Self::Sink(_)
            | Self::Busy { .. }
            | Self::File { .. } => false,
        }
    }

    /// Whether the fault lies on this side, so that no other source can help.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        matches!(
            self,
            Self::Request(_)
                | Self::Sink(_)
                | Self::Busy { .. }
                | Self::File { .. }
                | Self::Tls { .. }
                | Self::Cancelled { .. }
        )
    }

    /// Whether the server cannot be had at the moment, as far as one attempt tells: no connection came about, nothing came until the
    /// time-out, or the server says so itself (5xx, 429). Nothing that it gave, and no connection that broke, says that.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Interrupted { how, .. } => matches!(how, Interruption::Stalled { .. }),
            Self::Status { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            _ => false,
        }
    }

    /// Whether a copy held by something between us and the server may be to blame, so that it should be bypassed.
    pub(crate) const fn blames_a_copy(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::OtherHash { .. } | Self::Unusable { .. })
    }

    pub(crate) const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Time-outs, too early, too many, and faults of the server itself.
fn is_retryable_status(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_by_itself_is_retryable() {
        let url = ShownUrl::from(&url::Url::parse("https://a/b").expect("a URL"));
        let status = |code| TransferError::Status {
            url: url.clone(),
            status: StatusCode::from_u16(code).expect("a status"),
            retry_after: None,
        };
        for code in [408, 425, 429, 500, 502, 503, 504] {
            assert!(status(code).is_retryable(), "{code}");
        }
        for code in [204, 300, 400, 405, 418] {
            assert!(!status(code).is_retryable(), "{code}");
        }
        assert!(!TransferError::NotFound { url: url.clone() }.is_retryable());
        assert!([429, 500, 502, 503, 504].into_iter().all(|code| status(code).is_outage()));
        assert!(![204, 400, 404, 408, 425].into_iter().any(|code| status(code).is_outage()));
        let lost = |how| TransferError::Interrupted { url: url.clone(), received_bytes: 0, how };
        assert!(lost(Interruption::Stalled { after: Duration::from_secs(1) }).is_outage());
        assert!(!lost(Interruption::EndedEarly).is_outage());
        let ignored = Violation::RangeIgnored { skip_bytes: 2, limit_bytes: 1 };
        assert!(!TransferError::Unusable { url, violation: ignored }.is_retryable());
    }
}
