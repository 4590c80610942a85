//! Linux: socket options and `/proc`.

use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use super::PeerIdentity;

/// What the kernel appends to the name of a program file that is no longer there.
const DELETED: &[u8] = b" (deleted)";

pub(super) fn identify(socket: BorrowedFd<'_>) -> io::Result<PeerIdentity> {
    let credentials: libc::ucred = socket_option(socket, libc::SO_PEERCRED)?;
    // 0: the peer's process has no number in our container.
    let pid = u32::try_from(credentials.pid).ok().filter(|pid| *pid != 0);
    let handle = process_handle(socket);
    let executable = pid.and_then(executable_of);
    // Attack: the process that connected ends, and its number goes to the program to be feigned.
    // If the process behind the handle still runs, the number was its own all the while.
    let executable = executable.filter(|_| handle.is_none_or(|handle| still_runs(&handle)));
    Ok(PeerIdentity { uid: credentials.uid, pid, executable })
}

/// A handle on the very process that connected; `None` before Linux 6.5, where the number of the
/// process has to do.
fn process_handle(socket: BorrowedFd<'_>) -> Option<OwnedFd> {
    let descriptor: RawFd = socket_option(socket, libc::SO_PEERPIDFD).ok()?;
    Some(own(descriptor))
}

#[expect(unsafe_code, reason = "the kernel answers with a number")]
fn own(descriptor: RawFd) -> OwnedFd {
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

/// The handle of a process becomes readable when the process ends.
#[expect(unsafe_code, reason = "poll takes a pointer")]
fn still_runs(handle: &OwnedFd) -> bool {
    let mut poll = libc::pollfd { fd: handle.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid entry, alive for the length of the call, which does not wait.
    unsafe { libc::poll(&raw mut poll, 1, 0) == 0 }
}

fn executable_of(pid: u32) -> Option<PathBuf> {
    let link = PathBuf::from(format!("/proc/{pid}/exe"));
    let path = fs::read_link(&link).ok()?;
    // Only if the file is really gone are the last words the kernel's. Attack: a program that is
    // called "game (deleted)" must not pass for "game".
    if fs::metadata(&link).is_ok_and(|file| file.nlink() > 0) {
        return Some(path);
    }
    match path.as_os_str().as_bytes().strip_suffix(DELETED) {
        Some(name) => Some(PathBuf::from(std::ffi::OsString::from_vec(name.to_vec()))),
        None => Some(path),
    }
}

/// rustix asks for the same, but takes the number of the process to be never 0, which it is for a
/// peer of another container.
#[expect(unsafe_code, reason = "getsockopt writes through a pointer")]
fn socket_option<T: Plain>(socket: BorrowedFd<'_>, option: libc::c_int) -> io::Result<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    let size = size_of::<T>();
    let mut length = libc::socklen_t::try_from(size).map_err(io::Error::other)?;
    // SAFETY: the kernel writes at most `length` bytes, which is the size of `value`.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            value.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: all bytes were zeroed or written by the kernel, and any bytes are a valid `Plain`.
    Ok(unsafe { value.assume_init() })
}

/// Types of integers alone, for which any bytes are a value.
trait Plain: Copy {}
impl Plain for libc::ucred {}
impl Plain for libc::c_int {}
