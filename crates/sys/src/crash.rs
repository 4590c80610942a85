//! Crash points: the places where a kill would be most interesting.
//!
//! Every step of [`crate::durable`] passes a point, and other crates pass points of their own at
//! their commits. A run counts them; a second run of the same program with the same input, armed
//! with a number, is killed at exactly that point. So a test can kill a program at every one of
//! its durable steps in turn, and look at what is on disk afterwards.
//!
//! Always compiled, so that what is tested is what ships; inert unless a `main` calls [`arm`].
//! Ours: that a kill at any instant loses nothing is tested, not hoped.

use std::io::Write as _;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

/// The count at which the process dies. Unarmed counting starts at 0 and never gets here.
const DEADLY: u64 = 1 << 63;

static COUNT: AtomicU64 = AtomicU64::new(0);
static START: AtomicU64 = AtomicU64::new(0);

/// Makes the `nth` crash point passed from now on kill this process, and counts anew.
///
/// Meant to be called once, by a `main`, before other threads start: points passed at the same
/// moment as this call may be counted or not. `nth` beyond what the process passes has no effect.
pub fn arm(nth: NonZeroU64) {
    let start = DEADLY - nth.get().min(DEADLY);
    START.store(start, Ordering::Relaxed);
    COUNT.store(start, Ordering::Relaxed);
}

/// How many crash points this process has passed since its start, or since [`arm`].
#[must_use]
pub fn passed() -> u64 {
    COUNT.load(Ordering::Relaxed).wrapping_sub(START.load(Ordering::Relaxed))
}

/// Passes a crash point; does not return if this is the armed one.
///
/// `name` says in the log of a killed run where it died, as `subject.step`. Costs one relaxed
/// atomic addition. With several threads the order of points, and so the meaning of a number, is
/// that of the threads.
pub fn point(name: &'static str) {
    if COUNT.fetch_add(1, Ordering::Relaxed) + 1 == DEADLY {
        die(name);
    }
}

#[cold]
fn die(name: &'static str) -> ! {
    // The message is a courtesy to whoever reads the log of the killed run; it may be lost.
    let _ = writeln!(std::io::stderr(), "killed at crash point {} ({name})", passed());
    kill_self();
    std::process::abort();
}

/// SIGKILL and not `abort`: no handler, no unwinding, no flush, as in the worst case.
#[cfg(unix)]
fn kill_self() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}

/// Elsewhere `abort`, which runs no destructor either.
#[cfg(not(unix))]
fn kill_self() {}
