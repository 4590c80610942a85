//! Systems without a local socket of ours: there is never a connection. Written, not run.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::time::Duration;

use headstart_sys::socket::{SocketError, connect};

/// A connection; there is none on this system.
#[derive(Debug)]
pub(crate) struct Wire(Infallible);

/// The end of a connection; there is none on this system.
#[derive(Debug)]
pub(crate) struct HangUp(Infallible);

/// Where an extension gets its connections; there are no extensions on this system.
#[derive(Debug)]
pub(crate) struct Port(Infallible);

impl Port {
    pub(crate) fn inherited(_: i32) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn ask(&self) -> io::Result<Wire> {
        match self.0 {}
    }
}

impl Wire {
    pub(crate) fn connect(path: &Path) -> Result<Self, SocketError> {
        connect(path).and(Err(SocketError::Unsupported))
    }

    pub(crate) fn hang_up_handle(&self) -> io::Result<HangUp> {
        match self.0 {}
    }

    pub(crate) fn set_patience(&self, _: Option<Duration>) -> io::Result<()> {
        match self.0 {}
    }

    pub(crate) fn write_all(&mut self, _: &[u8]) -> io::Result<()> {
        match self.0 {}
    }

    pub(crate) fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match self.0 {}
    }

    pub(crate) fn is_quiet(&mut self) -> bool {
        match self.0 {}
    }
}

impl HangUp {
    pub(crate) fn hang_up(&self) {
        match self.0 {}
    }
}
