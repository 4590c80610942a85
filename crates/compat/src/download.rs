//! Single downloads.

use std::collections::BTreeMap;
use std::ops::Deref;

use headstart::blocking::DownloadManager as Inner;
use headstart::downloads::WriteProgress;
use serde::Serialize;

use crate::asset_pack::signed;
use crate::error::{BackgroundAssetsError, Fallible, Result, fallible};
use crate::extension::{AuthenticationChallenge, ChallengeDisposition};
use crate::manifest::group;

#[cfg(feature = "async")]
mod delegate;
#[cfg(feature = "async")]
pub use crate::async_api::ExclusiveControlFuture;
#[cfg(feature = "async")]
pub use delegate::{DownloadManagerEventStream, install_global_download_manager_delegate};

/// Why content is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ContentRequest {
    /// First installation of the app.
    Install,
    /// Update of the app.
    Update,
    /// When the device finds it a good time.
    Periodic,
    /// Any other: 4 when the app's language has changed.
    #[cfg(not(feature = "v0_3"))]
    Unknown(isize),
}

impl ContentRequest {
    /// Whether the answer may have essential downloads.
    pub const fn allows_essential_downloads(self) -> bool {
        matches!(self, Self::Install | Self::Update)
    }

    /// None for a request that nobody knows.
    pub(crate) fn known(self) -> Option<headstart::ContentRequest> {
        headstart::ContentRequest::ALL.into_iter().find(|known| Self::from(*known) == self)
    }
}

impl From<headstart::ContentRequest> for ContentRequest {
    fn from(request: headstart::ContentRequest) -> Self {
        match request {
            headstart::ContentRequest::Install => Self::Install,
            headstart::ContentRequest::Update => Self::Update,
            headstart::ContentRequest::Periodic => Self::Periodic,
            #[cfg(not(feature = "v0_3"))]
            headstart::ContentRequest::LanguageChange => Self::Unknown(4),
            // It has no name there, and asks for no essential downloads either.
            #[cfg(feature = "v0_3")]
            headstart::ContentRequest::LanguageChange => Self::Periodic,
        }
    }
}

/// Where a download is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum DownloadStatus {
    /// It has failed.
    Failed,
    /// It was made and not scheduled.
    Created,
    /// It is scheduled and waits.
    Waiting,
    /// Its bytes are moving.
    Downloading,
    /// It has arrived.
    Finished,
    /// Any other.
    Unknown(i64),
}

impl From<headstart::DownloadStatus> for DownloadStatus {
    fn from(status: headstart::DownloadStatus) -> Self {
        match status {
            headstart::DownloadStatus::Failed => Self::Failed,
            headstart::DownloadStatus::Created => Self::Created,
            headstart::DownloadStatus::Waiting => Self::Waiting,
            headstart::DownloadStatus::Downloading => Self::Downloading,
            headstart::DownloadStatus::Finished => Self::Finished,
            other => Self::Unknown(other.number()),
        }
    }
}

/// The place of a download among those of the app.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DownloadPriority(i64);

impl DownloadPriority {
    /// The priority of this number; outside of [`min`](Self::min) and [`max`](Self::max) a download
    /// cannot be made with it.
    pub const fn new(value: i64) -> Self {
        Self(value)
    }

    /// Its number.
    pub const fn raw_value(self) -> i64 {
        self.0
    }

    /// The lowest.
    pub fn min() -> Self {
        Self(headstart::DownloadPriority::MIN.into())
    }

    /// That of a download that names none.
    pub fn default_value() -> Self {
        Self(headstart::DownloadPriority::DEFAULT.into())
    }

    /// The highest.
    pub fn max() -> Self {
        Self(headstart::DownloadPriority::MAX.into())
    }
}

/// What a download says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DownloadSnapshot {
    /// What the developer calls it.
    pub identifier: String,
    /// A UUID.
    pub unique_identifier: String,
    /// Where it is in its life.
    pub status: DownloadStatus,
    /// Its place among the app's downloads.
    pub priority: DownloadPriority,
    /// Whether the app may not be launched before it has concluded.
    pub is_essential: bool,
    /// Whether it is for a file of the app's own.
    pub is_url_download: bool,
}

/// Bytes of a download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DownloadWriteProgress {
    /// Bytes that arrived since the last news.
    pub bytes_written: i64,
    /// Bytes that have arrived.
    pub total_bytes_written: i64,
    /// Bytes in all; −1 while that is not known.
    pub total_bytes_expected_to_write: i64,
}

impl DownloadWriteProgress {
    /// The share that is done; none while that is not known.
    pub fn fraction_completed(&self) -> Option<f64> {
        let known = self.total_bytes_expected_to_write > 0;
        known.then(|| self.total_bytes_written as f64 / self.total_bytes_expected_to_write as f64)
    }
}

impl From<WriteProgress> for DownloadWriteProgress {
    fn from(progress: WriteProgress) -> Self {
        Self {
            bytes_written: signed(progress.bytes_written),
            total_bytes_written: signed(progress.total_bytes_written),
            total_bytes_expected_to_write: progress.total_bytes_expected.map_or(-1, signed),
        }
    }
}

/// Hears of the app's downloads.
#[expect(unused_variables, reason = "the names of parameters document the methods")]
pub trait DownloadManagerDelegate: Send + 'static {
    /// Bytes begin to move, or move again.
    fn download_did_begin(&mut self, download: &DownloadSnapshot) {}
    /// It waits.
    fn download_did_pause(&mut self, download: &DownloadSnapshot) {}
    /// Bytes arrived.
    fn download_did_write_bytes(
        &mut self,
        download: &DownloadSnapshot,
        progress: &DownloadWriteProgress,
    ) {
    }
    /// A server asks for a credential.
    fn did_receive_challenge(
        &mut self,
        download: &DownloadSnapshot,
        challenge: &AuthenticationChallenge,
    ) -> ChallengeDisposition {
        ChallengeDisposition::PerformDefaultHandling
    }
    /// It failed.
    fn download_failed(&mut self, download: &DownloadSnapshot, error: &BackgroundAssetsError) {}
    /// It arrived; the file is deleted when this returns.
    fn download_finished(&mut self, download: &DownloadSnapshot, file_url: &str) {}
}

/// What a [`DownloadManagerDelegate`] heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is documented at the delegate's method")]
pub enum DownloadManagerEvent {
    Began {
        download: DownloadSnapshot,
    },
    Paused {
        download: DownloadSnapshot,
    },
    Progress {
        download: DownloadSnapshot,
        progress: DownloadWriteProgress,
    },
    ChallengeRequested {
        download: DownloadSnapshot,
        challenge: AuthenticationChallenge,
        disposition: ChallengeDisposition,
    },
    Failed {
        download: DownloadSnapshot,
        error: BackgroundAssetsError,
    },
    Finished {
        download: DownloadSnapshot,
        file_url: String,
    },
}

/// A download.
#[derive(Debug, Clone)]
pub struct Download(pub(crate) headstart::Download);

impl Download {
    /// What the developer calls it.
    pub fn identifier(&self) -> String {
        self.0.identifier().to_owned()
    }

    /// A UUID.
    pub fn unique_identifier(&self) -> String {
        self.0.unique_identifier().to_owned()
    }

    /// Where it was in its life when it was given.
    pub fn status(&self) -> DownloadStatus {
        self.0.status().into()
    }

    /// Its place among the app's downloads.
    pub fn priority(&self) -> DownloadPriority {
        DownloadPriority(self.0.priority().into())
    }

    /// Whether the app may not be launched before it has concluded.
    pub fn is_essential(&self) -> bool {
        self.0.is_essential()
    }

    /// Whether it is for a file of the app's own.
    pub fn is_url_download(&self) -> bool {
        self.0.is_url_download()
    }

    /// The same download, not essential.
    pub fn removing_essential(&self) -> Option<Self> {
        Some(Self(self.0.removing_essential()))
    }

    /// All of it.
    pub fn snapshot(&self) -> DownloadSnapshot {
        DownloadSnapshot {
            identifier: self.identifier(),
            unique_identifier: self.unique_identifier(),
            status: self.status(),
            priority: self.priority(),
            is_essential: self.is_essential(),
            is_url_download: self.is_url_download(),
        }
    }
}

/// What else a download is made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UrlDownloadOptions {
    /// The method of the request; only `GET` fetches anything here.
    pub method: String,
    /// Headers of the request.
    pub headers: BTreeMap<String, String>,
    /// Whether the app may not be launched before it has concluded.
    pub essential: bool,
    /// Its place among the app's downloads.
    pub priority: DownloadPriority,
}

impl Default for UrlDownloadOptions {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            headers: BTreeMap::new(),
            essential: false,
            priority: DownloadPriority::default(),
        }
    }
}

/// A download of a file of the app's own.
#[derive(Debug, Clone)]
pub struct UrlDownload(Download);

impl UrlDownload {
    /// A download of `url`, whose file has exactly `file_size` bytes.
    ///
    /// # Errors
    /// When something about it is not as it has to be.
    pub fn new(identifier: &str, url: &str, file_size: u64, app_group_id: &str) -> Result<Self> {
        Self::with_options(identifier, url, file_size, app_group_id, UrlDownloadOptions::default())
    }

    /// The same with options.
    ///
    /// # Errors
    /// When something about it is not as it has to be.
    #[expect(clippy::needless_pass_by_value, reason = "the signature is given")]
    pub fn with_options(
        identifier: &str,
        url: &str,
        file_size: u64,
        app_group_id: &str,
        options: UrlDownloadOptions,
    ) -> Result<Self> {
        let made = || {
            let priority = headstart::DownloadPriority::new(options.priority.raw_value())?;
            headstart::UrlDownload::new(identifier, url, file_size, &group(app_group_id)?)?
                .essential(options.essential)
                .priority(priority)
                .method(&options.method)?
                .headers(&options.headers)
        };
        Ok(Self(Download(made()?.into_download())))
    }

    /// As what is scheduled.
    pub fn into_download(self) -> Download {
        self.0
    }
}

impl Deref for UrlDownload {
    type Target = Download;

    fn deref(&self) -> &Download {
        &self.0
    }
}

/// The single downloads of the app.
#[derive(Debug, Clone)]
pub struct DownloadManager(pub(crate) Inner);

impl DownloadManager {
    /// The downloads of the app that this process is.
    ///
    /// # Errors
    /// When what the environment says cannot be used.
    pub fn shared() -> Fallible<Self> {
        fallible(Inner::shared().map(Self))
    }

    /// Schedules a download.
    ///
    /// # Errors
    /// When it is essential, or the service refuses it.
    pub fn schedule_download(&self, download: &Download) -> Result<()> {
        Ok(self.0.schedule(&download.0)?)
    }

    /// Starts a download now.
    ///
    /// # Errors
    /// When it is essential, or the service refuses it.
    pub fn start_foreground_download(&self, download: &Download) -> Result<()> {
        Ok(self.0.start_foreground(&download.0)?)
    }

    /// Cancels a download.
    ///
    /// # Errors
    /// When it is not scheduled.
    pub fn cancel_download(&self, download: &Download) -> Result<()> {
        Ok(self.0.cancel(&download.0)?)
    }
}
