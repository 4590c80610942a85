//! Numbers that tell things of the engine apart.

use std::fmt;

use headstart_model::{AppId, PackId};
use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// Names an effect that is owed, and fences it: a completion that quotes an id which is not owed changes nothing.
    /// Never used twice in the life of a database.
    EffectId
}
number! {
    /// Names a download; later ones have higher numbers. Never used twice in the life of a database.
    DownloadId
}
number! {
    /// Names a call that waits for its answer. Chosen by the performer; unique while the call is open.
    RequestId
}
number! {
    /// Names a connection of a client. Chosen by the performer; not used again in the life of the process.
    ClientId
}

number! {
    /// Names a question to an app or its extension, and fences the answer. Not used again in the life of the process, and
    /// hardly in another one.
    CallId
}

/// A pack of an app.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PackKey {
    /// The app.
    pub app: AppId,
    /// The pack.
    pub pack: PackId,
}

impl PackKey {
    /// The pack `pack` of `app`.
    #[must_use]
    pub const fn new(app: AppId, pack: PackId) -> Self {
        Self { app, pack }
    }
}

impl fmt::Display for PackKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.app, self.pack)
    }
}
