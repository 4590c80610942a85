//! The local socket between service and clients.
//!
//! A stream socket in the file system, which only its owner can connect to, with the identity of
//! the peer from the kernel (never from the message) and descriptors that travel along.
//! Blocking types of `std`: a client without a runtime uses them as they are, the service hands
//! them to its runtime. Sending and receiving work on anything with a descriptor and report
//! `WouldBlock`, so they fit into a readiness loop.
//!
//! Spec: cli "Common rules" for where the socket is ([`crate::dirs`]); Ours: the rest.
//!
//! Windows has no service yet: there every call ends in [`SocketError::Unsupported`].

#[cfg(unix)]
mod descriptor;
mod error;
#[cfg(unix)]
mod inherited;
#[cfg(unix)]
mod listen;
mod peer;
#[cfg(not(unix))]
mod unsupported;

pub use error::SocketError;
pub use peer::PeerIdentity;

#[cfg(unix)]
pub use descriptor::{Received, receive, send_with_descriptor};
#[cfg(unix)]
pub use inherited::inherited;
#[cfg(unix)]
pub use listen::{Claim, Listener, Stream, connect};
#[cfg(unix)]
pub use peer::identify_peer;
#[cfg(not(unix))]
pub use unsupported::{Claim, Listener, Stream, connect, identify_peer};

/// How many bytes the path of a socket may have: what the system's address structure holds, less
/// its terminating zero.
pub const PATH_LIMIT_BYTES: usize =
    if cfg!(any(target_os = "linux", target_os = "android")) { 107 } else { 103 };
