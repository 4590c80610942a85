//! What can go wrong with the local socket.

use std::io;
use std::path::PathBuf;

use crate::error::FileError;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocketError {
    /// The system cannot hold so long a path of a socket.
    #[error(
        "the socket path {} has {} bytes, more than the {limit_bytes} the system allows; set HEADSTART_SOCKET to a shorter one",
        .path.display(), .path.as_os_str().len()
    )]
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// How many bytes it may have.
        limit_bytes: usize,
    },
    /// Another process listens there, or is about to.
    #[error("another service listens on {}", .path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// Something that is no socket is in the way; it is not removed.
    #[error("{} exists and is not a socket; move it away or set HEADSTART_SOCKET", .path.display())]
    NotASocket {
        /// What is in the way.
        path: PathBuf,
    },
    /// No socket is there, or nobody listens on it: the service does not run.
    #[error("no service listens on {}", .path.display())]
    NobodyListens {
        /// The socket.
        path: PathBuf,
        /// What connecting said.
        source: io::Error,
    },
    /// The socket could not be made or connected to.
    #[error("cannot {action} the socket {}", .path.display())]
    Socket {
        /// What was tried: `bind`, `connect to`, `remove`.
        action: &'static str,
        /// The socket.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// What the service manager passed on is not a listening local socket.
    #[error("the service manager passed on something that is not a local stream socket")]
    Activation(#[source] io::Error),
    /// The next connection could not be taken.
    #[error("cannot accept a connection")]
    Accept(#[source] io::Error),
    /// The kernel does not tell who is at the other end.
    #[error("cannot find out who is at the other end of the socket")]
    Peer(#[source] io::Error),
    /// The lock beside the socket.
    #[error(transparent)]
    Lock(#[from] FileError),
    /// This system has no local socket yet.
    #[error("the service is not available on this system")]
    Unsupported,
}
