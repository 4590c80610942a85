//! How the errors of transfers are told to people and programs.

use std::io;

use headstart_model::{ErrorKind, Failure};

use super::{Interruption, RequestError, TransferError, Violation};
use crate::SinkError;

impl TransferError {
    /// What a caller can do about it.
    #[must_use]
    pub fn error_kind(&self) -> ErrorKind {
        match self {
            Self::Request(
                RequestError::NotAllowed { .. } | RequestError::HostNotAllowed { .. },
            )
            | Self::Denied { .. }
            | Self::TooLarge { .. }
            | Self::Unusable { violation: Violation::RedirectRefused { .. }, .. } => {
                ErrorKind::Refused
            }
            Self::Request(_) => ErrorKind::InvalidInput,
            Self::Unreachable { .. }
            | Self::Interrupted { .. }
            | Self::Status { .. }
            | Self::Shorter { .. }
            | Self::Unusable { .. } => ErrorKind::Network,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Certificate { .. } | Self::Corrupt { .. } | Self::OtherHash { .. } => {
                ErrorKind::Untrusted
            }
            Self::Tls { .. } => ErrorKind::Internal,
            Self::Busy { .. } => ErrorKind::Conflict,
            Self::Cancelled { .. } | Self::Sink(SinkError::Closed) => ErrorKind::Cancelled,
            Self::Sink(SinkError::Failed(failure)) => failure.kind,
            Self::Sink(SinkError::Io(source))
            | Self::Unreadable { source, .. }
            | Self::File { source, .. } => kind_of_io(source),
        }
    }

    /// Its stable code, described in `docs/errors.md`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Request(RequestError::NotAllowed { .. }) => "insecureUrl",
            Self::Request(RequestError::HostNotAllowed { .. }) => "hostNotAllowed",
            Self::Request(_) => "badTransferRequest",
            Self::Unreachable { .. } => "serverUnreachable",
            Self::Certificate { .. } => "certificateNotTrusted",
            Self::Interrupted { how: Interruption::Stalled { .. }, .. } => "transferStalled",
            Self::Interrupted { .. } => "transferInterrupted",
            Self::NotFound { .. } => "notOnServer",
            Self::Denied { .. } => "serverDenied",
            Self::Status { .. } => "serverError",
            Self::Shorter { .. } => "fileTooShort",
            Self::Unusable { violation: Violation::RangeIgnored { .. }, .. } => {
                "rangesNotSupported"
            }
            Self::Unusable { violation: Violation::RedirectRefused { .. }, .. } => {
                "redirectRefused"
            }
            Self::Unusable { .. } => "badServerAnswer",
            Self::TooLarge { .. } => "downloadTooLarge",
            Self::Corrupt { .. } | Self::OtherHash { .. } => "corruptDownload",
            Self::Unreadable { .. } => "copyUnreadable",
            Self::Tls { .. } => "tlsFailed",
            Self::Cancelled { .. } => "authenticationCancelled",
            Self::Busy { .. } => "downloadBusy",
            Self::Sink(_) | Self::File { .. } => "cannotStoreDownload",
        }
    }

    /// What to do; empty when there is nothing to advise.
    const fn hint(&self) -> &'static str {
        match self {
            Self::Request(RequestError::NotAllowed { .. }) => {
                "use an https address, or allow plain http for this server"
            }
            Self::Request(RequestError::HostNotAllowed { .. }) => {
                "check the address, and the list of hosts that this download may reach"
            }
            Self::Unreachable { .. } => {
                "check the network connection, the address and the proxy settings"
            }
            Self::Certificate { .. } => {
                "check the device's clock; add the authority of a private server to the trusted ones"
            }
            Self::Interrupted { .. } | Self::Status { .. } => {
                "try again later: what has arrived is kept"
            }
            Self::NotFound { .. } => {
                "check the address; a file that was withdrawn is replaced by the newest release"
            }
            Self::Denied { .. } => "check the token or header for this server",
            Self::Unusable { violation: Violation::RangeIgnored { .. }, .. } => {
                "serve the files from a server that supports byte ranges"
            }
            Self::TooLarge { .. }
            | Self::Unusable {
                violation: Violation::RedirectRefused { .. } | Violation::TooManyRedirects { .. },
                ..
            } => "check the address, and tell whoever runs the server",
            Self::Shorter { .. }
            | Self::Unusable { .. }
            | Self::Corrupt { .. }
            | Self::OtherHash { .. } => {
                "try again later or another network; if it stays, the files on the server are damaged"
            }
            Self::Unreadable { .. } => "check that the disk is there and the file may be read",
            Self::Sink(SinkError::Io(_)) | Self::File { .. } => {
                "check the free space and the permissions there"
            }
            Self::Request(_) => "check the address",
            Self::Busy { .. } => "wait until it ends, or download to another place",
            Self::Tls { .. } => "check that the system has trusted authorities",
            Self::Sink(SinkError::Closed) | Self::Cancelled { .. } => "ask again",
            Self::Sink(SinkError::Failed(_)) => "",
        }
    }

    /// The failure as it is told to people and programs.
    #[must_use]
    pub fn to_failure(&self) -> Failure {
        if let Self::Sink(SinkError::Failed(failure)) = self {
            return failure.clone();
        }
        Failure::from_error(self.error_kind(), self.code(), self).with_hint(self.hint())
    }
}

fn kind_of_io(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::NoSpace,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Refused,
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::AlreadyExists
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::NotADirectory => ErrorKind::Conflict,
        _ => ErrorKind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_as_such() {
        let source = io::Error::from(io::ErrorKind::StorageFull);
        let failure = TransferError::File { path: "/a".into(), source }.to_failure();
        assert_eq!(failure.kind, ErrorKind::NoSpace);
        assert_eq!(failure.code.as_str(), "cannotStoreDownload");
        assert!(!failure.hint.is_empty() && failure.causes.len() == 1, "{failure:?}");
    }

    #[test]
    fn the_failure_of_a_sink_passes_unchanged() {
        let inner = Failure::new(ErrorKind::Conflict, "locked", "somebody else writes there");
        let told = TransferError::Sink(SinkError::Failed(inner.clone())).to_failure();
        assert_eq!(told, inner);
    }
}
