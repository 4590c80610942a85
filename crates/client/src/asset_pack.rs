//! An asset pack as an app sees it.

use std::fmt;
use std::hash::{Hash, Hasher};

use headstart_model::protocol::packs::{Pack, Trust};
use headstart_model::{DownloadPolicy, Language, PackId, PackVersion};

/// One asset pack in one version, as the service described it. `Spec: api 1`.
///
/// It is a description, not a hold on the pack: when the server gets another version, this one goes
/// on describing what it described, and
/// [`status_relative_to`](crate::AssetPackManager::status_relative_to) tells the difference.
#[derive(Clone, PartialEq, Eq)]
pub struct AssetPack {
    pack: Pack,
}

impl AssetPack {
    pub(crate) const fn new(pack: Pack) -> Self {
        Self { pack }
    }

    pub(crate) const fn pack_id(&self) -> &PackId {
        &self.pack.id
    }

    /// The pack's id, unique in its app.
    #[must_use]
    pub fn id(&self) -> &str {
        self.pack.id.as_str()
    }

    /// The version that is offered; the local one when the pack is offered no longer. `Spec: packs
    /// 8`.
    #[must_use]
    pub fn version(&self) -> PackVersion {
        self.pack.version
    }

    /// Bytes of a fresh download. An update is usually far less.
    #[must_use]
    pub fn download_size(&self) -> u64 {
        self.pack.download_size
    }

    /// Bytes of all its files when installed.
    #[must_use]
    pub fn installed_size(&self) -> u64 {
        self.pack.installed_size
    }

    /// Whatever the author put into the packaging manifest.
    #[must_use]
    pub fn user_info(&self) -> Option<&serde_json::Value> {
        self.pack.user_info.as_ref()
    }

    /// Its language; none when it is not localized. `Spec: packs 9`.
    #[must_use]
    pub fn language(&self) -> Option<&Language> {
        self.pack.language.as_ref()
    }

    /// When it is downloaded. `Spec: packs 2`.
    #[must_use]
    pub fn policy(&self) -> &DownloadPolicy {
        &self.pack.policy
    }

    /// What vouches for its bytes. `Ours:` a pack that only the connection vouches for is shown as
    /// such wherever it is shown.
    #[must_use]
    pub fn trust(&self) -> Trust {
        self.pack.trust
    }
}

/// By id and version, which tell packs of one app apart.
impl Hash for AssetPack {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pack.id.hash(state);
        self.pack.version.hash(state);
    }
}

impl fmt::Display for AssetPack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (version {})", self.pack.id, self.pack.version)
    }
}

impl fmt::Debug for AssetPack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssetPack")
            .field("id", &self.pack.id)
            .field("version", &self.pack.version)
            .finish_non_exhaustive()
    }
}

/// The packs that the server offers to an app. `Spec: api 3`.
#[derive(Debug, Clone)]
pub struct AssetPackManifest {
    packs: Vec<AssetPack>,
}

impl AssetPackManifest {
    /// `packs` are sorted by id.
    pub(crate) const fn new(packs: Vec<AssetPack>) -> Self {
        Self { packs }
    }

    /// The packs, by id.
    #[must_use]
    pub fn asset_packs(&self) -> &[AssetPack] {
        &self.packs
    }

    /// The pack with this id.
    #[must_use]
    pub fn asset_pack(&self, id: &str) -> Option<&AssetPack> {
        self.packs.iter().find(|pack| pack.id() == id)
    }

    /// The packs that have a language. `Spec: packs 9`.
    pub fn localized_asset_packs(&self) -> impl Iterator<Item = &AssetPack> {
        self.packs.iter().filter(|pack| pack.language().is_some())
    }

    pub(crate) fn into_packs(self) -> Vec<AssetPack> {
        self.packs
    }
}
