//! The library against a scripted service on a real socket, and against real files.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod administration;
mod calls;
mod checkout;
mod ending;
mod executors;
mod fake_service;
mod folders;
mod installed;
mod languages;
mod leases;
mod manifests;
mod mapping;
mod reading;
mod samples;
mod starting;
mod streams;
mod waiting;
