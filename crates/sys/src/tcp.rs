//! A second hand on a TCP connection of this process: how long its round trips take, and how much its peer may send ahead.
//!
//! HTTP clients keep their sockets to themselves. A connection is found again by its two addresses among the descriptors of
//! the process, so that background transfers can hold themselves back where it counts: at the window that the sender sees.
//!
//! Linux only. Elsewhere no connection is found, and callers do without.

use std::net::SocketAddr;
use std::time::Duration;

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use unsupported as system;

/// What the system knows of a connection's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundTrip {
    /// From an acknowledgement to the bytes that it let through, smoothed, waiting in queues included. None while nothing
    /// has arrived, and for ever if the two ends do not stamp their packets: what is measured then does not show queues.
    pub now: Option<Duration>,
    /// The shortest that was seen, the opening of the connection included.
    pub shortest: Option<Duration>,
    /// Payload of the packets that arrive, in bytes; at least 1.
    pub segment_bytes: u32,
}

/// One TCP connection of this process, through a descriptor of its own.
///
/// Keeps the connection open while it exists: drop it together with what reads from the connection.
#[derive(Debug)]
pub struct TcpTap(system::Socket);

impl TcpTap {
    /// The connection between these two addresses; none if this process has no such connection or the system has no way to
    /// find it. Asks about every descriptor of the process: once for a connection, not for every read.
    #[must_use]
    pub fn find(local: SocketAddr, remote: SocketAddr) -> Option<Self> {
        system::Socket::find(local, remote).map(Self)
    }

    /// How long round trips take at this moment; none when the connection is gone.
    #[must_use]
    pub fn round_trip(&self) -> Option<RoundTrip> {
        self.0.round_trip()
    }

    /// Lets the peer send at most about `bytes` ahead of what was read; [`u32::MAX`] lifts the limit. What the peer was
    /// allowed before stays allowed, so a smaller limit takes a round trip to be felt. The system has a floor of its own, of
    /// about one packet.
    ///
    /// Says whether the limit was taken. `Ours:` the system raises it by itself while it tunes its buffers, so a limit that is
    /// to stay is set again from time to time.
    #[must_use]
    pub fn limit_window(&self, bytes: u32) -> bool {
        self.0.limit_window(bytes)
    }
}

#[cfg(target_os = "linux")]
#[allow(
    unsafe_code,
    reason = "the options of a TCP socket have no safe wrapper that knows them all"
)]
mod linux {
    use std::fs;
    use std::mem;
    use std::net::SocketAddr;
    use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
    use std::time::Duration;

    use rustix::net::{getpeername, getsockname};

    use super::RoundTrip;

    /// Where the kernel's `tcp_info` has what is read here. The layout only ever grows at its end.
    const OPTIONS_AT: usize = 5;
    const SEGMENT_AT: usize = 20;
    const RECEIVER_ROUND_TRIP_AT: usize = 92;
    const SHORTEST_AT: usize = 148;
    const INFO_BYTES: usize = 152;
    /// Set in the options when packets carry time stamps.
    const STAMPED: u8 = 1;

    #[derive(Debug)]
    pub(super) struct Socket(OwnedFd);

    impl Socket {
        pub(super) fn find(local: SocketAddr, remote: SocketAddr) -> Option<Self> {
            for entry in fs::read_dir("/proc/self/fd").ok()?.flatten() {
                let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok())
                else {
                    continue;
                };
                let is_socket = fs::read_link(entry.path()).is_ok_and(|target| {
                    target.as_os_str().as_encoded_bytes().starts_with(b"socket:")
                });
                // The addresses are compared on the copy: the number may have got another meaning meanwhile.
                if is_socket
                    && let Some(copy) = copy_of(number)
                    && getpeername(&copy).ok().flatten().and_then(|peer| peer.try_into().ok())
                        == Some(remote)
                    && getsockname(&copy).ok().and_then(|own| own.try_into().ok()) == Some(local)
                {
                    return Some(Self(copy));
                }
            }
            None
        }

        pub(super) fn round_trip(&self) -> Option<RoundTrip> {
            let info = self.info()?;
            let number = |at: usize| {
                let bytes = info.get(at..at + 4)?;
                Some(u32::from_ne_bytes(bytes.try_into().ok()?))
            };
            let time = |at| number(at).filter(|micros| *micros > 0 && *micros != u32::MAX);
            let stamped = info.get(OPTIONS_AT).is_some_and(|options| options & STAMPED != 0);
            let micros = |value: u32| Duration::from_micros(value.into());
            Some(RoundTrip {
                now: time(RECEIVER_ROUND_TRIP_AT).filter(|_| stamped).map(micros),
                shortest: time(SHORTEST_AT).map(micros),
                segment_bytes: number(SEGMENT_AT)?.max(1),
            })
        }

        fn info(&self) -> Option<Vec<u8>> {
            let mut info = vec![0_u8; INFO_BYTES];
            let mut length = libc::socklen_t::try_from(info.len()).ok()?;
            // SAFETY: the descriptor is open and owned; the kernel writes at most `length` bytes, which the buffer has.
            let status = unsafe {
                libc::getsockopt(
                    self.0.as_raw_fd(),
                    libc::IPPROTO_TCP,
                    libc::TCP_INFO,
                    info.as_mut_ptr().cast(),
                    &raw mut length,
                )
            };
            info.truncate(usize::try_from(length).ok()?);
            (status == 0).then_some(info)
        }

        pub(super) fn limit_window(&self, bytes: u32) -> bool {
            let value = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
            let length = libc::socklen_t::try_from(mem::size_of_val(&value)).unwrap_or(0);
            // SAFETY: the descriptor is open and owned; the kernel reads `length` bytes, which is what `value` has.
            let status = unsafe {
                libc::setsockopt(
                    self.0.as_raw_fd(),
                    libc::IPPROTO_TCP,
                    libc::TCP_WINDOW_CLAMP,
                    (&raw const value).cast(),
                    length,
                )
            };
            status == 0
        }
    }

    /// A descriptor of our own for whatever has this number.
    fn copy_of(number: RawFd) -> Option<OwnedFd> {
        // SAFETY: touches no memory. A number that is not open gives an error.
        let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 0) };
        // SAFETY: the kernel made the descriptor for this call, and nobody else knows its number.
        (copy >= 0).then(|| unsafe { OwnedFd::from_raw_fd(copy) })
    }
}

#[cfg(not(target_os = "linux"))]
mod unsupported {
    use std::convert::Infallible;
    use std::net::SocketAddr;

    use super::RoundTrip;

    #[derive(Debug)]
    pub(super) struct Socket(Infallible);

    impl Socket {
        pub(super) const fn find(_: SocketAddr, _: SocketAddr) -> Option<Self> {
            None
        }

        pub(super) const fn round_trip(&self) -> Option<RoundTrip> {
            match self.0 {}
        }

        pub(super) const fn limit_window(&self, _: u32) -> bool {
            match self.0 {}
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (near, listener.accept().unwrap().0)
    }

    fn tap(stream: &TcpStream) -> Option<TcpTap> {
        TcpTap::find(stream.local_addr().unwrap(), stream.peer_addr().unwrap())
    }

    #[test]
    fn a_connection_is_found_by_its_addresses_and_measured() {
        let (mut near, mut far) = connection();
        let tap = tap(&near).expect("found");
        let idle = tap.round_trip().expect("open");
        assert_eq!(idle.now, None, "nothing has arrived");
        assert!(idle.shortest.is_some_and(|shortest| shortest > Duration::ZERO));
        for _ in 0..100 {
            far.write_all(&[1; 10_000]).unwrap();
            near.read_exact(&mut [0; 10_000]).unwrap();
        }
        let busy = tap.round_trip().expect("open");
        assert!(busy.now.is_some() && busy.segment_bytes > 500, "{busy:?}");
    }

    /// The most that lay unread at this end while it read a piece at a time.
    fn most_unread(limit: Option<u32>) -> usize {
        let (mut near, far) = connection();
        far.set_nonblocking(true).unwrap();
        let tap = tap(&near).expect("found");
        let (mut most, mut peeked) = (0, vec![0; 8 << 20]);
        let (piece, mut taken) = (vec![0; 64 * 1024], vec![0; 32 * 1024]);
        for round in 0..30 {
            if let Some(limit) = limit {
                assert!(tap.limit_window(limit));
            }
            while (&mut &far).write(&piece).is_ok() {}
            // What was allowed before the limit has been read by then.
            if round >= 10 {
                most = most.max(near.peek(&mut peeked).unwrap());
            }
            near.read_exact(&mut taken).unwrap();
        }
        most
    }

    #[test]
    fn a_peer_sends_no_more_ahead_than_the_window_lets_it() {
        let (limited, free) = (most_unread(Some(16 * 1024)), most_unread(None));
        assert!(
            limited <= 64 * 1024 && limited < free / 2,
            "{limited} bytes with a limit, {free} without"
        );
    }

    #[test]
    fn an_unknown_connection_is_not_found() {
        let (near, _far) = connection();
        assert!(TcpTap::find(near.peer_addr().unwrap(), near.peer_addr().unwrap()).is_none());
    }
}
