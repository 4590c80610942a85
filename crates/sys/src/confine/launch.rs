//! The launcher: one thread that confines itself and becomes the program.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd, IntoRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use rustix::process::{
    Resource, Rlimit, Signal, getpid, getppid, getrlimit, kill_process, setrlimit,
};

use super::plan::{self, Failure, Plan, Report, Step};
use super::{
    CHANNEL_DESCRIPTOR, Confinement, DATA_FACTOR, DATA_SLACK_BYTES, NOT_STARTED, OPEN_FILES,
    STACK_BYTES, system,
};

/// Where the launcher keeps its own end: above what the program gets.
const FIRST_OWN_DESCRIPTOR: i32 = 10;

const STANDARD_INPUT: i32 = 0;

/// Does what a launcher is for: takes the plan from the standard input, confines this process and
/// becomes the program. Returns only if that failed, which the service has then been told; the
/// result is what `main` returns.
///
/// To be called first thing in `main` when [`is_launch`](super::is_launch): with a second thread,
/// which would not be confined, or with files open that the plan did not bring, this promises
/// nothing.
#[must_use]
pub fn launch() -> ExitCode {
    let Ok((socket, plan, channel)) = take() else { return ExitCode::from(NOT_STARTED) };
    let Err(failure) = become_program(&socket, &plan, channel);
    if plan.confinement.wait_for_debugger {
        // By now nobody hears what is said at the socket.
        let _ = writeln!(io::stderr(), "cannot start: {}", failure.message);
    }
    // If the service is gone, nobody wants to know.
    let _ = plan::report(&socket, &Report::Failed(failure));
    ExitCode::from(NOT_STARTED)
}

/// Takes what came at the standard input, and leaves it empty for the program.
fn take() -> io::Result<(UnixStream, Plan, OwnedFd)> {
    let own = rustix::io::fcntl_dupfd_cloexec(io::stdin(), FIRST_OWN_DESCRIPTOR)?;
    place(&File::open("/dev/null")?, STANDARD_INPUT)?;
    let socket = UnixStream::from(own);
    let (plan, channel) = plan::take(&socket)?;
    Ok((socket, plan, channel))
}

fn become_program(
    socket: &UnixStream,
    plan: &Plan,
    channel: OwnedFd,
) -> Result<std::convert::Infallible, Failure> {
    place_channel(channel).map_err(Failure::confining("descriptors"))?;
    system::close_others().map_err(Failure::confining("descriptors"))?;
    // A session of its own: no terminal, and a group that nobody else is in. Refused only to the
    // leader of a group.
    rustix::process::setsid().map_err(|error| Failure::confining("session")(error.into()))?;
    std::env::set_current_dir(Path::new(&plan.folder)).map_err(Failure::at(Step::Folder))?;
    set_limits(&plan.confinement)
        .map_err(|error| Failure::confining("limits of the process")(error.into()))?;
    let mut enforced = system::restrict(&plan.confinement, plan.service)?;
    enforced.limits = true;
    if enforced.ends_with_service && !service_lives(plan.service) {
        return Err(Failure::confining("the service has ended")(io::ErrorKind::BrokenPipe.into()));
    }
    plan::report(socket, &Report::Confined(enforced)).map_err(Failure::confining("reporting"))?;
    if plan.confinement.wait_for_debugger {
        kill_process(getpid(), Signal::STOP)
            .map_err(|error| Failure::confining("stopping")(error.into()))?;
    }
    let mut command = Command::new::<&OsStr>(&plan.executable);
    command.args(&plan.arguments).env_clear();
    command.envs(plan.environment.iter().map(|(name, value)| (name, value)));
    Err(Failure::at(Step::Program)(command.exec()))
}

/// Asked after the kernel was told to end us with it: what happened before that is noticed here,
/// what happens later by the kernel.
fn service_lives(service: u32) -> bool {
    getppid().is_some_and(|parent| parent.as_raw_nonzero().get().cast_unsigned() == service)
}

fn place_channel(channel: OwnedFd) -> io::Result<()> {
    if channel.as_raw_fd() == CHANNEL_DESCRIPTOR {
        rustix::io::fcntl_setfd(&channel, rustix::io::FdFlags::empty())?;
        // It is the program's from here on.
        let _ = channel.into_raw_fd();
        return Ok(());
    }
    place(&channel, CHANNEL_DESCRIPTOR)
}

/// Opens a descriptor once more under a number that is agreed, and keeps it open for the program.
#[expect(unsafe_code, reason = "the numbers are part of the agreement and have no owner here")]
fn place(descriptor: &impl AsRawFd, number: i32) -> io::Result<()> {
    // SAFETY: takes two numbers. What was open at the second is closed: nothing that this process
    // owns, but the standard input or something that was inherited.
    let placed = unsafe { libc::dup2(descriptor.as_raw_fd(), number) };
    if placed < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn set_limits(confinement: &Confinement) -> rustix::io::Result<()> {
    let data = confinement.anonymous_memory_bytes.saturating_mul(DATA_FACTOR);
    let limits = [
        (Resource::Core, 0),
        (Resource::Nofile, OPEN_FILES),
        (Resource::Stack, STACK_BYTES),
        (Resource::Data, data.saturating_add(DATA_SLACK_BYTES)),
    ];
    for (resource, limit) in limits {
        if matches!(resource, Resource::Data) && confinement.wait_for_debugger {
            continue;
        }
        // What the service itself may not have, the program may not either.
        let limit = getrlimit(resource).maximum.map_or(limit, |maximum| maximum.min(limit));
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    Ok(())
}
