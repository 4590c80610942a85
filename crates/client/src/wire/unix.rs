//! A connection over a local stream socket.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::path::Path;
use std::time::Duration;

use headstart_sys::socket::{SocketError, Stream, connect};

/// A connection.
#[derive(Debug)]
pub(crate) struct Wire(Stream);

/// Ends a connection from another thread: whoever reads from it reads its end.
#[derive(Debug)]
pub(crate) struct HangUp(Stream);

impl Wire {
    pub(crate) fn connect(path: &Path) -> Result<Self, SocketError> {
        connect(path).map(Self)
    }

    pub(crate) fn hang_up_handle(&self) -> io::Result<HangUp> {
        self.0.try_clone().map(HangUp)
    }

    /// How long a read waits; none is for ever.
    pub(crate) fn set_patience(&self, patience: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(patience)
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Whether the connection is open and nothing has arrived. An idle connection on which
    /// something arrived is no use: the service has ended, or says what nobody asked for.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let nothing_to_read = |stream: &mut Stream| {
            stream.set_nonblocking(true)?;
            let result = stream.read(&mut [0]);
            stream.set_nonblocking(false)?;
            result
        };
        nothing_to_read(&mut self.0).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

impl HangUp {
    pub(crate) fn hang_up(&self) {
        // A connection that is closed already has nobody left to be woken.
        let _closed = self.0.shutdown(Shutdown::Both);
    }
}
