//! Managers whose operations begin when they are called, and give a future for the result.

#[cfg(not(feature = "v0_3"))]
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::SystemTime;

use headstart::Require;
use headstart::blocking::AssetPackManager as Packs;
#[cfg(feature = "v0_3")]
use headstart::downloads::ExclusiveControl;

pub use crate::download::{
    DownloadManagerDelegate, DownloadManagerEvent, DownloadManagerEventStream,
    DownloadWriteProgress, install_global_download_manager_delegate,
};
pub use crate::extension::{
    ManagedDownloaderExtensionHandler, install_global_managed_downloader_extension,
};
pub use crate::manager::{
    DownloadProgress, DownloadStatusStream, DownloadStatusUpdate, ManagedAssetPackDownloadDelegate,
    ManagedAssetPackDownloadEvent, ManagedAssetPackDownloadEventStream, UpdateCheck,
    install_global_managed_asset_pack_download_delegate,
};

#[cfg(feature = "v0_3")]
pub use crate::extension::{
    ManagedDownloaderExtensionConfiguration, ManagedDownloaderExtensionRegistration,
};

use crate::asset_pack::{AssetPack, AssetPackStatus};
use crate::download::{Download, DownloadManager};
use crate::error::{Fallible, Result};
use crate::manager::AssetPackManager;
use crate::operation::Operation;

/// The packs that are offered.
pub type AllAssetPacksFuture = Operation<Vec<AssetPack>>;
/// A pack.
pub type AssetPackFuture = Operation<AssetPack>;
/// The status of a pack.
pub type AssetPackStatusFuture = Operation<AssetPackStatus>;
/// Waits until a pack can be read.
pub type EnsureLocalAvailabilityFuture = Operation<()>;
/// What a check for updates began.
pub type CheckForUpdatesFuture = Operation<UpdateCheck>;
/// Waits until a pack is removed.
pub type RemoveAssetPackFuture = Operation<()>;
/// The downloads that have not concluded.
pub type CurrentDownloadsFuture = Operation<Vec<Download>>;
/// What `body` gave, once it has run with exclusive control.
#[cfg(not(feature = "v0_3"))]
pub type ExclusiveControlFuture<R> = Operation<R>;
/// Whether exclusive control was had.
#[cfg(feature = "v0_3")]
pub type ExclusiveControlFuture = Operation<bool>;

/// The asset packs of the app.
#[derive(Debug, Clone)]
pub struct AsyncAssetPackManager(AssetPackManager);

#[expect(clippy::missing_errors_doc, reason = "the service cannot be had, or says why not")]
impl AsyncAssetPackManager {
    /// The packs of the app that this process is.
    pub fn shared() -> Fallible<Self> {
        AssetPackManager::shared().map(Self)
    }

    /// The same manager, for futures.
    pub fn new(inner: AssetPackManager) -> Self {
        Self(inner)
    }

    /// The same manager, without futures.
    pub fn inner(&self) -> &AssetPackManager {
        &self.0
    }

    /// The same manager, without futures.
    pub fn into_inner(self) -> AssetPackManager {
        self.0
    }

    /// Begins work.
    fn start<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Packs) -> Result<T, headstart::Error> + Send + 'static,
    ) -> Operation<T> {
        let packs = self.0.0.clone();
        Operation::start(move || Ok(work(&packs)?))
    }

    /// The packs that are offered.
    pub fn all_asset_packs(&self) -> AllAssetPacksFuture {
        self.start(|packs| Ok(packs.all_asset_packs()?.into_iter().map(AssetPack).collect()))
    }

    /// The pack with this id.
    pub fn asset_pack(&self, id: &str) -> Result<AssetPackFuture> {
        let id = id.to_owned();
        Ok(self.start(move |packs| packs.asset_pack(&id).map(AssetPack)))
    }

    /// The status of the local copy compared with this pack.
    pub fn status_relative_to(&self, asset_pack: &AssetPack) -> AssetPackStatusFuture {
        let pack = asset_pack.0.clone();
        self.start(move |packs| Ok(status(packs.status_relative_to(&pack)?)))
    }

    /// The status of a pack as far as the device knows it.
    pub fn local_status(&self, id: &str) -> Result<AssetPackStatusFuture> {
        let id = id.to_owned();
        Ok(self.start(move |packs| Ok(status(packs.local_status(&id)))))
    }

    /// Waits until a pack can be read.
    pub fn ensure_local_availability(
        &self,
        asset_pack: &AssetPack,
        require_latest_version: bool,
    ) -> EnsureLocalAvailabilityFuture {
        let pack = asset_pack.0.clone();
        let require =
            if require_latest_version { Require::LatestVersion } else { Require::AnyVersion };
        self.start(move |packs| packs.ensure_local_availability_with(&pack, require))
    }

    /// Begins updates, and removes packs that are offered no longer.
    pub fn check_for_updates(&self) -> CheckForUpdatesFuture {
        self.start(|packs| {
            let found = packs.check_for_updates()?;
            Ok(UpdateCheck { updating_ids: found.updating, removed_ids: found.removed })
        })
    }

    /// Removes the local copy of a pack.
    pub fn remove(&self, id: &str) -> Result<RemoveAssetPackFuture> {
        let id = id.to_owned();
        Ok(self.start(move |packs| packs.remove(&id)))
    }

    /// What happens to the downloads of all packs.
    pub fn status_updates(&self, capacity: usize) -> Result<DownloadStatusStream> {
        self.0.status_updates(capacity)
    }

    /// What happens to the download of one pack.
    pub fn status_updates_for_asset_pack(
        &self,
        asset_pack_id: &str,
        capacity: usize,
    ) -> Result<DownloadStatusStream> {
        self.0.status_updates_for_asset_pack(asset_pack_id, capacity)
    }
}

fn status(status: headstart::Status) -> AssetPackStatus {
    AssetPackStatus::new(status.bits().into())
}

/// Each begins when its future is first polled.
#[expect(missing_docs, clippy::missing_errors_doc, reason = "those of `async_api`")]
impl AssetPackManager {
    fn futures(&self) -> AsyncAssetPackManager {
        AsyncAssetPackManager(self.clone())
    }

    pub async fn all_asset_packs(&self) -> Result<Vec<AssetPack>> {
        self.futures().all_asset_packs().await
    }

    pub async fn asset_pack(&self, id: &str) -> Result<AssetPack> {
        self.futures().asset_pack(id)?.await
    }

    pub async fn status_relative_to(&self, pack: &AssetPack) -> Result<AssetPackStatus> {
        self.futures().status_relative_to(pack).await
    }

    pub async fn local_status(&self, id: &str) -> Result<AssetPackStatus> {
        self.futures().local_status(id)?.await
    }

    pub async fn ensure_local_availability(&self, pack: &AssetPack, latest: bool) -> Result<()> {
        self.futures().ensure_local_availability(pack, latest).await
    }

    pub async fn check_for_updates(&self) -> Result<UpdateCheck> {
        self.futures().check_for_updates().await
    }

    pub async fn remove(&self, id: &str) -> Result<()> {
        self.futures().remove(id)?.await
    }
}

impl DownloadManager {
    /// The downloads that have not concluded.
    ///
    /// # Errors
    /// When the service cannot be had.
    pub async fn current_downloads(&self) -> Result<Vec<Download>> {
        AsyncDownloadManager(self.clone()).current_downloads().await
    }

    /// Whether exclusive control can be had; it is given back at once.
    ///
    /// # Errors
    /// When the service cannot be had.
    #[cfg(feature = "v0_3")]
    pub async fn with_exclusive_control(&self, before: Option<SystemTime>) -> Result<bool> {
        AsyncDownloadManager(self.clone()).with_exclusive_control(before).await
    }

    /// Runs `body` with exclusive control over the downloads of app and extension. It runs to its
    /// end even if the future is dropped; a panic in it is an error.
    #[cfg(not(feature = "v0_3"))]
    pub fn with_exclusive_control<F, R>(
        &self,
        before: Option<SystemTime>,
        body: F,
    ) -> ExclusiveControlFuture<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let manager = self.0.clone();
        Operation::start(move || {
            let control = manager.exclusive_control(before)?;
            let given = catch_unwind(AssertUnwindSafe(body));
            control.release_blocking();
            Ok(given.unwrap_or_else(|panic| resume_unwind(panic)))
        })
    }
}

/// The single downloads of the app.
#[derive(Debug, Clone)]
pub struct AsyncDownloadManager(DownloadManager);

#[cfg_attr(
    not(feature = "v0_3"),
    expect(clippy::missing_errors_doc, reason = "the service cannot be had")
)]
impl AsyncDownloadManager {
    /// The downloads of the app that this process is.
    pub fn shared() -> Fallible<Self> {
        DownloadManager::shared().map(Self)
    }

    /// The same manager, for futures.
    pub fn new(inner: DownloadManager) -> Self {
        Self(inner)
    }

    /// The same manager, without futures.
    pub fn inner(&self) -> &DownloadManager {
        &self.0
    }

    /// The same manager, without futures.
    pub fn into_inner(self) -> DownloadManager {
        self.0
    }

    /// The downloads that have not concluded.
    pub fn current_downloads(&self) -> CurrentDownloadsFuture {
        let manager = self.0.0.clone();
        Operation::start(move || {
            Ok(manager.current_downloads()?.into_iter().map(Download).collect())
        })
    }

    /// Whether exclusive control can be had; it is given back at once.
    #[cfg(feature = "v0_3")]
    pub fn with_exclusive_control(&self, before: Option<SystemTime>) -> ExclusiveControlFuture {
        let manager = self.0.0.clone();
        Operation::start(move || {
            let control = manager.try_exclusive_control(before)?;
            Ok(control.map(ExclusiveControl::release_blocking).is_some())
        })
    }

    /// Runs `body` with exclusive control.
    #[cfg(not(feature = "v0_3"))]
    pub fn with_exclusive_control<F, R>(
        &self,
        before: Option<SystemTime>,
        body: F,
    ) -> ExclusiveControlFuture<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.0.with_exclusive_control(before, body)
    }
}
