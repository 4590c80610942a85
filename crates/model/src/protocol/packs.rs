//! `io.headstart.Packs`: the asset packs of an app.
//!
//! In every call `app` is for administrative callers; a process of an app leaves it out and means
//! itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::method::method;
use super::{PackFailure, Progress, Reason};
use crate::{
    AppId, AppVersions, DownloadPolicy, Language, PackId, PackPath, PackVersion, Until, Urgency,
};

mod ahead;
mod consume;
mod explain;
mod languages;
mod list;
mod reading;
mod server_headers;
mod status_update;
mod verify;

pub use ahead::{ArrivedPart, ReadAhead, Readable};
pub use consume::{Consume, Consumed};
pub use explain::{COLLISIONS_TOLD_MAX, Collision, Explain, Explanation};
pub use languages::{
    LanguageSet, Languages, LanguagesReply, ReconcileLanguages, Reconciliation, SetLanguage,
};
pub use list::{List, LocalStatus, LocalStatusReply, PackList, Status};
pub use reading::{Locate, Located, NamespaceSnapshot, OpenNamespace};
pub use server_headers::{ServerHeadersSet, SetServerHeaders};
pub use status_update::{StatusUpdate, StatusUpdateEvent, StatusUpdates};
pub use verify::{Repair, Verification, VerifiedPack, Verify, VerifyEvent};

/// One pack in one version. The fields are those of `Spec: api 1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pack {
    /// The pack.
    pub id: PackId,
    /// The version that is offered; the local one when the pack is offered no longer.
    pub version: PackVersion,
    /// Bytes of a fresh download.
    pub download_size: u64,
    /// Bytes of all its files when installed.
    pub installed_size: u64,
    /// Whatever the author put there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_info: Option<serde_json::Value>,
    /// Its language; none when it is not localized.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// When it is downloaded.
    pub policy: DownloadPolicy,
    /// What vouches for its bytes.
    pub trust: Trust,
}

/// What vouches for the bytes of a pack.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Trust {
    /// Signed metadata of a repository names their digests.
    #[default]
    Signed,
    /// Only the connection to the server: a plain download manifest names the archive, and the
    /// archive its own digests.
    TransportOnly,
}

impl Trust {
    /// The name as it stands in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::TransportOnly => "transport-only",
        }
    }

    /// Whether a signature vouches for them.
    #[must_use]
    pub const fn is_signed(&self) -> bool {
        matches!(self, Self::Signed)
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A pack and what the device has of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackState {
    /// The app that it belongs to.
    pub app: AppId,
    /// The pack.
    pub pack: Pack,
    /// The version that can be read; none when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_version: Option<PackVersion>,
    /// The status flags. `Spec: packs 8.1`.
    pub status: crate::Status,
    /// The newest version, when it is not for this version of the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
}

/// A version of a pack that is not for this version of the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Withheld {
    /// The pack.
    pub pack: PackId,
    /// The version.
    pub version: PackVersion,
    /// The versions of the app that it is for.
    pub app_versions: AppVersions,
}

/// Makes packs readable: downloads those that are not. `Spec: concepts 5.3`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ensure {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// The packs.
    pub packs: Vec<PackId>,
    /// Also waits for an available update of packs that are readable already.
    #[serde(default)]
    pub latest: bool,
    /// How urgently they are waited for.
    #[serde(default)]
    pub urgency: Urgency,
    /// For how many of them the call waits.
    #[serde(default)]
    pub until: Until,
}

/// What happens while packs are made readable: any updates and progress, then [`Done`](Self::Done)
/// once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum EnsureEvent {
    /// What happened to one of the packs.
    Update(StatusUpdate),
    /// How far all of them are together.
    Progress(Progress),
    /// Each pack has concluded; the only reply to a call without `more`. A pack that failed is no
    /// failure of the call.
    Done(EnsureOutcome),
}

/// How [`Ensure`] ended: each pack of the call stands in one of the two lists, unless the call waited for any of them: then
/// those that had not concluded stand in neither.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnsureOutcome {
    /// Packs that can be read, in the version that can be read.
    pub successes: Vec<Pack>,
    /// Packs that cannot, or, if the latest version was asked for, not in that version.
    pub failures: Vec<PackFailure>,
}

method!(Ensure, "io.headstart.Packs.Ensure", ProgressThenResult, EnsureEvent);

/// Asks the server for the newest state, begins updates of downloaded packs and removes obsolete
/// ones. `Spec: concepts 5.2`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckForUpdates {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
}

/// What the service answers to [`CheckForUpdates`], when the updates have begun.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Updates {
    /// Packs that are being updated, by id.
    pub updating: Vec<PackId>,
    /// Packs that were removed, by id.
    pub removed: Vec<PackId>,
    /// Local packs of which there is a newer version, for other versions of the app.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<Withheld>,
}

method!(CheckForUpdates, "io.headstart.Packs.CheckForUpdates", One, Updates);

/// Removes the local copy of a pack. `Spec: concepts 8`.
///
/// `Ours:` a pack that is not local is no error, an id that the app does not have is
/// (`assetPackNotFound`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remove {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// The pack.
    pub pack: PackId,
}

/// The local copy is gone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {}

method!(Remove, "io.headstart.Packs.Remove", One, Removed);

/// Cancels the download of a pack, whoever asked for it. A pack that is not being downloaded is no
/// error, so it may be called at any time and any number of times. `Spec: concepts 8`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cancel {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// The pack.
    pub pack: PackId,
}

/// Nothing of the pack is being downloaded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {}

method!(Cancel, "io.headstart.Packs.Cancel", One, Cancelled);
