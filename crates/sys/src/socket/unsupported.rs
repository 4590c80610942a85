//! Systems without a local socket of ours: every call says so. Written, not run.

use std::convert::Infallible;
use std::path::Path;

use super::{PeerIdentity, SocketError};

/// A listener; there is none on this system.
#[derive(Debug)]
pub struct Listener(Infallible);

/// A connection; there is none on this system.
#[derive(Debug)]
pub struct Stream(Infallible);

/// The right to a socket's path; there is none on this system.
#[derive(Debug)]
pub struct Claim(Infallible);

impl Listener {
    /// Never listens.
    ///
    /// # Errors
    /// Always [`SocketError::Unsupported`].
    pub fn bind(_: &Path) -> Result<Self, SocketError> {
        Err(SocketError::Unsupported)
    }

    /// No service manager passes sockets on here.
    ///
    /// # Errors
    /// None.
    pub fn activated() -> Result<Option<Self>, SocketError> {
        Ok(None)
    }

    /// Never called: there is no listener.
    ///
    /// # Errors
    /// None.
    pub fn accept(&self) -> Result<Stream, SocketError> {
        match self.0 {}
    }
}

/// Never connects.
///
/// # Errors
/// Always [`SocketError::Unsupported`].
pub fn connect(_: &Path) -> Result<Stream, SocketError> {
    Err(SocketError::Unsupported)
}

/// Never called: there is no connection.
///
/// # Errors
/// None.
pub fn identify_peer(stream: &Stream) -> Result<PeerIdentity, SocketError> {
    match stream.0 {}
}
