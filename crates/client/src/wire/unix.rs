//! A connection over a local stream socket.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use headstart_sys::socket::{Received, SocketError, Stream, connect, inherited, receive};

/// A connection.
#[derive(Debug)]
pub(crate) struct Wire(Stream);

/// Ends a connection from another thread: whoever reads from it reads its end.
#[derive(Debug)]
pub(crate) struct HangUp(Stream);

/// Where a downloader extension gets its connections: each is asked for, and handed over as a
/// descriptor.
#[derive(Debug)]
pub(crate) struct Port(Mutex<Stream>);

impl Port {
    /// The port that this process was started with, under this number.
    pub(crate) fn inherited(number: i32) -> io::Result<Self> {
        inherited(number).map(Self::over)
    }

    pub(crate) fn over(socket: impl Into<OwnedFd>) -> Self {
        Self(Mutex::new(Stream::from(socket.into())))
    }

    /// Asks for a connection. One at a time: an answer says nothing of which question it is for.
    pub(crate) fn ask(&self) -> io::Result<Wire> {
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stream.write_all(&[0])?;
        let Received { length, descriptor } = receive(&*stream, &mut [0])?;
        match descriptor {
            Some(descriptor) => Ok(Wire(Stream::from(descriptor))),
            None if length == 0 => Err(io::ErrorKind::UnexpectedEof.into()),
            None => Err(io::Error::other("the service gives no further connection")),
        }
    }
}

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
