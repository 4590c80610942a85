//! What only shows between processes: kills, sockets, descriptors, detachment.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod child;
#[cfg(target_os = "linux")]
mod confine;
mod crash;
mod lock;
mod process;
mod socket;
