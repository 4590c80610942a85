//! Handing a file over.

use serde::{Deserialize, Serialize};

use super::method;
use super::{Language, PackPath};
use crate::{AppId, PackId};

/// Takes a file out of a pack, for the app to keep: moved, not copied. From then on no namespace has it. Fails with `fileNotFound`.
///
/// A call that is repeated, because nobody heard the answer, gives the file again until it was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consume {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// The path inside the packs.
    pub path: PackPath,
    /// Looks in this pack only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<PackId>,
    /// Looks in packs of this language only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// What the service answers to [`Consume`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumed {
    /// The pack that had it.
    pub pack: PackId,
    /// Where it lies, absolute; the caller moves it away.
    pub path: String,
}

method!(Consume, "io.headstart.Packs.Consume", One, Consumed);
