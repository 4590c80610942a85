//! Listening and connecting.

use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};

use super::{PATH_LIMIT_BYTES, SocketError};
use crate::identity::FileStamp;
use crate::lock::{FileLock, Sharing};

/// One connection.
pub type Stream = std::os::unix::net::UnixStream;

/// Only the owner connects.
const SOCKET_MODE: u32 = 0o600;

/// Connections that wait to be accepted; more are told to try again.
const BACKLOG: i32 = 128;

/// A socket that listens.
#[derive(Debug)]
pub struct Listener {
    listener: UnixListener,
    claim: Claim,
}

/// The right to a socket's path, held for as long as the socket listens.
///
/// Dropping it removes the socket from the file system (unless it is the service manager's, or
/// somebody put another in its place), so that the next client sees at once that nobody listens.
/// If the process is killed instead, the stale socket is replaced by the next one that binds.
#[derive(Debug)]
pub struct Claim {
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    path: PathBuf,
    stamp: FileStamp,
    /// Dropped after the socket has been removed.
    _lock: FileLock,
}

impl Listener {
    /// Listens on `path`, whose folder exists, with a socket that only its owner can connect to.
    ///
    /// A stale socket is replaced; a live one is not. Which of the two it is, is decided under a
    /// lock on the file `path` + `.lock`, so that of two processes that start together one wins
    /// and the other is told. The lock file stays: removing it would let two hold "the" lock.
    ///
    /// # Errors
    /// [`SocketError::InUse`] if somebody listens, [`SocketError::NotASocket`] if another thing is
    /// in the way, [`SocketError::PathTooLong`], or what the system says.
    pub fn bind(path: &Path) -> Result<Self, SocketError> {
        check_length(path)?;
        let in_use = || SocketError::InUse { path: path.to_owned() };
        let lock = FileLock::try_acquire(&lock_path(path), Sharing::Exclusive)?;
        let lock = lock.ok_or_else(in_use)?;
        // Not only the lock counts: a service manager listens without taking it.
        match state_of(path)? {
            State::Live => return Err(in_use()),
            State::Stale => fs::remove_file(path).map_err(failed("remove", path))?,
            State::Missing => {}
        }
        let listener = listen(path).map_err(failed("bind", path))?;
        let stamp = FileStamp::of_path(path)?;
        let own = Own { path: path.to_owned(), stamp, _lock: lock };
        Ok(Self { listener, claim: Claim { own: Some(own) } })
    }

    /// The socket on which a service manager (systemd) listened for us, if one did.
    ///
    /// Takes the variables `LISTEN_FDS` and `LISTEN_PID` out of the environment, so it is called
    /// once, by `main`, before there are threads.
    ///
    /// # Errors
    /// [`SocketError::Activation`] if what was passed on is not a local stream socket.
    pub fn activated() -> Result<Option<Self>, SocketError> {
        let listener = listenfd::ListenFd::from_env()
            .take_unix_listener(0)
            .map_err(SocketError::Activation)?;
        Ok(listener.map(|listener| Self { listener, claim: Claim { own: None } }))
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// [`SocketError::Accept`]; the listener goes on, but a caller that loops pauses first: it may
    /// be that the process has no descriptors left.
    pub fn accept(&self) -> Result<Stream, SocketError> {
        self.listener.accept().map(|(stream, _)| stream).map_err(SocketError::Accept)
    }

    /// The listener for a runtime (blocking, as it is), and the claim, which is kept until the
    /// listener is closed.
    #[must_use]
    pub fn into_parts(self) -> (UnixListener, Claim) {
        (self.listener, self.claim)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Claim {
    /// Whether clients still find the socket at its path: nobody removed it or put another there.
    /// A service manager's socket is the manager's care, and counts as found.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        self.own.as_ref().is_none_or(Own::is_in_place)
    }
}

impl Own {
    fn is_in_place(&self) -> bool {
        FileStamp::of_path(&self.path).is_ok_and(|now| now.is_same_file(&self.stamp))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let Some(own) = &self.own else { return };
        if own.is_in_place() {
            // A socket that stays behind is stale, and replaced as such.
            let _ = fs::remove_file(&own.path);
        }
    }
}

/// Connects to the service that listens on `path`.
///
/// Whoever must be sure who answers asks [`super::identify_peer`].
///
/// # Errors
/// [`SocketError::NobodyListens`] if there is no service (start one); else what the system says.
pub fn connect(path: &Path) -> Result<Stream, SocketError> {
    check_length(path)?;
    Stream::connect(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            SocketError::NobodyListens { path: path.to_owned(), source }
        }
        _ => failed("connect to", path)(source),
    })
}

/// For `map_err`.
fn failed<E: Into<io::Error>>(action: &'static str, path: &Path) -> impl FnOnce(E) -> SocketError {
    move |source| SocketError::Socket { action, path: path.to_owned(), source: source.into() }
}

fn check_length(path: &Path) -> Result<(), SocketError> {
    if path.as_os_str().len() <= PATH_LIMIT_BYTES {
        return Ok(());
    }
    Err(SocketError::PathTooLong { path: path.to_owned(), limit_bytes: PATH_LIMIT_BYTES })
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

enum State {
    Missing,
    Stale,
    Live,
}

fn state_of(path: &Path) -> Result<State, SocketError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::Missing),
        Err(error) => return Err(failed("look at", path)(error)),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(SocketError::NotASocket { path: path.to_owned() });
        }
        Ok(_) => {}
    }
    let socket = new_socket().map_err(failed("look at", path))?;
    // A service with a full backlog would make a blocking attempt wait.
    rustix::io::ioctl_fionbio(&socket, true).map_err(failed("look at", path))?;
    match SocketAddrUnix::new(path).and_then(|address| rustix::net::connect(&socket, &address)) {
        Ok(()) | Err(Errno::AGAIN | Errno::INPROGRESS) => Ok(State::Live),
        Err(Errno::CONNREFUSED) => Ok(State::Stale),
        Err(Errno::NOENT) => Ok(State::Missing),
        Err(error) => Err(failed("look at", path)(error)),
    }
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    let socket = new_socket()?;
    // On Linux the socket in the file system takes its mode from the descriptor: there is no moment
    // at which others could connect. Elsewhere the mode comes after, and the folder protects.
    if cfg!(any(target_os = "linux", target_os = "android")) {
        rustix::fs::fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    }
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    let made = fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE))
        .and_then(|()| Ok(rustix::net::listen(&socket, BACKLOG)?));
    if let Err(error) = made {
        // We made it a moment ago, under the lock.
        let _ = fs::remove_file(path);
        return Err(error);
    }
    Ok(UnixListener::from(socket))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn new_socket() -> rustix::io::Result<OwnedFd> {
    use rustix::net::{SocketFlags, socket_with};
    socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn new_socket() -> rustix::io::Result<OwnedFd> {
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    Ok(socket)
}
