//! Another program of the person, run confined.
//!
//! The service runs the downloader extensions of apps: programs that it did not write and that act
//! as the same user. [`spawn`] starts one with nothing but what it was given:
//!
//! | kept from it | by what (Linux) |
//! |---|---|
//! | files outside its [`Confinement`] | Landlock: opening, making, moving, removing, shortening; seccomp for what Landlock leaves out (mode, owner, times and extended attributes by path, watching) |
//! | network and every socket but descriptor 3 | seccomp; Landlock for TCP and abstract names |
//! | new processes (threads are allowed, and becoming another program of the granted ones) | seccomp |
//! | other processes: signals, tracing, their memory and priority | Landlock, seccomp |
//! | what the service has open, its environment, its terminal | closed, cleared, a session of its own |
//! | privileges | `no_new_privs`, no capabilities, also for a service that runs as root |
//! | memory | the service watches [`Confined::usage`]; `RLIMIT_DATA` bounds the damage in between |
//! | outliving the service | a signal of the kernel when the service ends |
//!
//! # What it may still do
//! It may ask whether a path exists, for size and times of what it cannot open (`stat`; Landlock
//! has no rule for it), and where a link leads. It may make code at run time. It may use the
//! processor and fill the disk below [`Confinement::write`]: neither is limited here. Nothing of
//! `/proc` is granted: readers of `/proc/self` get "permission denied", which runtimes cope with;
//! `/proc/self/exe` can be read as a link. It may change the mode of files that it can open, but
//! only through the descriptor: `chmod` by path is refused.
//!
//! # The launcher
//! Rule sets cannot be built between `fork` and `exec` of a process with threads: they need memory,
//! whose lock another thread may have held. So an executable of ours is started that has one thread
//! ([`launch`], called first thing in `main`), confines itself, and becomes the program. What it
//! is to do comes through its standard input, with the channel; what came of it goes back the same
//! way, so that a program that cannot be run is an error of [`spawn`] and not an early end.
//!
//! # Memory
//! The limit is on what only this process uses: anonymous memory, and shared memory without a file
//! (which it can hardly get: there is no `memfd`, no System V segment, no shared anonymous mapping,
//! no `/dev/shm`). Mapped files do not count. Nothing unprivileged in Linux stops a process at an
//! exact amount of resident memory, so the service samples and kills. Between two samples
//! `RLIMIT_DATA` bounds what can be taken: [`DATA_FACTOR`] times the limit plus
//! [`DATA_SLACK_BYTES`], because it counts what is reserved, and runtimes reserve a stack of 2 to 8
//! MiB for each thread and use a few pages of it. The stack of the first thread is apart: at most
//! [`STACK_BYTES`]. What the kernel itself holds for it (page tables, pipes, locks) is not counted.
//!
//! # Kernels without a part of it
//! What there is gets applied; [`Enforced`] says what did, and [`Enforced::missing`] what to log.
//! Landlock is in Linux 5.13 and later if the distribution switched it on; 6.12 brought the last
//! part that is used here (signals).
//!
//! # Where this was run
//! Linux on x86-64. The filter for 64-bit ARM and RISC-V was written from the tables of their
//! system calls and not run; other architectures have Landlock alone. On other Unix systems the
//! program is started apart, with limits, closed descriptors and a cleared environment, and
//! [`Enforced`] says that nothing else holds; that too was not run. Windows: [`spawn`] refuses.
//!
//! Ours: all of it. What an extension may do is not documented for the original beyond "a few
//! megabytes" of memory, without mapped files.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

mod error;
#[cfg(unix)]
mod launch;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
mod plan;
#[cfg(all(unix, not(target_os = "linux")))]
mod portable;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod start;
#[cfg(not(unix))]
mod unsupported;

pub use error::ConfineError;
#[cfg(unix)]
pub use launch::launch;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(all(unix, not(target_os = "linux")))]
use portable as system;
#[cfg(unix)]
pub use process::Confined;
#[cfg(unix)]
pub use start::spawn;
#[cfg(unix)]
pub use system::offered;
#[cfg(not(unix))]
pub use unsupported::{Confined, launch, offered, spawn};

/// The first argument of a program that is to be the launcher.
pub const LAUNCH_ARGUMENT: &str = "--launch-confined";

/// The descriptor at which the program finds its channel.
pub const CHANNEL_DESCRIPTOR: i32 = 3;

/// How much anonymous memory a program may use unless told otherwise: 16 MiB.
///
/// Ours: the original speaks of a few megabytes.
pub const ANONYMOUS_MEMORY_BYTES: u64 = 16 << 20;

/// How many times the anonymous memory a program may reserve, before [`DATA_SLACK_BYTES`].
pub const DATA_FACTOR: u64 = 4;

/// What a program may reserve beyond [`DATA_FACTOR`] times its memory: stacks of eight threads at
/// the 8 MiB that is usual on Linux.
pub const DATA_SLACK_BYTES: u64 = 64 << 20;

/// How large the stack of the first thread may become.
pub const STACK_BYTES: u64 = 8 << 20;

/// How many descriptors a program may have open.
pub const OPEN_FILES: u64 = 64;

/// The exit code of a launcher that could not become the program.
pub const NOT_STARTED: u8 = 126;

/// An open descriptor that goes to the program.
#[cfg(unix)]
pub type Descriptor = std::os::fd::OwnedFd;

/// An open descriptor that goes to the program.
#[cfg(not(unix))]
pub type Descriptor = std::fs::File;

/// What a program may do.
///
/// The granted paths are files or folders that exist, with everything below them; links are
/// followed when the program starts. What is granted twice has the rights of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// May be read and run: [`system_libraries`] and the folder of the program.
    #[serde(with = "paths")]
    pub read_execute: Vec<PathBuf>,
    /// May be read.
    #[serde(with = "paths")]
    pub read: Vec<PathBuf>,
    /// May be read and changed: files and folders made, moved and removed in it, but no symbolic links made.
    /// Nothing in it may be run, unless it is also in `read_execute`.
    #[serde(with = "paths")]
    pub write: Vec<PathBuf>,
    /// How many bytes of anonymous memory it may use. The caller enforces it by
    /// [`Confined::usage`]; see "Memory" above for what this module does with it.
    pub anonymous_memory_bytes: u64,
    /// True if it may make pairs of connected local stream sockets. Nobody else can be reached
    /// through them, but some event loops wake themselves by one (Python's `asyncio`, tokio's
    /// signals). Denied by default, like every socket.
    pub socket_pairs: bool,
    /// True to stop it just before it becomes the program (`SIGSTOP`), for a debugger to attach to
    /// and continue (`gdb -p PID -ex 'catch exec' -ex continue`); then `RLIMIT_DATA` is not set,
    /// and a program that cannot be run ends with [`NOT_STARTED`] and a line on its output, because
    /// [`spawn`] has returned by then.
    pub wait_for_debugger: bool,
}

/// Nothing granted, 16 MiB.
impl Default for Confinement {
    fn default() -> Self {
        Self {
            read_execute: Vec::new(),
            read: Vec::new(),
            write: Vec::new(),
            anonymous_memory_bytes: ANONYMOUS_MEMORY_BYTES,
            socket_pairs: false,
            wait_for_debugger: false,
        }
    }
}

/// A program to be run.
#[derive(Debug)]
pub struct Program {
    /// Its file, as an absolute path; a script with an interpreter line will do.
    pub executable: PathBuf,
    /// Its arguments, without its own name.
    pub arguments: Vec<OsString>,
    /// The folder that it starts in, which it need not be able to read.
    pub folder: PathBuf,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// What it finds at [`CHANNEL_DESCRIPTOR`]. A socket must be a connected stream or sequence of
    /// packets: through one of datagrams it could write to others.
    pub channel: Descriptor,
    /// Where its standard output and errors go. Its input is empty.
    pub output: Descriptor,
}

/// What is in force for a program that was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Enforced {
    /// The version of Landlock, if the kernel has it.
    pub landlock_abi: Option<u32>,
    /// True if system calls are filtered.
    pub seccomp: bool,
    /// True if it cannot gain privileges.
    pub no_new_privileges: bool,
    /// True if it ends with the service.
    pub ends_with_service: bool,
    /// True if the limits of the process hold.
    pub limits: bool,
}

impl Enforced {
    /// What does not hold here, a phrase each, for the log; empty if all does.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let abi = self.landlock_abi.unwrap_or(0);
        let lacks = [
            (abi < 1, "no Landlock: files of the person are open to it"),
            (abi == 1 || abi == 2, "Landlock before version 3: files elsewhere can be shortened"),
            (!self.seccomp, "no seccomp: network and new processes are open to it"),
            (abi < 6 && !self.seccomp, "Landlock before version 6: processes can be signalled"),
            (!self.no_new_privileges, "programs that grant privileges can be run"),
            (!self.ends_with_service, "it may outlive the service"),
            (!self.limits, "no limits of the process"),
        ];
        lacks.into_iter().filter_map(|(lacks, phrase)| lacks.then_some(phrase)).collect()
    }
}

/// What the kernel has to confine programs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offered {
    /// The version of Landlock, if the kernel has it and has it switched on.
    pub landlock_abi: Option<u32>,
    /// True if system calls can be filtered.
    pub seccomp: bool,
}

/// What a program uses at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Anonymous memory in bytes: resident or swapped out, and shared memory without a file.
    pub anonymous_bytes: u64,
    /// The largest `anonymous_bytes` that any sample of this program has seen.
    pub peak_anonymous_bytes: u64,
    /// The processor time that it has taken, in all threads.
    pub processor_time: Duration,
    /// How many threads it has.
    pub threads: u64,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// By itself, with this exit code.
    Exit(i32),
    /// By this signal: its own fault, [`Confined::kill`], [`Confined::terminate`], or the system.
    Signal(i32),
}

/// How a program ended, and what it took.
///
/// A program that ran out of memory shows in one of two ways. Killed by the caller for what
/// [`Usage`] said, it ended by signal 9. Stopped by `RLIMIT_DATA`, the system refused it memory,
/// which runtimes answer by ending with signal 6 or 11 or an exit code of theirs and a line on the
/// output; the peaks then show how much was in use, which is little if one large piece was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Exit code or signal.
    pub outcome: Outcome,
    /// The processor time that it took, the launcher's included.
    pub processor_time: Duration,
    /// The largest [`Usage::anonymous_bytes`] that was sampled; 0 if nobody sampled.
    pub peak_anonymous_bytes: u64,
    /// The most memory that it had resident at any time, mapped files included, in bytes; counted
    /// by the kernel, not sampled.
    pub peak_resident_bytes: u64,
}

/// True if this process was started to be the launcher: its first argument is
/// [`LAUNCH_ARGUMENT`]. Then `main` returns what [`launch`] returns, before it does anything else.
#[must_use]
pub fn is_launch() -> bool {
    std::env::args_os().nth(1).is_some_and(|argument| argument == LAUNCH_ARGUMENT)
}

/// What programs of the usual kind need to read and run: the system's programs, libraries, their
/// cache and configuration of the loader, time zones, and the devices that hold nothing. Those
/// that exist on this system.
///
/// Programs are among them so that scripts find their interpreter; as no process can be made, the
/// program can only become one of them, as confined as before.
#[must_use]
pub fn system_libraries() -> Vec<PathBuf> {
    const PATHS: [&str; 18] = [
        "/usr/bin",
        "/usr/lib",
        "/usr/lib32",
        "/usr/lib64",
        "/usr/libexec",
        "/usr/local/lib",
        "/usr/share/zoneinfo",
        "/bin",
        "/lib",
        "/lib64",
        "/nix/store",
        "/etc/alternatives",
        "/etc/ld.so.cache",
        "/etc/ld.so.conf",
        "/etc/ld.so.conf.d",
        "/etc/localtime",
        "/dev/urandom",
        "/dev/random",
    ];
    PATHS.iter().map(PathBuf::from).filter(|path| path.exists()).collect()
}

/// Paths as the system's strings: those that are not UTF-8 are granted like others.
mod paths {
    use std::ffi::OsString;
    use std::path::PathBuf;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(paths: &[PathBuf], to: S) -> Result<S::Ok, S::Error> {
        let strings: Vec<_> = paths.iter().map(|path| path.as_os_str()).collect();
        strings.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<PathBuf>, D::Error> {
        let strings = Vec::<OsString>::deserialize(from)?;
        Ok(strings.into_iter().map(PathBuf::from).collect())
    }
}
