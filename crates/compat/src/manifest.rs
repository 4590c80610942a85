//! Lists of asset packs.

use headstart::{AppGroupId, AssetPackManifest};

use crate::asset_pack::AssetPack;
use crate::download::{ContentRequest, Download};
use crate::error::Result;

/// A list of asset packs.
#[derive(Debug, Clone)]
pub struct Manifest(pub(crate) AssetPackManifest);

/// What is given for the downloads of a manifest.
#[cfg(not(feature = "v0_3"))]
type Downloads = Result<Vec<Download>>;
/// What is given for the downloads of a manifest.
#[cfg(feature = "v0_3")]
type Downloads = Vec<Download>;

impl Manifest {
    /// Reads a manifest from a path or a `file:` URL.
    ///
    /// # Errors
    /// When it cannot be read or is none, or the group's id is none.
    pub fn from_url(url: &str, app_group_id: &str) -> Result<Self> {
        Ok(Self(AssetPackManifest::from_url(url, &group(app_group_id)?)?))
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// When it is none, or the group's id is none.
    pub fn from_bytes(bytes: &[u8], app_group_id: &str) -> Result<Self> {
        Ok(Self(AssetPackManifest::from_bytes(bytes, &group(app_group_id)?)?))
    }

    /// How many packs it has, for people.
    pub fn description(&self) -> String {
        format!("{} asset packs", self.0.asset_packs().len())
    }

    /// The packs, by id.
    pub fn asset_packs(&self) -> Vec<AssetPack> {
        self.0.asset_packs().iter().cloned().map(AssetPack).collect()
    }

    /// The downloads of all packs that apply here, by id.
    ///
    /// # Errors
    /// When an archive may not be fetched.
    pub fn all_downloads(&self) -> Downloads {
        self.downloads(None)
    }

    /// The downloads of all packs that the request is about, by id.
    ///
    /// # Errors
    /// When an archive may not be fetched.
    pub fn all_downloads_for_request(&self, request: ContentRequest) -> Downloads {
        self.downloads(request.known())
    }

    fn downloads(&self, request: Option<headstart::ContentRequest>) -> Downloads {
        let downloads = self.0.all_downloads(request);
        let downloads = downloads.map(|all| all.into_iter().map(Download).collect());
        #[cfg(not(feature = "v0_3"))]
        return downloads.map_err(Into::into);
        #[cfg(feature = "v0_3")]
        return downloads.unwrap_or_default();
    }
}

pub(crate) fn group(id: &str) -> Result<AppGroupId, headstart::Error> {
    Ok(AppGroupId::new(id)?)
}
