//! The asset packs of the app.

use headstart::blocking::AssetPackManager as Inner;
use serde::Serialize;

use crate::asset_pack::AssetPackSnapshot;
use crate::error::{BackgroundAssetsError, Fallible, Result, fallible};

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
pub struct AssetPackManager(pub(crate) Inner);

/// An open file, as its system has it.
#[cfg(all(unix, not(feature = "v0_3")))]
type Descriptor = std::os::fd::OwnedFd;
/// An open file, as its system has it.
#[cfg(all(unix, feature = "v0_3"))]
type Descriptor = i32;
/// An open file, as its system has it.
#[cfg(windows)]
type Descriptor = std::os::windows::io::OwnedHandle;

impl AssetPackManager {
    /// The packs of the app that this process is.
    ///
    /// # Errors
    /// When this process is no app, or the service is needed and cannot be had.
    pub fn shared() -> Fallible<Self> {
        fallible(Inner::shared().map(Self))
    }

    /// Whether any version of a pack can be read.
    ///
    /// # Errors
    /// None.
    #[cfg(not(feature = "v0_3"))]
    pub fn asset_pack_is_available_locally(&self, asset_pack_id: &str) -> Result<bool> {
        Ok(self.0.asset_pack_is_available_locally(asset_pack_id))
    }

    /// Whether any version of a pack can be read.
    #[cfg(feature = "v0_3")]
    pub fn asset_pack_is_available_locally(&self, asset_pack_id: &str) -> bool {
        self.0.asset_pack_is_available_locally(asset_pack_id)
    }

    /// The bytes of a file, in any pack or in one.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn contents(&self, path: &str, asset_pack_id: Option<&str>) -> Result<Vec<u8>> {
        let contents = match asset_pack_id {
            Some(pack) => self.0.contents_in(pack, path),
            None => self.0.contents(path),
        };
        Ok(contents?.to_vec())
    }

    /// A file, opened, in any pack or in one.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn descriptor(&self, path: &str, asset_pack_id: Option<&str>) -> Result<Descriptor> {
        let file = match asset_pack_id {
            Some(pack) => self.0.descriptor_in(pack, path),
            None => self.0.descriptor(path),
        }?;
        #[cfg(all(unix, feature = "v0_3"))]
        return Ok(std::os::fd::IntoRawFd::into_raw_fd(file));
        #[cfg(not(all(unix, feature = "v0_3")))]
        return Ok(file.into());
    }

    /// The `file:` URL of a file or folder.
    ///
    /// # Errors
    /// When there is none.
    pub fn url(&self, path: &str) -> Result<String> {
        Ok(crate::extension::file_url(&self.0.path(path)?))
    }
}
