//! Reading installed packs again, and healing them.

use serde::{Deserialize, Serialize};

use super::method;
use super::{PackFailure, PackPath, Progress};
use crate::{AppId, PackId};

/// What to do with damage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Repair {
    /// Only tell.
    #[default]
    Report,
    /// Fetch damaged files again.
    Repair,
}

/// Reads every installed file of packs and compares it with the digests of its chunks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// The app, for administrative callers; every app when they name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// The packs; none means all.
    #[serde(default)]
    pub packs: Vec<PackId>,
    /// What to do with damage.
    #[serde(default)]
    pub repair: Repair,
}

/// What happens while packs are verified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum VerifyEvent {
    /// How far it is.
    Progress(Progress),
    /// All were read; the only reply to a call without `more`.
    Done(Verification),
}

/// How [`Verify`] ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Every pack that was read. `Spec: cli`.
    pub packs: Vec<VerifiedPack>,
    /// Packs that could not be read, or not be repaired.
    pub failures: Vec<PackFailure>,
}

/// A pack that was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifiedPack {
    /// The pack.
    pub id: PackId,
    /// Files that were damaged or missing; none when it is whole. After a repair they are whole
    /// again, unless the pack is among the failures.
    pub damaged_files: Vec<PackPath>,
    /// Bytes fetched to repair them.
    pub bytes_down: u64,
}

method!(Verify, "io.headstart.Packs.Verify", ProgressThenResult, VerifyEvent);
