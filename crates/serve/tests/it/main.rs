//! The server over loopback, as clients see it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conditional;
mod conditions;
mod faults;
mod http2;
mod lifecycle;
mod limits;
mod paths;
mod ranges;
mod requests;
mod routes;
mod tls;
mod world;
