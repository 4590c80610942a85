//! A download as an app sees it.

use std::fmt;
use std::hash::{Hash, Hasher};

use headstart_model::protocol::downloads::ScheduledDownload;
use headstart_model::{AppGroupId, UrlPolicy, download as model};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use headstart_model::download::{DownloadKind, DownloadPriority, DownloadStatus};

use crate::error::Error;

mod url_download;

pub use url_download::UrlDownload;

/// A file to be fetched and handed over once: a description, and where the download was when it was
/// given. `Spec: api 7`.
///
/// It is a value, not a hold: it goes on saying what it said, and
/// [`current_downloads`](crate::DownloadManager::current_downloads) gives the present state. Two are
/// equal when everything is that they say. It can be written as JSON and read back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Download {
    #[serde(flatten)]
    description: model::UrlDownload,
    status: DownloadStatus,
    #[serde(default)]
    bytes_done: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes_total: Option<u64>,
}

impl Download {
    /// One that nobody has scheduled.
    pub(crate) const fn created(description: model::UrlDownload) -> Self {
        Self { description, status: DownloadStatus::Created, bytes_done: 0, bytes_total: None }
    }

    pub(crate) fn in_state(download: model::UrlDownload, status: DownloadStatus) -> Self {
        Self { bytes_total: download.file_size, status, ..Self::created(download) }
    }

    pub(crate) fn at(download: model::UrlDownload, done: u64, total: Option<u64>) -> Self {
        let moving = Self::in_state(download, DownloadStatus::Downloading);
        Self { bytes_done: done, bytes_total: total.or(moving.bytes_total), ..moving }
    }

    pub(crate) const fn wire(&self) -> &model::UrlDownload {
        &self.description
    }

    /// Tells what is wrong with it before anybody is asked. Whether `http` to this machine itself
    /// is allowed depends on how the app was installed, which the service knows.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let problem = self.description.check().err();
        let problem = problem.or_else(|| self.description.check_url(UrlPolicy::Development).err());
        match problem {
            None => Ok(()),
            Some(problem) => Err(problem.to_failure(&self.description.identifier).into()),
        }
    }

    /// What the developer calls it; unique among the downloads of an app that have not concluded.
    #[must_use]
    pub fn identifier(&self) -> &str {
        &self.description.identifier
    }

    /// What it is called for good: a UUID. Another download with the same identifier has another
    /// one.
    #[must_use]
    pub fn unique_identifier(&self) -> &str {
        &self.description.unique_identifier
    }

    /// What it is for.
    #[must_use]
    pub const fn kind(&self) -> DownloadKind {
        self.description.kind
    }

    /// Its place among the app's downloads. `Spec: concepts 15`.
    #[must_use]
    pub const fn priority(&self) -> DownloadPriority {
        self.description.priority
    }

    /// Where it was in its life when it was given.
    #[must_use]
    pub const fn status(&self) -> DownloadStatus {
        self.status
    }

    /// Whether the app may not be launched before it has concluded. `Spec: concepts 6`.
    #[must_use]
    pub const fn is_essential(&self) -> bool {
        self.description.essential
    }

    /// Whether it is for a file of the app's own: neither the archive of a pack nor the manifest,
    /// whose failure an extension is also told. `Spec: concepts 4.4`.
    #[must_use]
    pub fn is_url_download(&self) -> bool {
        self.description.kind == DownloadKind::Url
    }

    /// The same download, not essential: what an extension schedules when an essential one has
    /// failed. `Spec: concepts 4.4`.
    ///
    /// It keeps its identifier. *Ours:* its unique identifier is another one, so that its end is no
    /// repetition of the first one's for who looks at that. `Spec: concepts 11`.
    #[must_use]
    pub fn removing_essential(&self) -> Self {
        let mut description = self.description.removing_essential();
        description.unique_identifier = new_unique_identifier();
        Self::created(description)
    }

    /// Where the file lies. `Ours:` the original hides it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.description.url
    }

    /// The exact size of the file in bytes; none for one that was made [without a
    /// size](UrlDownload::without_size).
    #[must_use]
    pub const fn file_size(&self) -> Option<u64> {
        self.description.file_size
    }

    /// The group in whose container the file is handed over.
    #[must_use]
    pub const fn app_group(&self) -> &AppGroupId {
        &self.description.app_group
    }

    /// Bytes that had arrived when it was given. `Ours:` the original tells a delegate only.
    #[must_use]
    pub const fn bytes_done(&self) -> u64 {
        self.bytes_done
    }

    /// Bytes in all, as far as that was known.
    #[must_use]
    pub const fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }
}

impl From<ScheduledDownload> for Download {
    fn from(scheduled: ScheduledDownload) -> Self {
        let ScheduledDownload { download, status, bytes_done, bytes_total } = scheduled;
        Self { description: download, status, bytes_done, bytes_total }
    }
}

impl From<UrlDownload> for Download {
    fn from(download: UrlDownload) -> Self {
        download.into_download()
    }
}

/// For calls that take either this or an [`UrlDownload`].
impl AsRef<Self> for Download {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// By the unique identifier, which is another one for every download.
impl Hash for Download {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.description.unique_identifier.hash(state);
    }
}

impl fmt::Display for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.description.identifier, self.status)
    }
}

/// Shows no header's value and nothing of the URL's query.
impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("download", &self.description)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// An identifier that no other download has.
pub(crate) fn new_unique_identifier() -> String {
    Uuid::new_v4().to_string()
}
