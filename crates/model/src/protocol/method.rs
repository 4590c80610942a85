//! What makes a struct of parameters a method.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How many replies a method gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replies {
    /// One.
    One,
    /// To a call with `more`: any number that tell how it goes, then the result. To any other call:
    /// the result alone.
    ProgressThenResult,
    /// A stream; a call without `more` is refused.
    Stream,
}

/// The parameters of a method of the service. `Ours:` type and name stand together, so that a
/// client cannot read the reply of another method than it called.
pub trait Method: Serialize + DeserializeOwned {
    /// Interface and method: `io.headstart.Packs.List`.
    const NAME: &'static str;
    /// How many replies it gives.
    const REPLIES: Replies;
    /// What each reply holds.
    type Reply: Serialize + DeserializeOwned;
}

/// `method!(Params, "interface.Method", Replies, Reply)`.
macro_rules! method {
    ($parameters:ty, $name:literal, $replies:ident, $reply:ty) => {
        impl $crate::protocol::Method for $parameters {
            const NAME: &'static str = $name;
            const REPLIES: $crate::protocol::Replies = $crate::protocol::Replies::$replies;
            type Reply = $reply;
        }
    };
}
pub(super) use method;
