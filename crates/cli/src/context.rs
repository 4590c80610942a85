//! What commands are given: the output, the time, the home, a runtime, and word of an interruption.

use std::sync::OnceLock;
use std::time::Duration;

use headstart_model::{ErrorKind, Failure};
use headstart_sys::dirs::Home;
use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::failure;
use crate::output::Output;

/// How long work that was broken off may take to notice. What is killed then goes on where it was.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the service is started when it is needed and does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartPolicy {
    /// It is.
    IfNeeded,
    /// It is not: a command that needs it fails.
    Never,
}

/// What commands are given.
#[derive(Debug)]
pub(crate) struct Context {
    /// Where everything is said.
    pub(crate) output: Output,
    /// Whether the service may be started.
    pub(crate) start: StartPolicy,
    running: OnceLock<Running>,
}

/// The runtime, which exists from when it is first needed. From then on Ctrl-C no longer ends the process by itself.
#[derive(Debug)]
struct Running {
    runtime: Runtime,
    interrupted: CancellationToken,
}

impl Context {
    pub(crate) const fn new(output: Output, start: StartPolicy) -> Self {
        Self { output, start, running: OnceLock::new() }
    }

    /// The wall clock.
    #[expect(
        clippy::unused_self,
        reason = "commands ask their context for the time, not the system"
    )]
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// The home that the environment tells of.
    #[expect(
        clippy::unused_self,
        reason = "commands ask their context for the home, not the system"
    )]
    pub(crate) fn home(&self) -> Result<Home, Failure> {
        Home::from_environment().map_err(|error| failure::of_home(&error))
    }

    /// Runs `work` to its end, or until somebody interrupts; then it is dropped.
    pub(crate) fn block_on<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let interrupted = self.interrupted()?;
        self.complete(unless_interrupted(&interrupted, work))
    }

    /// [`block_on`](Self::block_on) for work that hardly computes and does much at once: all of it runs in this thread. `Ours:` for
    /// thousands of small files threads that wake each other cost half as much again as the files, and a gigabyte over TLS took as
    /// long with several threads (2.46 s and 2.45 s).
    pub(crate) fn block_here<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let interrupted = self.interrupted()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| no_runtime(&error))?;
        let result = runtime.block_on(unless_interrupted(&interrupted, work));
        runtime.shutdown_timeout(PATIENCE);
        result
    }

    /// Runs `work` to its end, whatever happens: it watches [`interrupted`](Self::interrupted) itself.
    pub(crate) fn complete<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        self.running()?.runtime.block_on(work)
    }

    /// Cancelled when somebody wants the command to end: Ctrl-C, or SIGTERM. The second time the process ends at once.
    pub(crate) fn interrupted(&self) -> Result<CancellationToken, Failure> {
        Ok(self.running()?.interrupted.clone())
    }

    fn running(&self) -> Result<&Running, Failure> {
        if let Some(running) = self.running.get() {
            return Ok(running);
        }
        let started = Running::start().map_err(|error| no_runtime(&error))?;
        Ok(self.running.get_or_init(|| started))
    }

    /// Ends what still runs in the background.
    pub(crate) fn end(self) {
        if let Some(running) = self.running.into_inner() {
            running.runtime.shutdown_timeout(PATIENCE);
        }
    }
}

async fn unless_interrupted<T>(
    interrupted: &CancellationToken,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        result = work => result,
        () = interrupted.cancelled() => Err(failure::cancelled()),
    }
}

fn no_runtime(error: &std::io::Error) -> Failure {
    Failure::from_error(ErrorKind::Internal, "runtimeFailed", error)
        .with_hint("close other programs: this one cannot start its threads")
}

impl Running {
    fn start() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let interrupted = CancellationToken::new();
        let token = interrupted.clone();
        let mut signals = {
            let _guard = runtime.enter();
            signals::Signals::listen()?
        };
        runtime.spawn(async move {
            signals.next().await;
            token.cancel();
            signals.next().await;
            tracing::warn!("interrupted twice; ends at once");
            #[expect(
                clippy::disallowed_methods,
                reason = "asked twice, nobody wants to wait for destructors"
            )]
            std::process::exit(130);
        });
        Ok(Self { runtime, interrupted })
    }
}

#[cfg(unix)]
mod signals {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// The signals by which a process is asked to end.
    pub(super) struct Signals {
        interrupt: Signal,
        terminate: Signal,
    }

    impl Signals {
        pub(super) fn listen() -> std::io::Result<Self> {
            let interrupt = signal(SignalKind::interrupt())?;
            Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
        }

        pub(super) async fn next(&mut self) {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
        }
    }
}

#[cfg(not(unix))]
mod signals {
    /// Ctrl-C; written, not run.
    pub(super) struct Signals;

    impl Signals {
        pub(super) fn listen() -> std::io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn next(&mut self) {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
