//! What only shows between processes: kills, sockets, descriptors, detachment.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod child;
mod crash;
mod lock;
mod process;
mod socket;
