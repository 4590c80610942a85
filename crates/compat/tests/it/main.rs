//! The names of this crate against those of the published one, and its examples compiled and run.

// With the signatures of 0.3 the programs of 0.3 are compiled, by these tests.
#![cfg(all(unix, not(feature = "v0_3")))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod build;
mod live;
mod own;
mod published;
mod running;
mod surface;
mod traps;
mod values;
mod world;
