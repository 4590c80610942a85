//! An asset pack as an app sees it.

use std::fmt;
use std::hash::{Hash, Hasher};

use headstart_model::download_manifest::DownloadPack;
use headstart_model::protocol::packs::{Pack, Trust};
use headstart_model::{DownloadPolicy, Language, PackId, PackVersion};
use serde::{Deserialize, Serialize};
use url::Url;

/// One asset pack in one version, as the service described it. `Spec: api 1`.
///
/// It is a description, not a hold on the pack: when the server gets another version, this one goes
/// on describing what it described, and
/// [`status_relative_to`](crate::AssetPackManager::status_relative_to) tells the difference.
///
/// Two are equal when everything is that they say. It can be written as JSON and read back, for an app that
/// hands it to another of its processes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetPack {
    #[serde(flatten)]
    pack: Pack,
    /// Where its archive lies, for one from a plain download manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    archive: Option<Url>,
}

impl AssetPack {
    pub(crate) const fn new(pack: Pack) -> Self {
        Self { pack, archive: None }
    }

    /// What a plain download manifest says about a pack.
    pub(crate) fn of_archive(pack: DownloadPack) -> Self {
        let archive = Some(pack.url);
        let pack = Pack {
            id: pack.id,
            version: pack.version,
            download_size: pack.download_size,
            // Not said in such a manifest: `installed_size` does not show it.
            installed_size: 0,
            user_info: pack.user_info,
            language: pack.language,
            policy: pack.download_policy,
            trust: Trust::TransportOnly,
        };
        Self { pack, archive }
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

    /// Bytes of all its files when installed; none where nobody said it, as in a plain download
    /// manifest. `Ours:` the original tells the size of the archive only.
    #[must_use]
    pub fn installed_size(&self) -> Option<u64> {
        self.archive.is_none().then_some(self.pack.installed_size)
    }

    /// Where its archive lies, if it comes from a plain download manifest. `Spec: packs 4`.
    #[must_use]
    pub fn archive_url(&self) -> Option<&str> {
        self.archive.as_ref().map(Url::as_str)
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
