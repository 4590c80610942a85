//! macOS and the BSDs: the user alone. Written, not run.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use super::PeerIdentity;

#[expect(unsafe_code, reason = "getpeereid writes through pointers")]
pub(super) fn identify(socket: BorrowedFd<'_>) -> io::Result<PeerIdentity> {
    let (mut uid, mut gid) = (0, 0);
    // SAFETY: both point to values of the types that the call writes, alive for its length.
    let result = unsafe { libc::getpeereid(socket.as_raw_fd(), &raw mut uid, &raw mut gid) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(PeerIdentity { uid, pid: None, executable: None })
}
