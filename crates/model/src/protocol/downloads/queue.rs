//! The whole queue, as the person at the device sees it.

use serde::{Deserialize, Serialize};

use super::{QueueSubject, method};
use crate::AppId;
use crate::download::{DownloadPriority, DownloadStatus};

/// Everything that is being downloaded, for any app. A page at a time. `Spec: cli`, `downloads list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Only downloads of this app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// Only those after this number; as the last page says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

/// A page of what [`List`] asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuePage {
    /// Downloads, oldest first.
    pub downloads: Vec<QueueEntry>,
    /// What the next page is asked for with; none when this is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

method!(List, "io.headstart.Downloads.List", One, QueuePage);

/// A download of a pack or of a single file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueEntry {
    /// Its number, which every command about the queue takes.
    pub id: u64,
    /// The app.
    pub app: AppId,
    /// What it is for.
    pub subject: QueueSubject,
    /// Where it is in its life.
    pub state: DownloadStatus,
    /// Its place among the app's downloads.
    pub priority: DownloadPriority,
    /// Whether the app waits for it before it may be launched.
    pub essential: bool,
    /// Whether somebody waits for it, so that it goes before what nobody waits for.
    pub foreground: bool,
    /// Whether a person has paused it.
    pub paused: bool,
    /// Bytes that have arrived.
    pub bytes_done: u64,
    /// Bytes in all, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_total: Option<u64>,
}

/// What a person does about a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum QueueAction {
    /// It stops, keeps what it has, and goes on only when somebody resumes it.
    Pause,
    /// It goes on.
    Resume,
    /// It goes before everything that nobody waits for.
    Promote,
    /// It ends; whoever scheduled it is told so.
    Cancel,
}

/// Does something about a download of the queue. `Spec: cli`, `downloads`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Its number or its identifier.
    pub id: String,
    /// The app, where the identifier alone does not name the download.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// What to do.
    pub action: QueueAction,
}

/// It is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {}

method!(Change, "io.headstart.Downloads.Change", One, Changed);
