//! Waiting until a program says that it is ready, or ends.

#[cfg(not(unix))]
#[path = "readiness/unsupported.rs"]
mod platform;
#[cfg(unix)]
#[path = "readiness/unix.rs"]
mod platform;

pub(super) use platform::Readiness;

/// How the wait ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(unix), expect(dead_code, reason = "no program is started there"))]
pub(super) enum Outcome {
    /// The program is ready.
    Ready,
    /// The program ended before it was; its exit status in words.
    Ended(String),
    /// Neither happened in time.
    TimedOut,
}
