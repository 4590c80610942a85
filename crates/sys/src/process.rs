//! Starting other programs.

use std::fs::OpenOptions;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::error::{Action, FileError};

/// Why a program was not started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// The program is not there or may not be run.
    #[error("cannot start {}", .program.display())]
    Start {
        /// What was to be run.
        program: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The program that belongs to this one was not installed beside it.
    #[error("{} is missing; it belongs beside the program that is running", .path.display())]
    NoSibling {
        /// Where it should be.
        path: PathBuf,
    },
    /// The system does not tell where this program lies.
    #[error("cannot find out where this program lies")]
    Unknown(#[source] io::Error),
    /// The log file cannot be opened.
    #[error(transparent)]
    Log(#[from] FileError),
}

/// Where a background process writes what it would print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Nowhere.
    Discard,
    /// To the end of this file, which is created readable by its owner alone.
    AppendTo(PathBuf),
}

/// A process that lives on when the one that started it ends.
///
/// Dropping this ends nothing. A process that outlives neither the drop nor its parent stays in
/// the process table, as a line without a process, until the parent ends.
#[derive(Debug)]
pub struct Background {
    child: Child,
}

impl Background {
    /// The number of the process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How the process ended, if it has: so that whoever waits for a service to listen notices
    /// that it never will.
    ///
    /// # Errors
    /// The system's error.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits until the process ends.
    ///
    /// # Errors
    /// The system's error.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}

/// Starts a program apart from this one: in a session of its own (closing the terminal or Ctrl-C
/// does not reach it), without input, and without the open files of this process, also those that
/// a host program written in another language left inheritable.
///
/// `command` carries program (as an absolute path), arguments, variables and working folder; its
/// input and output are set here.
///
/// # Errors
/// [`ProcessError::Start`] if the program cannot be run, [`ProcessError::Log`] if its log cannot
/// be opened.
pub fn spawn_background(mut command: Command, output: &Output) -> Result<Background, ProcessError> {
    let (standard, errors) = match output {
        Output::Discard => (Stdio::null(), Stdio::null()),
        Output::AppendTo(path) => {
            let opened = open_log(path).and_then(|log| Ok((log.try_clone()?, log)));
            let (one, two) = opened.map_err(FileError::at(Action::Open, path))?;
            (one.into(), two.into())
        }
    };
    command.stdin(Stdio::null()).stdout(standard).stderr(errors);
    detach(&mut command);
    match command.spawn() {
        Ok(child) => Ok(Background { child }),
        Err(source) => Err(start_error(&command, source)),
    }
}

/// Becomes another program: on Unix this process is replaced and the call does not return; on
/// Windows the program runs as a child, and its exit status is returned to be passed on.
///
/// No destructor runs on Unix: the caller has written down what must be, and dropped its locks.
///
/// # Errors
/// [`ProcessError::Start`] if the program cannot be run.
pub fn replace_by(command: Command) -> Result<ExitStatus, ProcessError> {
    replace(command)
}

/// True if there is a process of this number, ours or somebody else's.
///
/// A hint only: numbers are used again, and a process that ended counts until its parent has
/// asked for it. What must be sure is a [`crate::lock`]. Where it cannot be asked (not Unix) the
/// answer is false.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    alive(pid)
}

/// Where the program `name` lies that was installed with this one: the same folder, with the
/// system's ending for programs.
///
/// # Errors
/// [`ProcessError::NoSibling`] if it is not there; [`ProcessError::Unknown`] if the system does
/// not tell where this program lies.
pub fn sibling_program(name: &str) -> Result<PathBuf, ProcessError> {
    let own = std::env::current_exe().map_err(ProcessError::Unknown)?;
    let path = own.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if path.is_file() { Ok(path) } else { Err(ProcessError::NoSibling { path }) }
}

fn start_error(command: &Command, source: io::Error) -> ProcessError {
    ProcessError::Start { program: command.get_program().into(), source }
}

fn open_log(path: &std::path::Path) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "runs between fork and exec")]
fn detach(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;

    let steps = || {
        rustix::process::setsid()?;
        close_inherited();
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe calls are allowed: both steps are plain
    // system calls, which neither allocate nor lock.
    unsafe { command.pre_exec(steps) };
}

/// Marks all descriptors but the standard ones to be closed by exec, which leaves the pipe alone
/// through which `std` learns of a failed exec. Kernels before 5.11 refuse; then only what the host
/// program left inheritable leaks, as it would into any program it starts.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[expect(unsafe_code, reason = "neither rustix nor every libc has this call")]
fn close_inherited() {
    // SAFETY: the call takes three numbers and touches no memory of ours.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
    }
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn close_inherited() {}

/// Windows: no console, and a process group of its own.
#[cfg(windows)]
fn detach(command: &mut Command) {
    use std::os::windows::process::CommandExt as _;
    const DETACHED_PROCESS: u32 = 0x0000_0008;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
}

#[cfg(unix)]
fn replace(mut command: Command) -> Result<ExitStatus, ProcessError> {
    use std::os::unix::process::CommandExt as _;
    let error = command.exec();
    Err(start_error(&command, error))
}

#[cfg(not(unix))]
fn replace(mut command: Command) -> Result<ExitStatus, ProcessError> {
    command.status().map_err(|error| start_error(&command, error))
}

#[cfg(unix)]
fn alive(pid: u32) -> bool {
    use rustix::io::Errno;
    use rustix::process::{Pid, test_kill_process};

    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    // Not permitted means that there is a process to be not permitted to signal.
    matches!(test_kill_process(pid), Ok(()) | Err(Errno::PERM))
}

#[cfg(not(unix))]
fn alive(_: u32) -> bool {
    false
}
/// The user that this process acts as, as [`PeerIdentity::uid`](crate::socket::PeerIdentity::uid) counts them; 0 where
/// there are no such numbers.
#[must_use]
pub fn own_user() -> u32 {
    #[cfg(unix)]
    {
        rustix::process::geteuid().as_raw()
    }
    #[cfg(not(unix))]
    {
        0
    }
}

/// Tells whoever started this program that it is ready, by the protocol of systemd's `sd_notify`: a datagram
/// `READY=1` to the socket that the environment variable `NOTIFY_SOCKET` names. A name that begins with `@` is one of the
/// abstract ones of Linux.
///
/// # Errors
/// The system's error when nobody listens there.
#[cfg(unix)]
pub fn notify_ready(socket: &std::ffi::OsStr) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    let address = match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => abstract_address(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(b"READY=1\n", &address).map(drop)
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &[u8]) -> io::Result<std::os::unix::net::SocketAddr> {
    use std::os::linux::net::SocketAddrExt as _;
    std::os::unix::net::SocketAddr::from_abstract_name(name)
}

#[cfg(all(unix, not(target_os = "linux")))]
fn abstract_address(_: &[u8]) -> io::Result<std::os::unix::net::SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Nobody starts programs by this protocol here.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub fn notify_ready(_: &std::ffi::OsStr) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
