//! `io.headstart.Downloads`: single downloads. `Spec: api 5 and 7`.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::method::method;
use super::{Reason, wire_time};
use crate::download::{DownloadPriority, DownloadStatus, UrlDownload};
use crate::{AppId, Failure, PackId};

mod delegate;
mod queue;

pub use delegate::{
    Acknowledge, Acknowledged, Attend, AuthenticationMethod, ChallengeAnswer, ChallengeCredential,
    DelegateEvent, DownloadChallenge, WriteProgress,
};
pub use queue::{Change, Changed, List, QueueAction, QueueEntry, QueuePage};

/// Downloads in one page of a list, at most.
pub const PAGE_MAX: usize = 1_000;

/// Schedules downloads: all of them, or none. `Spec: api 5`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Schedule {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// The downloads.
    pub downloads: Vec<UrlDownload>,
    /// Starts them now, in the foreground, for as long as this connection lasts. One that is scheduled already is promoted,
    /// and goes on from the byte where it is. `Spec: concepts 4.3`.
    #[serde(default)]
    pub foreground: bool,
}

/// Everything is scheduled, durably.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduled {}

method!(Schedule, "io.headstart.Downloads.Schedule", One, Scheduled);

/// Cancels a download of the app. `Spec: concepts 8`: refused when it is not scheduled or has concluded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelDownload {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// Its identifier.
    pub identifier: String,
}

/// The download is cancelled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelledDownload {}

method!(CancelDownload, "io.headstart.Downloads.Cancel", One, CancelledDownload);

/// The downloads of the app that have not concluded, those of its extension included. A page at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Current {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// Only those after this number; as the last page says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

/// A page of what [`Current`] asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentPage {
    /// Downloads, oldest first.
    pub downloads: Vec<ScheduledDownload>,
    /// What the next page is asked for with; none when this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

method!(Current, "io.headstart.Downloads.Current", One, CurrentPage);

/// A download that the service has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduledDownload {
    /// What was scheduled.
    pub download: UrlDownload,
    /// Where it is in its life.
    pub status: DownloadStatus,
    /// Bytes that have arrived.
    pub bytes_done: u64,
    /// Bytes in all, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_total: Option<u64>,
}

/// Takes the one right of an app to look at its downloads and change them, shared by the app and its extension. It lasts
/// until [`ReleaseExclusiveControl`] on the same connection, or until that ends. `Spec: concepts 12`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AcquireExclusiveControl {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// How long to wait for it at most, in milliseconds: 0 tries once. None waits for as long as it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_milliseconds: Option<u64>,
}

/// The right is the caller's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExclusiveControl {}

method!(
    AcquireExclusiveControl,
    "io.headstart.Downloads.AcquireExclusiveControl",
    One,
    ExclusiveControl
);

/// Gives the right back. Without effect when this connection does not have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseExclusiveControl {}

/// The right is free, or the next one's who waits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedExclusiveControl {}

method!(
    ReleaseExclusiveControl,
    "io.headstart.Downloads.ReleaseExclusiveControl",
    One,
    ReleasedExclusiveControl
);

/// Asks why a download is where it is, and when it will go on: by its number in the queue, or by its identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplainDownload {
    /// The app, where the identifier alone does not name the download.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// Its number or identifier.
    pub id: String,
}

/// What the service answers to [`ExplainDownload`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownloadExplanation {
    /// Where it is in its life.
    pub state: DownloadStatus,
    /// The facts that this depends on; the weightiest first.
    pub reasons: Vec<Reason>,
    /// When it is expected to have arrived; null when it has, or nobody can tell.
    #[serde(default, with = "wire_time")]
    pub eta: Option<SystemTime>,
}

method!(ExplainDownload, "io.headstart.Downloads.Explain", One, DownloadExplanation);

/// A download for which something failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownloadFailure {
    /// Its identifier.
    pub identifier: String,
    /// What failed.
    pub failure: Failure,
}

/// What a download in the queue is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum QueueSubject {
    /// A pack.
    Pack(PackId),
    /// A single download, by its identifier.
    Identifier(String),
}

/// The priority that listings show for packs, which have none of their own.
pub const PACK_PRIORITY: DownloadPriority = DownloadPriority::DEFAULT;
