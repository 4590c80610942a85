//! What happens to downloads of packs.

use serde::{Deserialize, Serialize};

use super::method;
use super::{Pack, PackId, Progress, Reason};
use crate::{AppId, Failure};

/// Something that happened to the download of a pack. `Spec: concepts 5.4`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum StatusUpdate {
    /// It began, or went on after a pause.
    Began {
        /// The pack.
        pack: Pack,
    },
    /// It waits. `Ours:` with the reasons, which the specification leaves out.
    Paused {
        /// The pack.
        pack: Pack,
        /// What it waits for.
        reasons: Vec<Reason>,
    },
    /// Bytes arrived.
    Downloading {
        /// The pack.
        pack: Pack,
        /// How far it is.
        progress: Progress,
    },
    /// The pack can be read.
    Finished {
        /// The pack.
        pack: Pack,
    },
    /// The download ended without the pack.
    Failed {
        /// The pack.
        pack: Pack,
        /// Why; of kind `cancelled` when somebody cancelled it.
        failure: Failure,
    },
}

impl StatusUpdate {
    /// The pack that it happened to.
    #[must_use]
    pub const fn pack(&self) -> &Pack {
        match self {
            Self::Began { pack }
            | Self::Paused { pack, .. }
            | Self::Downloading { pack, .. }
            | Self::Finished { pack }
            | Self::Failed { pack, .. } => pack,
        }
    }

    /// Whether nothing more will happen to this download.
    #[must_use]
    pub const fn is_conclusion(&self) -> bool {
        matches!(self, Self::Finished { .. } | Self::Failed { .. })
    }
}

/// What happens to the downloads of an app's packs, from now on. `Spec: api 2`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusUpdates {
    /// The app, for administrative callers; every app when they name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// Only those of this pack; the stream then ends after its download has concluded. A pack that
    /// is not being downloaded is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<PackId>,
}

/// One reply to [`StatusUpdates`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "one at a time is made, and moved once")]
pub enum StatusUpdateEvent {
    /// The first reply: whatever happens after it is told. `Ours:` without it a caller could not
    /// know from when on it misses nothing.
    Subscribed {},
    /// Something happened.
    Update(StatusUpdate),
    /// The caller reads too slowly: updates were dropped, the conclusions of downloads among them.
    /// The states are to be asked for anew. `Ours:` a queue for each caller is bounded, so that a
    /// stuck one costs the service nothing.
    Lost {
        /// Updates dropped.
        count: u64,
    },
}

method!(StatusUpdates, "io.headstart.Packs.StatusUpdates", Stream, StatusUpdateEvent);
