//! Descriptors that travel with the bytes.
//!
//! The service opens a file for a client, say a lease on a snapshot, and passes the open
//! descriptor: what the client may read is then decided by the service and not by the client's
//! rights.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// What one [`receive`] brought.
#[derive(Debug)]
#[must_use]
pub struct Received {
    /// How many bytes are in the buffer; 0 if the peer has closed its end.
    pub length: usize,
    /// The descriptor that came with them, closed on exec.
    pub descriptor: Option<OwnedFd>,
}

/// Sends bytes and, with the first of them, a descriptor. Returns how many bytes went out, at
/// least one; the rest is sent like any bytes, without the descriptor.
///
/// # Errors
/// `InvalidInput` if there are no bytes (a descriptor cannot travel alone), `WouldBlock` if the
/// socket is non-blocking and full (then nothing went), `BrokenPipe` if the peer is gone.
pub fn send_with_descriptor(
    socket: impl AsFd,
    bytes: &[u8],
    descriptor: BorrowedFd<'_>,
) -> io::Result<usize> {
    if bytes.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a descriptor travels with at least one byte",
        ));
    }
    let descriptors = [descriptor];
    let sent = retry_on_intr(|| {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
            return Err(rustix::io::Errno::NOBUFS);
        }
        sendmsg(&socket, &[IoSlice::new(bytes)], &mut control, send_flags())
    })?;
    Ok(sent)
}

/// Receives bytes into `buffer` (not empty), and the descriptor that came with them, if any.
///
/// # Errors
/// `InvalidData` if the peer sent more than one descriptor with these bytes (all are closed:
/// nobody of ours does that), `WouldBlock` if the socket is non-blocking and nothing is there.
pub fn receive(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<Received> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message = retry_on_intr(|| {
        recvmsg(&socket, &mut [IoSliceMut::new(buffer)], &mut control, receive_flags())
    })?;
    let mut descriptors = Vec::new();
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = part {
            descriptors.extend(received);
        }
    }
    // Attack: descriptors that nobody asked for would fill our table; the kernel closed those that
    // did not fit, and dropping ours closes the rest.
    if message.flags.contains(ReturnFlags::CTRUNC) || descriptors.len() > 1 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the peer sent more than one descriptor",
        ));
    }
    let descriptor = descriptors.pop();
    close_on_exec(descriptor.as_ref())?;
    Ok(Received { length: message.bytes, descriptor })
}

/// A peer that is gone is an error and not a signal that ends the process.
#[cfg(not(target_vendor = "apple"))]
fn send_flags() -> SendFlags {
    SendFlags::NOSIGNAL
}

/// Apple's systems have no such flag; `std` sets the like on its streams.
#[cfg(target_vendor = "apple")]
fn send_flags() -> SendFlags {
    SendFlags::empty()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn receive_flags() -> RecvFlags {
    RecvFlags::CMSG_CLOEXEC
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn receive_flags() -> RecvFlags {
    RecvFlags::empty()
}

/// The kernel did it on receiving.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[expect(clippy::unnecessary_wraps, reason = "other systems can fail")]
fn close_on_exec(_: Option<&OwnedFd>) -> io::Result<()> {
    Ok(())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn close_on_exec(descriptor: Option<&OwnedFd>) -> io::Result<()> {
    if let Some(descriptor) = descriptor {
        rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC)?;
    }
    Ok(())
}
