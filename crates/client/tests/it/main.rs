//! The library against a scripted service on a real socket, and against real files.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod administration;
mod arriving;
mod calls;
mod checkout;
mod control;
mod delegates;
mod downloads;
mod ending;
mod errors;
mod exclusive;
mod executors;
mod extensions;
mod fake_port;
mod fake_service;
mod folders;
mod installations;
mod installed;
mod languages;
mod leases;
mod listening;
mod manifests;
mod mapping;
mod questions;
mod reading;
mod recent;
mod samples;
mod server_headers;
mod starting;
mod streams;
mod waiting;
