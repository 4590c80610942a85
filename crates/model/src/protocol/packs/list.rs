//! Asking which packs there are, and how they are.

use serde::{Deserialize, Serialize};

use super::PackState;
use super::method;
use crate::{AppId, PackId, PackVersion};

/// Every pack of an app, or of every app when an administrative caller names none. May ask the
/// server. `Spec: api 2`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
}

/// What the service answers to [`List`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackList {
    /// The packs that are offered or local, by app and id.
    pub packs: Vec<PackState>,
}

method!(List, "io.headstart.Packs.List", One, PackList);

/// One pack and its status; asks the server. Fails with `assetPackNotFound` when it is neither
/// offered nor local. Begins and removes nothing. `Spec: packs 8.2`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Status {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// The pack.
    pub pack: PackId,
    /// Compares the local copy with this version instead of the offered one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative_to: Option<PackVersion>,
}

method!(Status, "io.headstart.Packs.Status", One, PackState);

/// The status of a pack as far as the device knows it without asking the server. Never fails for a
/// pack: one that is unknown has no flag. `Spec: packs 8.2`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalStatus {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// The pack.
    pub pack: PackId,
}

/// What the service answers to [`LocalStatus`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalStatusReply {
    /// The status flags.
    pub status: crate::Status,
}

method!(LocalStatus, "io.headstart.Packs.LocalStatus", One, LocalStatusReply);
