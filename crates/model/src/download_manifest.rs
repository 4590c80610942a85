//! The plain download manifest: the list of packs that a self-hosted app is served. `Spec: packs 4`.
//!
//! It carries no signature and no hash of content. The signed counterpart is the [catalog](crate::catalog).
//! Reading is tolerant of keys that it does not know, since servers of other makers write the file too; such keys are kept
//! and written back. Known keys have to be of their type.

mod error;
mod publish;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

pub use error::DownloadManifestError;
pub use publish::{ArchivedPack, BaseUrl};

use crate::catalog::PACKS_MAX;
use crate::{DownloadPolicy, Language, PackId, PackVersion, Platform, UrlPolicy};

/// Most bytes of a download manifest.
pub const DOWNLOAD_MANIFEST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The packs of an app, in the order of the file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DownloadManifest {
    /// The packs; each id once. A pack that is missing here is obsolete, and devices delete it.
    pub asset_packs: Vec<DownloadPack>,
    /// Keys that we do not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One pack in one version. `Spec: packs 4`; `language` and `platforms` are `Ours`: the specification names no keys for them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DownloadPack {
    /// The pack.
    pub id: PackId,
    /// Where its archive lies.
    pub url: Url,
    /// Its version.
    pub version: PackVersion,
    /// Bytes of the archive.
    pub download_size: u64,
    /// When it is downloaded.
    pub download_policy: DownloadPolicy,
    /// Who hosts it.
    #[serde(default)]
    pub host: Host,
    /// Whatever the author wants the app to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_info: Option<Value>,
    /// Its language; none when it is not localized.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Platforms it is meant for; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<Platform>,
    /// Keys that we do not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Who hosts a pack. A manifest that leaves it out means the only one there is. `Spec: packs 4`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Host {
    /// The developer's own server.
    ThirdParty {},
}

impl Default for Host {
    fn default() -> Self {
        Self::ThirdParty {}
    }
}

impl DownloadManifest {
    /// Reads a download manifest.
    ///
    /// The URLs are parsed but not judged: who fetches them asks [`DownloadManifest::check_urls`] first.
    ///
    /// # Errors
    /// [`DownloadManifestError`] when it is too large, is not JSON of this shape, lists too many packs, or one twice.
    pub fn from_json(bytes: &[u8]) -> Result<Self, DownloadManifestError> {
        if bytes.len() > DOWNLOAD_MANIFEST_BYTES_MAX {
            return Err(DownloadManifestError::TooLarge { bytes: bytes.len() });
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(DownloadManifestError::Json)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The file: indented JSON ended by a newline. The same manifest gives the same bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut sorted = self.clone();
        sort(&mut sorted.other);
        for pack in &mut sorted.asset_packs {
            sort(&mut pack.other);
            if let Some(info) = &mut pack.user_info {
                info.sort_all_objects();
            }
        }
        let mut bytes = serde_json::to_vec_pretty(&sorted)
            .expect("a download manifest holds only what JSON can hold");
        bytes.push(b'\n');
        bytes
    }

    /// Checks that every archive may be fetched under `policy`. A `file:` URL never may: it would let the server name any file.
    ///
    /// # Errors
    /// [`DownloadManifestError::Url`] with the first pack whose URL is refused.
    pub fn check_urls(&self, policy: UrlPolicy) -> Result<(), DownloadManifestError> {
        self.asset_packs.iter().try_for_each(|pack| {
            let checked = policy.check_web(&pack.url);
            checked.map_err(|source| DownloadManifestError::Url { id: pack.id.clone(), source })
        })
    }

    /// The pack with this id.
    #[must_use]
    pub fn pack(&self, id: &PackId) -> Option<&DownloadPack> {
        self.asset_packs.iter().find(|pack| pack.id == *id)
    }

    fn check(&self) -> Result<(), DownloadManifestError> {
        if self.asset_packs.len() > PACKS_MAX {
            return Err(DownloadManifestError::TooMany { packs: self.asset_packs.len() });
        }
        let mut seen = HashSet::new();
        match self.asset_packs.iter().find(|pack| !seen.insert(&pack.id)) {
            None => Ok(()),
            Some(pack) => Err(DownloadManifestError::Duplicate { id: pack.id.clone() }),
        }
    }
}

impl DownloadPack {
    /// Whether the pack is meant for `platform`; a pack without platforms is meant for all.
    #[must_use]
    pub fn is_for(&self, platform: Option<Platform>) -> bool {
        self.platforms.is_empty() || platform.is_some_and(|p| self.platforms.contains(&p))
    }
}

/// Whatever order the map keeps, what is written is in the order of the keys.
fn sort(map: &mut Map<String, Value>) {
    let mut value = Value::Object(std::mem::take(map));
    value.sort_all_objects();
    if let Value::Object(sorted) = value {
        *map = sorted;
    }
}
