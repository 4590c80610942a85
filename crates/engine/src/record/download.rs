//! The record of a download.

use headstart_model::Failure;
use headstart_model::catalog::CatalogPack;
use serde::{Deserialize, Serialize};

use super::pack::LocalVersion;
use crate::class::Demand;
use crate::id::{EffectId, PackKey};
use crate::time::WallTime;

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// Waits until it is admitted; `explain` says for what.
    Waiting,
    /// The effect works out what has to be fetched.
    Planning(EffectId),
    /// The effect moves bytes, verifies them and builds the version in the staging folder.
    Transferring(EffectId),
    /// Complete and verified in the staging folder; waits for the app's next switch.
    Built,
    /// The effect makes it the live version. From here on it can no longer be cancelled.
    Switching(EffectId),
}

/// What a plan comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanFigures {
    /// Bytes that the whole download moves, those fetched earlier included.
    pub total_bytes: u64,
    /// Bytes that are still to be fetched.
    pub remaining_bytes: u64,
    /// The most disk space that it still needs at one time.
    pub disk_bytes: u64,
}

/// A download that has not concluded. A concluded one has no record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Download {
    /// What it fetches.
    pub key: PackKey,
    /// The version that it fetches. Until it is built this is what the pack's offer describes.
    pub target: LocalVersion,
    /// Bytes of a fresh download of it.
    pub download_bytes: u64,
    /// Why it exists.
    pub demand: Demand,
    /// How far it is.
    pub stage: Stage,
    /// Attempts that failed since the last one that got anywhere.
    pub attempts: u32,
    /// When the next attempt may begin, after a failure.
    pub retry_at: Option<WallTime>,
    /// Why the last attempt failed.
    pub failure: Option<Failure>,
    /// What is still to be done, once that is known.
    pub plan: Option<PlanFigures>,
    /// When it was created.
    pub created_at: WallTime,
    /// A person has paused it.
    #[serde(default)]
    pub paused: bool,
    /// What the archive says of itself that the app downloaded by itself, and whose version this is. `Spec: packs 4.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub described: Option<Box<CatalogPack>>,
    /// Its version was retired and has been taken back while somebody reads it. `Ours:` nothing but its removal waits for the
    /// readers, so it is retired again where it does not become live.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub taken_back: bool,
}

impl Download {
    /// A new download of what is offered.
    pub(crate) fn new(
        key: PackKey,
        (target, download_bytes): (LocalVersion, u64),
        demand: Demand,
        now: WallTime,
    ) -> Self {
        Self {
            key,
            target,
            download_bytes,
            demand,
            stage: Stage::Waiting,
            attempts: 0,
            retry_at: None,
            failure: None,
            plan: None,
            created_at: now,
            paused: false,
            described: None,
            taken_back: false,
        }
    }

    /// Whether effect `id` is the one that this download waits for.
    pub(crate) fn is_in(&self, id: EffectId) -> bool {
        matches!(
            self.stage,
            Stage::Planning(at) | Stage::Transferring(at) | Stage::Switching(at) if at == id
        )
    }

    /// Whether it brings a newer version of a local pack, is not complete, and is to become live with others of its kind.
    /// What an installation waits for goes by itself: the app does not run meanwhile, and waits for nothing else.
    pub(crate) fn is_joint_update(&self, pack: &super::Pack) -> bool {
        let stays = pack.local.is_some() && pack.leaving.is_none();
        stays && self.is_open() && self.demand != Demand::Essential
    }

    /// Whether it can still be turned to another version or taken back.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::Planning(_) | Stage::Transferring(_))
    }
}
