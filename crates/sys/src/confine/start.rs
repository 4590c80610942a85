//! Starting the launcher and hearing how far it came.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::plan::{self, Plan};
use super::process::{Confined, Shared};
use super::{ConfineError, Confinement, Enforced, LAUNCH_ARGUMENT, Program};

/// How long a launcher may say nothing. It needs milliseconds; a program that is no launcher may
/// never read, and would hold the caller for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the thread of a program needs stack for: starting it and waiting.
const STACK_BYTES: usize = 256 << 10;

struct Order {
    launcher: PathBuf,
    plan: Plan,
    bytes: Vec<u8>,
    channel: OwnedFd,
    output: OwnedFd,
}

/// Starts a program confined, through `launcher` (an executable that begins with
/// [`launch`](super::launch), say this very program). Returns when the program has taken over,
/// or, with [`Confinement::wait_for_debugger`], when it has stopped just before.
///
/// The descriptors of `program` are closed in this process, so that the other end of the channel
/// notices when the program ends. Each program takes a thread of this process while it lives: the
/// kernel ends it with the thread that started it, and this thread reaps it.
///
/// # Errors
/// [`ConfineError`]; nothing is left running.
pub fn spawn(
    launcher: &Path,
    program: Program,
    confinement: &Confinement,
) -> Result<Confined, ConfineError> {
    if !program.executable.is_absolute() {
        return Err(ConfineError::NotAbsolute { executable: program.executable });
    }
    refuse_datagrams(&program.channel)?;
    let plan = Plan {
        executable: program.executable.into(),
        arguments: program.arguments,
        folder: program.folder.into(),
        environment: program.environment,
        confinement: confinement.clone(),
        service: std::process::id(),
    };
    let bytes = plan::encode(&plan)?;
    let (channel, output) = (program.channel, program.output);
    let order = Order { launcher: launcher.into(), plan, bytes, channel, output };

    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("confined".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || attend(order, &sender))
        .map_err(ConfineError::Means)?;
    receiver.recv().unwrap_or_else(|_| Err(ConfineError::Means(io::ErrorKind::BrokenPipe.into())))
}

/// The life of a program, on a thread of its own.
fn attend(order: Order, sender: &mpsc::SyncSender<Result<Confined, ConfineError>>) {
    let (child, enforced) = match start(order) {
        Ok(started) => started,
        Err(error) => {
            // The caller waits for this; if its thread is gone, nobody wants to know.
            let _ = sender.send(Err(error));
            return;
        }
    };
    let (confined, shared) = Confined::new(child.id(), enforced);
    // If the caller is gone this drops the handle, which kills.
    let _ = sender.send(Ok(confined));
    Shared::reap(&shared);
}

fn start(order: Order) -> Result<(Child, Enforced), ConfineError> {
    let (own, theirs) = UnixStream::pair().map_err(ConfineError::Means)?;
    for set in [UnixStream::set_read_timeout, UnixStream::set_write_timeout] {
        set(&own, Some(PATIENCE)).map_err(ConfineError::Means)?;
    }
    let errors = order.output.try_clone().map_err(ConfineError::Means)?;
    let mut command = Command::new(&order.launcher);
    command.arg(LAUNCH_ARGUMENT).env_clear();
    command.stdin(OwnedFd::from(theirs)).stdout(order.output).stderr(errors);
    let spawned = command.spawn();
    // With the command go our copies of what the child has now.
    drop(command);
    let mut child = match spawned {
        Ok(child) => child,
        Err(source) => {
            return Err(ConfineError::Launcher { launcher: order.launcher, source });
        }
    };
    let stops = order.plan.confinement.wait_for_debugger;
    let heard =
        plan::send(&own, &order.bytes, &order.channel).and_then(|()| plan::hear(&own, stops));
    let error = match heard {
        Ok(Ok(enforced)) => return Ok((child, enforced)),
        Ok(Err(failure)) => failure.into_error(&order.plan),
        Err(source) => ConfineError::NoAnswer { launcher: order.launcher, source },
    };
    dispose(&mut child);
    Err(error)
}

fn dispose(child: &mut Child) {
    // It may have ended by itself; it is waited for either way.
    let _ = child.kill();
    let _ = child.wait();
}

fn refuse_datagrams(channel: impl AsFd) -> Result<(), ConfineError> {
    use rustix::io::Errno;
    use rustix::net::SocketType;

    match rustix::net::sockopt::socket_type(channel) {
        Ok(SocketType::STREAM | SocketType::SEQPACKET) | Err(Errno::NOTSOCK) => Ok(()),
        Ok(_) => Err(ConfineError::DatagramChannel),
        Err(error) => Err(ConfineError::Means(error.into())),
    }
}
