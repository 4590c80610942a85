//! Where files of packs are.

use serde::{Deserialize, Serialize};

use super::method;
use super::{Language, PackPath};
use crate::{AppId, PackId};

/// Where a file or folder of the app's packs is. Fails with `fileNotFound`.
///
/// `Ours:` apps find files in the namespace snapshot and need no call for it; this is for callers
/// that cannot read one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locate {
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

/// What the service answers to [`Locate`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    /// Where it is, absolute. Good until the pack is replaced or removed: only a held snapshot
    /// keeps it there.
    pub path: String,
}

method!(Locate, "io.headstart.Packs.Locate", One, Located);

/// Where the newest namespace snapshot of an app lies. Fails with `namespaceNotFound` when none was
/// made yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenNamespace {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
}

/// What the service answers to [`OpenNamespace`]. The reader takes a shared lock on the file: that
/// lock is the lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceSnapshot {
    /// The generation: rises with each change of what can be read.
    pub generation: u64,
    /// The snapshot file, absolute; its format is [`crate::namespace`].
    pub path: String,
}

method!(OpenNamespace, "io.headstart.Packs.OpenNamespace", One, NamespaceSnapshot);
