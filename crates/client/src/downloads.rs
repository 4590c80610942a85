//! Single downloads of an app. `Spec: api 5`.

use std::path::PathBuf;
use std::time::SystemTime;

pub use headstart_model::download::BackgroundAssetsErrorCode;
pub use headstart_model::protocol::downloads::{
    AuthenticationMethod, ChallengeAnswer, ChallengeCredential, DownloadChallenge, WriteProgress,
};

use headstart_model::AppGroupId;

use crate::connector::Connector;
use crate::error::Error;
use crate::run::run;
use crate::{Download, Events, blocking};

mod callback;
pub(crate) mod delegate;
mod event;
pub(crate) mod exclusive;
mod finished_file;
pub(crate) mod paging;

pub use delegate::{DelegateRegistration, DownloadManagerDelegate};
pub use event::{ChallengedDownload, DownloadEvent, FailedDownload, FinishedDownload};
pub use exclusive::ExclusiveControl;
pub use finished_file::FinishedFile;

/// The single downloads of an app and of its extension. `Spec: api 5`.
///
/// ```no_run
/// # async fn load() -> Result<(), headstart::Error> {
/// use headstart::{AppGroupId, DownloadManager, UrlDownload};
///
/// # let group = AppGroupId::new("group.com.example.game")?;
/// let downloads = DownloadManager::connect().await?;
/// let level = UrlDownload::new("levels/2", "https://assets.example.com/2", 70_000, &group)?;
/// // Nobody else changes the downloads while this looks and decides.
/// downloads
///     .with_exclusive_control(async || {
///         let known = downloads.current_downloads().await?;
///         match known.iter().find(|download| download.identifier() == "levels/2") {
///             Some(known) => downloads.start_foreground(known).await,
///             None => downloads.schedule(&level).await,
///         }
///     })
///     .await??;
/// # Ok(()) }
/// ```
///
/// Clones are cheap, share connections, and are one manager: what was [started in the
/// foreground](Self::start_foreground) stays there until the last of them is dropped. It works in
/// the app and in its [extension](crate::extension) alike.
///
/// # Cancel safety
/// Dropping the future of any method ends the wait. What the service has accepted by then goes on.
#[derive(Debug, Clone)]
pub struct DownloadManager {
    inner: blocking::DownloadManager,
}

impl DownloadManager {
    /// The downloads of the app that this process is, or is the extension of.
    ///
    /// # Errors
    /// As [`Connector::downloads`].
    #[expect(clippy::unused_async, reason = "as every other `connect`, which may have to ask")]
    pub async fn connect() -> Result<Self, Error> {
        Connector::new().downloads()
    }

    /// The one manager of this process. See [`blocking::DownloadManager::shared`].
    ///
    /// # Errors
    /// As [`connect`](Self::connect); who asks again tries again.
    #[expect(clippy::unused_async, reason = "as `connect`")]
    pub async fn shared() -> Result<Self, Error> {
        blocking::DownloadManager::shared().map(Self::new)
    }

    pub(crate) const fn new(inner: blocking::DownloadManager) -> Self {
        Self { inner }
    }

    /// The same manager, for calls that wait.
    #[must_use]
    pub fn to_blocking(&self) -> blocking::DownloadManager {
        self.inner.clone()
    }

    /// Schedules a download: the service starts it when it finds the time right, and finishes it
    /// whatever becomes of this process. `Spec: concepts 4.1`.
    ///
    /// # Errors
    /// As [`blocking::DownloadManager::schedule`].
    pub async fn schedule(&self, download: impl AsRef<Download>) -> Result<(), Error> {
        self.schedule_all(std::slice::from_ref(download.as_ref())).await
    }

    /// Schedules downloads, in their order. See [`blocking::DownloadManager::schedule_all`].
    ///
    /// # Errors
    /// As [`blocking::DownloadManager::schedule_all`].
    pub async fn schedule_all(&self, downloads: &[Download]) -> Result<(), Error> {
        let downloads = downloads.to_vec();
        run(&self.inner, move |manager| manager.schedule_all(&downloads)).await
    }

    /// Starts a download now, whatever network and battery say. See
    /// [`blocking::DownloadManager::start_foreground`].
    ///
    /// # Errors
    /// As [`blocking::DownloadManager::start_foreground`].
    pub async fn start_foreground(&self, download: impl AsRef<Download>) -> Result<(), Error> {
        self.start_foreground_all(std::slice::from_ref(download.as_ref())).await
    }

    /// Starts downloads now, as [`start_foreground`](Self::start_foreground) does one.
    ///
    /// # Errors
    /// As [`blocking::DownloadManager::start_foreground_all`].
    pub async fn start_foreground_all(&self, downloads: &[Download]) -> Result<(), Error> {
        let downloads = downloads.to_vec();
        run(&self.inner, move |manager| manager.start_foreground_all(&downloads)).await
    }

    /// Cancels a download. `Spec: concepts 8`.
    ///
    /// # Errors
    /// As [`blocking::DownloadManager::cancel`].
    pub async fn cancel(&self, download: impl AsRef<Download>) -> Result<(), Error> {
        let download = download.as_ref().clone();
        run(&self.inner, move |manager| manager.cancel(&download)).await
    }

    /// The downloads of the app and its extension that have not concluded, oldest first.
    ///
    /// # Errors
    /// As [`blocking::DownloadManager::current_downloads`].
    pub async fn current_downloads(&self) -> Result<Vec<Download>, Error> {
        run(&self.inner, |manager| manager.current_downloads()).await
    }

    /// Takes the one right of app and extension to look at their downloads and change them, waiting
    /// for as long as it takes. See [`blocking::DownloadManager::exclusive_control`].
    ///
    /// With a `deadline` it waits no longer than that; one that has passed tries once.
    ///
    /// # Errors
    /// As [`blocking::DownloadManager::exclusive_control`].
    pub async fn exclusive_control(
        &self,
        deadline: Option<SystemTime>,
    ) -> Result<ExclusiveControl, Error> {
        run(&self.inner, move |manager| manager.exclusive_control(deadline)).await
    }

    /// As [`exclusive_control`](Self::exclusive_control), and none when somebody else had it until the
    /// deadline. See [`blocking::DownloadManager::try_exclusive_control`].
    ///
    /// # Errors
    /// As [`blocking::DownloadManager::try_exclusive_control`].
    pub async fn try_exclusive_control(
        &self,
        deadline: Option<SystemTime>,
    ) -> Result<Option<ExclusiveControl>, Error> {
        run(&self.inner, move |manager| manager.try_exclusive_control(deadline)).await
    }

    /// Runs `body` with [exclusive control](Self::exclusive_control): it is given back when `body`
    /// has ended, panics, or when this future is dropped. `Spec: concepts 12`.
    ///
    /// # Errors
    /// As [`exclusive_control`](Self::exclusive_control), and `body` has not begun then. What `body`
    /// gives is given on, its own error too.
    pub async fn with_exclusive_control<R>(
        &self,
        body: impl AsyncFnOnce() -> R,
    ) -> Result<R, Error> {
        self.controlled(None, body).await
    }

    /// As [`with_exclusive_control`](Self::with_exclusive_control), waiting no longer than until
    /// `deadline`; one that has passed tries once.
    ///
    /// # Errors
    /// As [`with_exclusive_control`](Self::with_exclusive_control).
    pub async fn with_exclusive_control_before<R>(
        &self,
        deadline: SystemTime,
        body: impl AsyncFnOnce() -> R,
    ) -> Result<R, Error> {
        self.controlled(Some(deadline), body).await
    }

    async fn controlled<R>(
        &self,
        deadline: Option<SystemTime>,
        body: impl AsyncFnOnce() -> R,
    ) -> Result<R, Error> {
        let control = self.exclusive_control(deadline).await?;
        let given = body().await;
        control.release().await;
        Ok(given)
    }

    /// Makes `delegate` hear of the app's downloads, for as long as what is given back is kept; from
    /// the moment on at which the future is done. See
    /// [`blocking::DownloadManager::set_delegate`].
    ///
    /// # Errors
    /// As [`blocking::DownloadManager::set_delegate`].
    pub async fn set_delegate(
        &self,
        delegate: impl DownloadManagerDelegate,
    ) -> Result<DelegateRegistration, Error> {
        run(&self.inner, move |manager| manager.set_delegate(delegate)).await
    }

    /// Has `hear` told what a [delegate](Self::set_delegate) hears. See
    /// [`blocking::DownloadManager::listen`].
    ///
    /// # Errors
    /// As [`blocking::DownloadManager::listen`].
    pub async fn listen(
        &self,
        hear: impl FnMut(DownloadEvent) + Send + 'static,
    ) -> Result<DelegateRegistration, Error> {
        run(&self.inner, move |manager| manager.listen(hear)).await
    }

    /// What a [delegate](Self::set_delegate) hears, as a stream. See
    /// [`blocking::DownloadManager::events`].
    ///
    /// # Errors
    /// As [`blocking::DownloadManager::events`].
    pub async fn events(&self) -> Result<Events<DownloadEvent>, Error> {
        Events::start(&self.inner, |manager| manager.events()).await
    }

    /// The folder that app and extension share by this group. See
    /// [`blocking::DownloadManager::group_container`].
    #[must_use]
    pub fn group_container(&self, group: &AppGroupId) -> PathBuf {
        self.inner.group_container(group)
    }
}
