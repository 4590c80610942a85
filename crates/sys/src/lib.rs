//! The operating system, seen through one narrow crate.
//!
//! Everything that Headstart asks of the system beyond plain reading and writing lies here, so
//! that the other crates hold no `unsafe`, no platform switches and no second opinion about what
//! "written durably" means.
//!
//! - [`durable`]: the one way to change what must survive a power cut; [`crash`] replays a kill at
//!   each of its steps.
//! - [`clone`], [`identity`], [`link`], [`mode`], [`positioned`], [`map`], [`space`], [`lock`]: files.
//! - [`beneath`]: files below a folder that somebody else may be writing in, without ever
//!   following a link.
//! - [`dirs`]: where a device keeps its things, and where its socket is; [`locale`]: what the person reads.
//! - [`purgeable`]: the mark on files that may go when the disk gets full.
//! - [`boot`]: which start of the machine this is.
//! - [`socket`], [`process`], [`memory`]: the local socket with the identity of the peer, and
//!   processes.
//! - [`confine`]: programs of others, run with nothing but what they were given.
//! - [`tcp`]: the path of one of this process's TCP connections.
//!
//! Not here: decisions, formats, async. Everything blocks; an async caller uses a thread pool, or,
//! for the calls that take any descriptor, its own readiness loop.
//!
//! Linux is what the tests run on. The code for other Unix systems and for Windows is written with
//! portable fall-backs and was not run; where a fall-back promises less, its documentation says so.

pub mod beneath;
pub mod boot;
pub mod clone;
pub mod confine;
pub mod crash;
pub mod dirs;
pub mod durable;
mod error;
pub mod identity;
pub mod link;
pub mod locale;
pub mod lock;
pub mod map;
pub mod memory;
pub mod mode;
pub mod positioned;
pub mod power;
pub mod process;
pub mod purgeable;
pub mod socket;
pub mod space;
pub mod tcp;

pub use error::{Action, FileError};
