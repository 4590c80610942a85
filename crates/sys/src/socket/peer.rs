//! Who is at the other end.

use std::path::PathBuf;

#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "peer/linux.rs"]
mod platform;
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
#[path = "peer/bsd.rs"]
mod platform;

/// The peer of a connection, as the kernel recorded it when the connection was made.
///
/// Spec: cli "An app bundle": an app is told by its executable. Programs of one user can reach each
/// other's memory anyway: this tells honest programs apart, and the sandbox keeps others in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerIdentity {
    /// The user.
    pub uid: u32,
    /// The process; `None` where the system does not tell, or the process is of another container.
    pub pid: Option<u32>,
    /// The program that the process runs. `None` where the system does not tell, if we may not
    /// know (the process is another user's), or if the process has ended.
    ///
    /// If the file was replaced since the program started (an update while it runs), this is the
    /// path it had.
    pub executable: Option<PathBuf>,
}

/// Asks the kernel who is at the other end of a connected socket.
///
/// # Errors
/// [`SocketError::Peer`](super::SocketError::Peer) if it is no connected local socket.
#[cfg(unix)]
pub fn identify_peer(socket: impl std::os::fd::AsFd) -> Result<PeerIdentity, super::SocketError> {
    platform::identify(socket.as_fd()).map_err(super::SocketError::Peer)
}
