//! Managers whose operations begin when they are called, and give a future for the result.

use std::time::SystemTime;

pub use crate::download::{
    DownloadManagerEventStream, ExclusiveControlFuture, install_global_download_manager_delegate,
};
pub use crate::extension::{ExtensionEventStream, install_global_managed_downloader_extension};
pub use crate::manager::{
    DownloadProgress, DownloadStatusStream, DownloadStatusUpdate,
    ManagedAssetPackDownloadEventStream, UpdateCheck,
    install_global_managed_asset_pack_download_delegate,
};

#[cfg(feature = "v0_3")]
pub use crate::extension::{
    ManagedDownloaderExtensionConfiguration, ManagedDownloaderExtensionRegistration,
};

use crate::asset_pack::{AssetPack, AssetPackStatus};
use crate::download::{Download, DownloadManager, current};
use crate::error::{BackgroundAssetsError, Fallible, fallible};
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

/// The asset packs of the app.
#[derive(Debug, Clone)]
pub struct AsyncAssetPackManager {
    inner: AssetPackManager,
}

#[expect(clippy::missing_errors_doc, reason = "the service cannot be had, or says why not")]
impl AsyncAssetPackManager {
    /// The packs of the app that this process is.
    pub fn shared() -> Fallible<Self> {
        fallible(AssetPackManager::of_process().map(Self::new))
    }

    /// The same manager, for futures.
    #[must_use]
    pub const fn new(inner: AssetPackManager) -> Self {
        Self { inner }
    }

    /// The same manager, without futures.
    #[must_use]
    pub const fn inner(&self) -> &AssetPackManager {
        &self.inner
    }

    /// The same manager, without futures.
    #[must_use]
    pub fn into_inner(self) -> AssetPackManager {
        self.inner
    }

    /// The packs that are offered.
    #[must_use]
    pub fn all_asset_packs(&self) -> AllAssetPacksFuture {
        let manager = self.inner.clone();
        Operation::start(move || manager.wait_all_asset_packs())
    }

    /// The pack with this id.
    pub fn asset_pack(&self, id: &str) -> Result<AssetPackFuture, BackgroundAssetsError> {
        let (manager, id) = (self.inner.clone(), id.to_owned());
        Ok(Operation::start(move || manager.wait_asset_pack(&id)))
    }

    /// The status of the local copy compared with this pack.
    #[must_use]
    pub fn status_relative_to(&self, asset_pack: &AssetPack) -> AssetPackStatusFuture {
        let (manager, pack) = (self.inner.clone(), asset_pack.clone());
        Operation::start(move || manager.wait_status_relative_to(&pack))
    }

    /// The status of a pack as far as the device knows it.
    pub fn local_status(&self, id: &str) -> Result<AssetPackStatusFuture, BackgroundAssetsError> {
        let (manager, id) = (self.inner.clone(), id.to_owned());
        Ok(Operation::start(move || Ok(manager.inner.local_status(&id).into())))
    }

    /// Waits until a pack can be read.
    #[must_use]
    pub fn ensure_local_availability(
        &self,
        asset_pack: &AssetPack,
        require_latest_version: bool,
    ) -> EnsureLocalAvailabilityFuture {
        let (manager, pack) = (self.inner.clone(), asset_pack.clone());
        Operation::start(move || manager.wait_ensure(&pack, require_latest_version))
    }

    /// Begins updates, and removes packs that are offered no longer.
    #[must_use]
    pub fn check_for_updates(&self) -> CheckForUpdatesFuture {
        let manager = self.inner.clone();
        Operation::start(move || manager.wait_check())
    }

    /// Removes the local copy of a pack.
    pub fn remove(&self, id: &str) -> Result<RemoveAssetPackFuture, BackgroundAssetsError> {
        let (manager, id) = (self.inner.clone(), id.to_owned());
        Ok(Operation::start(move || manager.wait_remove(&id)))
    }

    /// What happens to the downloads of all packs.
    pub fn status_updates(
        &self,
        capacity: usize,
    ) -> Result<DownloadStatusStream, BackgroundAssetsError> {
        self.inner.status_updates(capacity)
    }

    /// What happens to the download of one pack.
    pub fn status_updates_for_asset_pack(
        &self,
        asset_pack_id: &str,
        capacity: usize,
    ) -> Result<DownloadStatusStream, BackgroundAssetsError> {
        self.inner.status_updates_for_asset_pack(asset_pack_id, capacity)
    }
}

/// The single downloads of the app.
#[derive(Debug, Clone)]
pub struct AsyncDownloadManager {
    inner: DownloadManager,
}

#[expect(clippy::missing_errors_doc, reason = "the service cannot be had, or says why not")]
impl AsyncDownloadManager {
    /// The downloads of the app that this process is.
    pub fn shared() -> Fallible<Self> {
        fallible(DownloadManager::of_process().map(Self::new))
    }

    /// The same manager, for futures.
    #[must_use]
    pub const fn new(inner: DownloadManager) -> Self {
        Self { inner }
    }

    /// The same manager, without futures.
    #[must_use]
    pub const fn inner(&self) -> &DownloadManager {
        &self.inner
    }

    /// The same manager, without futures.
    #[must_use]
    pub fn into_inner(self) -> DownloadManager {
        self.inner
    }

    /// The downloads that have not concluded.
    #[must_use]
    pub fn current_downloads(&self) -> CurrentDownloadsFuture {
        let manager = self.inner.inner.clone();
        Operation::start(move || current(&manager))
    }

    /// Whether exclusive control can be had; it is given back at once.
    #[cfg(feature = "v0_3")]
    #[must_use]
    pub fn with_exclusive_control(&self, before: Option<SystemTime>) -> ExclusiveControlFuture {
        self.inner.try_exclusive_control(before)
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
        self.inner.with_exclusive_control(before, body)
    }
}
