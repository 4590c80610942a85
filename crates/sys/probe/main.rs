//! Plays launcher, confined program and service in the tests of `confine`.
//!
//! As a confined program it tries what its arguments name, and says on its output what came of
//! it: `ok`, or the name of the system's error.

#![cfg_attr(
    target_os = "linux",
    expect(unsafe_code, reason = "tries system calls that no crate offers")
)]
#![cfg_attr(target_os = "linux", expect(clippy::print_stdout, reason = "how it answers"))]

use std::process::ExitCode;

#[cfg(target_os = "linux")]
mod attempts;
#[cfg(target_os = "linux")]
mod service;

fn main() -> ExitCode {
    if headstart_sys::confine::is_launch() {
        return headstart_sys::confine::launch();
    }
    #[cfg(target_os = "linux")]
    attempts::run();
    ExitCode::SUCCESS
}
