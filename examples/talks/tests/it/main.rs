//! The whole example with the real programs: `run.sh` packs, publishes, serves, installs and launches; the tests speak with
//! the viewer as a person does, and look on from a second terminal.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, on the machines that run it"
)]
#![allow(missing_docs, unreachable_pub, reason = "nobody uses a test")]

mod story;
mod tutorial;
mod world;
