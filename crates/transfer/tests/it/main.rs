//! Transfers against a server that does whatever a test tells it to.

mod blocks;
mod broken_off;
mod chaos;
mod credentials;
mod endings;
mod faults;
mod files;
mod lengths;
mod pace;
mod precedence;
mod pressure;
mod redirects;
mod server;
mod small;
mod sources;
mod stragglers;
mod support;
mod tls;
mod wrong_files;
