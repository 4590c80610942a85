//! Why a pack is, or is not yet, on the device.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::Reason;
use super::method;
use crate::protocol::wire_time;
use crate::{AppId, PackId, PackPath};

/// Asks why a pack is, or is not yet, on the device; and when. `Spec: cli`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explain {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// The pack.
    pub pack: PackId,
}

/// What the service answers to [`Explain`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Where the pack is in its life, by a stable name in `camelCase`.
    pub state: String,
    /// The facts that this depends on; the weightiest first.
    pub reasons: Vec<Reason>,
    /// When it is expected to be there; null when it is there, or nobody can tell.
    #[serde(default, with = "wire_time")]
    pub eta: Option<SystemTime>,
    /// Files of the pack that other packs have too, by path; at most [`COLLISIONS_TOLD_MAX`].
    #[serde(default)]
    pub collisions: Vec<Collision>,
}

/// Most collisions in an [`Explanation`]. `Ours:` two packs may be copies of each other, and a reply is bounded.
pub const COLLISIONS_TOLD_MAX: usize = 100;

/// A path that several installed packs have. `Spec: packs 2`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collision {
    /// The path.
    pub path: PackPath,
    /// The packs, by id: the file of the first is read where no pack is named.
    pub packs: Vec<PackId>,
}

method!(Explain, "io.headstart.Packs.Explain", One, Explanation);
