//! The names of this crate against those of the published one, and its examples compiled and run.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod build;
mod published;
mod surface;
mod values;
