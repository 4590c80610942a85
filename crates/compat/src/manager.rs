//! The asset packs of the app.

use headstart::DownloadStatusUpdate as Update;
use serde::Serialize;

use crate::asset_pack::{AssetPack, AssetPackSnapshot, signed};
use crate::error::{BackgroundAssetsError, Fallible, fallible};

#[cfg(feature = "async")]
mod updates;
#[cfg(feature = "async")]
pub use updates::{
    DownloadStatusStream, ManagedAssetPackDownloadEventStream,
    install_global_managed_asset_pack_download_delegate,
};

/// How far a download is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DownloadProgress {
    /// Bytes that arrived.
    pub completed_unit_count: i64,
    /// Bytes in all.
    pub total_unit_count: i64,
    /// The share that is done.
    pub fraction_completed: f64,
    /// The same for people.
    pub localized_description: String,
}

/// What a check for updates began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UpdateCheck {
    /// Packs that are being updated.
    pub updating_ids: Vec<String>,
    /// Packs that were removed because they are offered no longer.
    pub removed_ids: Vec<String>,
}

/// Something that happened to the download of a pack.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is documented at the delegate's method")]
pub enum DownloadStatusUpdate {
    Began { asset_pack: AssetPackSnapshot },
    Paused { asset_pack: AssetPackSnapshot },
    Downloading { asset_pack: AssetPackSnapshot, progress: DownloadProgress },
    Finished { asset_pack: AssetPackSnapshot },
    Failed { asset_pack: AssetPackSnapshot, error: BackgroundAssetsError },
}

/// What a [`ManagedAssetPackDownloadDelegate`] heard.
pub type ManagedAssetPackDownloadEvent = DownloadStatusUpdate;

impl DownloadStatusUpdate {
    /// None for what the original has no word for.
    #[cfg_attr(not(feature = "async"), expect(dead_code, reason = "streams tell it"))]
    pub(crate) fn of(update: Update) -> Option<Self> {
        let asset_pack = AssetPack::new(update.asset_pack()?.clone()).snapshot();
        Some(match update {
            Update::Began(_) => Self::Began { asset_pack },
            Update::Paused(..) => Self::Paused { asset_pack },
            Update::Downloading(_, progress) => {
                Self::Downloading { asset_pack, progress: (&progress).into() }
            }
            Update::Finished(_) => Self::Finished { asset_pack },
            Update::Failed(_, error) => Self::Failed { asset_pack, error: error.into() },
            _ => return None,
        })
    }
}

impl From<&headstart::DownloadProgress> for DownloadProgress {
    fn from(progress: &headstart::DownloadProgress) -> Self {
        Self {
            completed_unit_count: signed(progress.bytes_done()),
            total_unit_count: signed(progress.bytes_total()),
            fraction_completed: progress.fraction(),
            localized_description: format!("{:.0} %", progress.fraction() * 100.0),
        }
    }
}

/// Hears of the downloads of all packs.
#[expect(unused_variables, reason = "the names of parameters document the methods")]
pub trait ManagedAssetPackDownloadDelegate: Send + 'static {
    /// It began, or went on.
    fn download_of_asset_pack_began(&mut self, asset_pack: &AssetPackSnapshot) {}
    /// It waits.
    fn download_of_asset_pack_paused(&mut self, asset_pack: &AssetPackSnapshot) {}
    /// Bytes arrived.
    fn download_of_asset_pack_has_progress(
        &mut self,
        asset_pack: &AssetPackSnapshot,
        progress: &DownloadProgress,
    ) {
    }
    /// The pack can be read.
    fn download_of_asset_pack_finished(&mut self, asset_pack: &AssetPackSnapshot) {}
    /// It ended without the pack.
    fn download_of_asset_pack_failed(
        &mut self,
        asset_pack: &AssetPackSnapshot,
        error: &BackgroundAssetsError,
    ) {
    }
}

/// The asset packs of the app.
#[derive(Debug, Clone)]
pub struct AssetPackManager {
    pub(crate) inner: headstart::blocking::AssetPackManager,
}

/// An open file, as its system has it.
#[cfg(all(unix, not(feature = "v0_3")))]
pub type Descriptor = std::os::fd::OwnedFd;
/// An open file, as its system has it.
#[cfg(all(unix, feature = "v0_3"))]
pub type Descriptor = i32;
/// An open file, as its system has it.
#[cfg(windows)]
pub type Descriptor = std::os::windows::io::OwnedHandle;

impl AssetPackManager {
    /// The packs of the app that this process is.
    ///
    /// # Errors
    /// When this process is no app, or the service is needed and cannot be had.
    pub fn shared() -> Fallible<Self> {
        fallible(Self::of_process())
    }

    pub(crate) fn of_process() -> Result<Self, BackgroundAssetsError> {
        static SHARED: std::sync::Mutex<Option<AssetPackManager>> = std::sync::Mutex::new(None);
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if shared.is_none() {
            *shared = Some(Self { inner: headstart::blocking::AssetPackManager::connect()? });
        }
        shared.clone().ok_or_else(|| BackgroundAssetsError::bridge("there is no manager"))
    }

    /// Whether any version of a pack can be read.
    ///
    /// # Errors
    /// None.
    #[cfg(not(feature = "v0_3"))]
    pub fn asset_pack_is_available_locally(
        &self,
        asset_pack_id: &str,
    ) -> Result<bool, BackgroundAssetsError> {
        Ok(self.inner.asset_pack_is_available_locally(asset_pack_id))
    }

    /// Whether any version of a pack can be read.
    #[cfg(feature = "v0_3")]
    #[must_use]
    pub fn asset_pack_is_available_locally(&self, asset_pack_id: &str) -> bool {
        self.inner.asset_pack_is_available_locally(asset_pack_id)
    }

    /// The bytes of a file, in any pack or in one.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn contents(
        &self,
        path: &str,
        asset_pack_id: Option<&str>,
    ) -> Result<Vec<u8>, BackgroundAssetsError> {
        let contents = match asset_pack_id {
            Some(pack) => self.inner.contents_in(pack, path),
            None => self.inner.contents(path),
        };
        contents
            .map(|contents| contents.to_vec())
            .map_err(|error| BackgroundAssetsError::of_file(&error, path, asset_pack_id))
    }

    /// A file, opened, in any pack or in one.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn descriptor(
        &self,
        path: &str,
        asset_pack_id: Option<&str>,
    ) -> Result<Descriptor, BackgroundAssetsError> {
        let file = match asset_pack_id {
            Some(pack) => self.inner.descriptor_in(pack, path),
            None => self.inner.descriptor(path),
        };
        let file =
            file.map_err(|error| BackgroundAssetsError::of_file(&error, path, asset_pack_id))?;
        #[cfg(not(feature = "v0_3"))]
        return Ok(file.into());
        #[cfg(feature = "v0_3")]
        return Ok(std::os::fd::IntoRawFd::into_raw_fd(file));
    }

    /// The `file:` URL of a file or folder.
    ///
    /// # Errors
    /// When there is none.
    pub fn url(&self, path: &str) -> Result<String, BackgroundAssetsError> {
        let found = self.inner.path(path);
        let found = found.map_err(|error| BackgroundAssetsError::of_file(&error, path, None))?;
        Ok(crate::extension::file_url(&found))
    }
}

/// What both managers do, waiting.
#[cfg(feature = "async")]
impl AssetPackManager {
    pub(crate) fn wait_all_asset_packs(&self) -> Result<Vec<AssetPack>, BackgroundAssetsError> {
        Ok(self.inner.all_asset_packs()?.into_iter().map(AssetPack::new).collect())
    }

    pub(crate) fn wait_asset_pack(&self, id: &str) -> Result<AssetPack, BackgroundAssetsError> {
        let pack = self.inner.asset_pack(id).map(AssetPack::new);
        pack.map_err(|error| BackgroundAssetsError::of_pack(&error, id))
    }

    pub(crate) fn wait_status_relative_to(
        &self,
        pack: &AssetPack,
    ) -> Result<crate::AssetPackStatus, BackgroundAssetsError> {
        let status = self.inner.status_relative_to(&pack.inner);
        status.map(Into::into).map_err(|e| BackgroundAssetsError::of_pack(&e, pack.inner.id()))
    }

    pub(crate) fn wait_ensure(
        &self,
        pack: &AssetPack,
        latest: bool,
    ) -> Result<(), BackgroundAssetsError> {
        use headstart::Require;

        let require = if latest { Require::LatestVersion } else { Require::AnyVersion };
        let ensured = self.inner.ensure_local_availability_with(&pack.inner, require);
        ensured.map_err(|error| BackgroundAssetsError::of_pack(&error, pack.inner.id()))
    }

    pub(crate) fn wait_check(&self) -> Result<UpdateCheck, BackgroundAssetsError> {
        let found = self.inner.check_for_updates()?;
        Ok(UpdateCheck { updating_ids: found.updating, removed_ids: found.removed })
    }

    pub(crate) fn wait_remove(&self, id: &str) -> Result<(), BackgroundAssetsError> {
        let removed = self.inner.remove(id);
        removed.map_err(|error| BackgroundAssetsError::of_pack(&error, id))
    }
}

/// Each begins when its future is first polled.
#[cfg(feature = "async")]
#[expect(missing_docs, clippy::missing_errors_doc, reason = "those of `async_api`")]
impl AssetPackManager {
    pub async fn all_asset_packs(&self) -> Result<Vec<AssetPack>, BackgroundAssetsError> {
        crate::AsyncAssetPackManager::new(self.clone()).all_asset_packs().await
    }

    pub async fn asset_pack(&self, id: &str) -> Result<AssetPack, BackgroundAssetsError> {
        crate::AsyncAssetPackManager::new(self.clone()).asset_pack(id)?.await
    }

    pub async fn status_relative_to(
        &self,
        asset_pack: &AssetPack,
    ) -> Result<crate::AssetPackStatus, BackgroundAssetsError> {
        crate::AsyncAssetPackManager::new(self.clone()).status_relative_to(asset_pack).await
    }

    pub async fn local_status(
        &self,
        id: &str,
    ) -> Result<crate::AssetPackStatus, BackgroundAssetsError> {
        crate::AsyncAssetPackManager::new(self.clone()).local_status(id)?.await
    }

    pub async fn ensure_local_availability(
        &self,
        asset_pack: &AssetPack,
        require_latest_version: bool,
    ) -> Result<(), BackgroundAssetsError> {
        let manager = crate::AsyncAssetPackManager::new(self.clone());
        manager.ensure_local_availability(asset_pack, require_latest_version).await
    }

    pub async fn check_for_updates(&self) -> Result<UpdateCheck, BackgroundAssetsError> {
        crate::AsyncAssetPackManager::new(self.clone()).check_for_updates().await
    }

    pub async fn remove(&self, id: &str) -> Result<(), BackgroundAssetsError> {
        crate::AsyncAssetPackManager::new(self.clone()).remove(id)?.await
    }
}
