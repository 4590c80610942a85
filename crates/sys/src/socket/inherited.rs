//! Sockets that whoever started this process left open for it.

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};

use rustix::net::{SocketType, sockopt};

use super::Stream;

/// The stream socket that this process was started with under this number. Each call gives a
/// descriptor of its own for it; the one of that number stays open, and does not reach programs
/// that this process starts.
///
/// # Errors
/// What the system says when nothing is open under the number, `InvalidInput` when it is no stream
/// socket.
pub fn inherited(number: RawFd) -> io::Result<Stream> {
    let copy = copy_of(number)?;
    if sockopt::socket_type(&copy)? != SocketType::STREAM {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no stream socket"));
    }
    close_on_exec(number)?;
    Ok(Stream::from(copy))
}

/// A descriptor of our own for whatever has this number.
#[expect(unsafe_code, reason = "a number that was told is no descriptor of a type")]
fn copy_of(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: touches no memory. A number that is not open gives an error.
    let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 0) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel made the descriptor for this call, and nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

#[expect(unsafe_code, reason = "a number that was told is no descriptor of a type")]
fn close_on_exec(number: RawFd) -> io::Result<()> {
    // SAFETY: touches no memory, and changes nothing but whether programs started later get it.
    let result = unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
