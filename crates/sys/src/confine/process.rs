//! A confined program that runs.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use super::{End, Enforced, Outcome, Usage, system};

/// A confined program that was started.
///
/// Dropping this kills the program: whoever lets go of it has no means left to end it. Nothing
/// stays behind, not even its line in the process table.
///
/// The number of the process cannot come to mean another one: only this handle's thread reaps it,
/// and every signal is sent under the lock that is held for reaping.
#[derive(Debug)]
pub struct Confined {
    enforced: Enforced,
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pid: Pid,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    end: Option<End>,
    peak_anonymous_bytes: u64,
}

impl Confined {
    pub(super) fn new(pid: u32, enforced: Enforced) -> (Self, Arc<Shared>) {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pid = pid.expect("a child has a positive number");
        let shared = Arc::new(Shared { pid, state: Mutex::default(), changed: Condvar::new() });
        (Self { enforced, shared: Arc::clone(&shared) }, shared)
    }

    /// The number of the process. It may be another's once [`Self::end`] returns something.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.shared.pid.as_raw_nonzero().get().cast_unsigned()
    }

    /// What holds for it.
    #[must_use]
    pub fn enforced(&self) -> Enforced {
        self.enforced
    }

    /// Stops all its threads where they are. The kernel does so in its own time, soon after this
    /// returns; the program can neither notice nor refuse. Nothing happens if it has ended.
    pub fn suspend(&self) {
        self.shared.signal(&[Signal::STOP]);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.shared.signal(&[Signal::CONT]);
    }

    /// Asks it to end (`SIGTERM`), and lets it go on if it was suspended. It may refuse.
    pub fn terminate(&self) {
        self.shared.signal(&[Signal::TERM, Signal::CONT]);
    }

    /// Ends it, suspended or not.
    pub fn kill(&self) {
        self.shared.signal(&[Signal::KILL]);
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.shared.state().end
    }

    /// Waits until it has ended. Any number of threads may wait.
    #[must_use]
    pub fn wait(&self) -> End {
        let mut state = self.shared.state();
        loop {
            if let Some(end) = state.end {
                return end;
            }
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until it has ended, at most this long.
    #[must_use]
    pub fn wait_for(&self, patience: Duration) -> Option<End> {
        let state = self.shared.state();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(state, patience, |state| state.end.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        waited.0.end
    }

    /// What it uses now. Nothing if it has ended, or where the system does not tell (not Linux).
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        let mut state = self.shared.state();
        if state.end.is_some() {
            return None;
        }
        let mut usage = system::usage(self.shared.pid)?;
        state.peak_anonymous_bytes = state.peak_anonymous_bytes.max(usage.anonymous_bytes);
        usage.peak_anonymous_bytes = state.peak_anonymous_bytes;
        Some(usage)
    }
}

impl Drop for Confined {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Shared {
    /// Waits until the program has ended, takes it off the process table and tells who waits.
    pub(super) fn reap(shared: &Arc<Self>) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(shared.pid), options).is_err_and(|error| error == Errno::INTR) {}
        let mut state = shared.state();
        let mut end = collect(shared.pid);
        end.peak_anonymous_bytes = state.peak_anonymous_bytes;
        state.end = Some(end);
        drop(state);
        shared.changed.notify_all();
    }

    fn signal(&self, signals: &[Signal]) {
        let state = self.state();
        if state.end.is_none() {
            for signal in signals {
                // It may have ended without being reaped yet; then nothing is to be done.
                let _ = kill_process(self.pid, *signal);
            }
        }
    }

    /// Nothing that is done under the lock can panic half-way.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reaps a process that has ended.
#[expect(unsafe_code, reason = "rustix has no call that tells what a child took")]
fn collect(pid: Pid) -> End {
    let mut status = 0;
    // SAFETY: the structure is plain numbers, for which zeroes are valid.
    let mut taken: libc::rusage = unsafe { std::mem::zeroed() };
    let number = pid.as_raw_nonzero().get();
    loop {
        // SAFETY: both pointers are to locals that outlive the call.
        let waited = unsafe { libc::wait4(number, &raw mut status, 0, &raw mut taken) };
        if waited >= 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            break;
        }
    }
    let outcome = if libc::WIFSIGNALED(status) {
        Outcome::Signal(libc::WTERMSIG(status))
    } else {
        Outcome::Exit(libc::WEXITSTATUS(status))
    };
    End {
        outcome,
        processor_time: duration(taken.ru_utime) + duration(taken.ru_stime),
        peak_anonymous_bytes: 0,
        peak_resident_bytes: resident_bytes(&taken),
    }
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
    seconds + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
}

/// Apple's systems count in bytes, others in KiB.
fn resident_bytes(taken: &libc::rusage) -> u64 {
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    u64::try_from(taken.ru_maxrss).unwrap_or(0) * unit
}
