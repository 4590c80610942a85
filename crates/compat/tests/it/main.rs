//! The names of this crate against those of the published one, and its examples compiled and run.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod build;
#[path = "../../../client/tests/it/fake_port.rs"]
#[expect(dead_code, reason = "the tests of the library use all of it")]
mod fake_port;
#[path = "../../../client/tests/it/fake_service.rs"]
#[expect(dead_code, reason = "the tests of the library use all of it")]
mod fake_service;
mod hosted;
mod published;
mod running;
#[path = "../../../client/tests/it/samples.rs"]
#[expect(dead_code, reason = "the tests of the library use all of it")]
mod samples;
mod surface;
mod values;
