//! The service: runs the engine's effects.
//!
//! One thread owns the engine's state and the database ([`core`]): it hears events, commits what they change, and only then
//! lets effects begin. Effects are performed on a tokio runtime ([`perform`]) and report back as events. Programs talk to
//! it over the local socket ([`socket`]). Apps and their downloader extensions are asked by the extension host ([`extension`]).
//!
//! Nothing is decided here: what, when and in which order is the engine's.

mod bundle;
mod clock;
mod collisions;
pub mod conditions;
pub mod core;
pub mod extension;
pub mod inbox;
mod logging;
mod options;
pub mod perform;
mod run;
mod server_headers;
pub mod socket;

pub use logging::start_logging;
pub use options::Options;
pub use run::{RunError, run};
