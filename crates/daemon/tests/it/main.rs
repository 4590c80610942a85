//! The real service: real processes, real sockets, a real server on loopback.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a failing seed is printed")]

mod bad_input;
mod device;
mod kill;
mod publisher;
mod readme;
mod real_input;
mod story;
