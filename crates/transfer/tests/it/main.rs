//! Transfers against a server that does whatever a test tells it to.

mod blocks;
mod chaos;
mod faults;
mod files;
mod pressure;
mod redirects;
mod server;
mod small;
mod sources;
mod support;
mod tls;
