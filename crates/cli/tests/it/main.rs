//! The real binary, as people and programs run it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends where something unexpected is"
)]
#![allow(missing_docs, unreachable_pub, reason = "nobody uses a test")]

mod answers;
mod archives;
mod authors;
mod bad_input;
mod clone;
mod containers;
#[cfg(target_os = "linux")]
mod desktop;
mod device;
#[cfg(target_os = "linux")]
mod extension;
mod fake;
mod golden;
mod gone;
mod hints;
mod interruption;
mod private;
mod refusals;
mod repository;
mod server;
mod servers;
mod story;
mod told;
mod usage;
mod world;
