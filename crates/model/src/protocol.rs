//! The messages on the local socket between the service and its clients, and how they are framed.
//! No I/O.
//!
//! The protocol is [Varlink](https://varlink.org): each message is one JSON object, ended by a NUL
//! byte. A client sends [calls](message::CallMessage), the service answers each with one reply, or,
//! where the call asks for `more`, with several of which all but the last say `continues`. The
//! interfaces are described by the files in `crates/model/varlink`, which the service hands out
//! itself ([`introspection`]); a test keeps them equal to the types here.
//!
//! - [`framer`]: bytes to messages, with a limit on their size.
//! - [`message`], [`error`]: the envelope of calls, replies and errors.
//! - [`service`], [`apps`], [`packs`], [`downloads`], [`device`], [`extension`], [`introspection`]: the methods, one struct of
//!   parameters and one reply each.
//! - [`dispatch`]: what a server needs: the bytes of a call become one [`dispatch::Call`].
//!
//! A client begins each connection with [`service::Hello`]. Calls of an app process name no app:
//! the service knows the process by the kernel's credentials of the peer, by its token, or, for
//! development, by what it claims in the hello. Administrative calls name the app in `app`. `Ours:`
//! programs of one user are no boundary to each other (`Spec: cli`), so `app` is a convenience, not
//! a permission.
//!
//! The layout is described for writers of other clients in `docs/format/socket.md`.

pub mod apps;
pub mod device;
pub mod dispatch;
pub mod downloads;
pub mod error;
pub mod extension;
pub mod framer;
pub mod introspection;
pub mod message;
mod method;
pub mod packs;
mod progress;
mod reason;
pub mod service;
mod wire_time;

pub use method::{Method, Replies};
pub use progress::{PackFailure, Phase, Progress};
pub use reason::Reason;

/// Bytes of one call, without its NUL; a longer one is refused.
/// `Ours:` the longest call names some thousand packs or downloads, and longer lists are given in several calls; a client cannot
/// make the service hold more.
pub const CALL_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of one reply, without its NUL; a longer one is refused.
/// `Ours:` a full catalog with the authors' own data fits.
pub const REPLY_BYTES_MAX: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests;
