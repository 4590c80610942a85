//! The catalog of a channel: the signed list of what a device may have.
//!
//! A catalog is the signed counterpart of the plain [download manifest](crate::download_manifest): each release of a
//! channel is one catalog, and the repository's signatures cover its bytes. Everything that a device fetches afterwards is
//! named here by digest and size. The layout is described in `docs/format/catalog.md`.

mod fallback;
mod former;

use serde::{Deserialize, Serialize};

use crate::{
    AppVersions, ChannelName, Digest, DownloadPolicy, Language, PackId, PackVersion, Platform,
    ReleaseNumber,
};

pub use fallback::FALLBACKS_MAX;
pub use former::{FORMER_BYTES_MAX, FormerError, FormerVersion, FormerVersions};

/// Packs in one catalog; a catalog with more is refused. `Ours:` far above the 200 of the store, low enough to bound memory.
pub const PACKS_MAX: usize = 10_000;
/// Bytes of one catalog; a larger one is refused before it is read.
pub const CATALOG_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of anything that a catalog names: 1 PiB. `Ours:` above every disk, and sums of a few of them fit 64 bits.
pub const SIZE_BYTES_MAX: u64 = 1 << 50;

/// The packs that one release of a channel offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Catalog {
    /// Format of this file: 2 where a pack is not for every version of the app, else 1.
    pub format: u32,
    /// The channel.
    pub channel: ChannelName,
    /// The release that this catalog belongs to.
    pub release: ReleaseNumber,
    /// When it was published: RFC 3339, UTC.
    pub published_at: String,
    /// The share of devices, in percent (0 to 100), that get [`packs`](Self::packs); the others get [`former`](Self::former).
    pub rollout_percent: u8,
    /// The packs, by id; each id once.
    pub packs: Vec<CatalogPack>,
    /// What devices outside the share keep: the packs of the release before. Empty when everybody gets this release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<CatalogPack>,
}

/// One pack in one version, with everything that a device needs to decide on it and to fetch it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CatalogPack {
    /// The pack.
    pub id: PackId,
    /// Its version.
    pub version: PackVersion,
    /// When it is downloaded.
    pub download_policy: DownloadPolicy,
    /// Platforms it is meant for; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<Platform>,
    /// Its language; none when it is not localized.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Whatever the author put there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_info: Option<serde_json::Value>,
    /// Bytes of a fresh download: index and full bundle.
    pub download_size: u64,
    /// Bytes of all its files when installed.
    pub installed_size: u64,
    /// Number of its files.
    pub file_count: u64,
    /// Digest of the complete tree (structure and chunk names): the identity of the content.
    pub content: Digest,
    /// The index for devices that hold nothing useful.
    pub index: IndexRef,
    /// The bundle that holds every chunk.
    pub full: BundleRef,
    /// Shorter ways for devices that hold an earlier version, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deltas: Vec<DeltaRef>,
    /// Where earlier versions are described, for devices that hold one without a delta. None when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<FormerRef>,
    /// The versions of the app that it is for; none means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_versions: Option<AppVersions>,
    /// What versions of the app get that it is not for: the first that is for them. Newest first; none has fallbacks of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<CatalogPack>,
}

/// What is told of earlier versions: `indexes/<pack>/<version>-<first 16 digits of digest>.former`, see [`FormerVersions`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FormerRef {
    /// Digest of the file.
    pub digest: Digest,
    /// Bytes of the file, at most [`FORMER_BYTES_MAX`].
    pub bytes: u64,
}

/// The index of a version: `indexes/<pack>/<version>-<first 16 digits of digest>.index`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexRef {
    /// Digest of the structure section, checked before it is decompressed.
    pub digest: Digest,
    /// Bytes of the structure section, which is the head of the file.
    pub structure_bytes: u64,
    /// Bytes of the names section that follows it; fetched only by who wants to match chunks by name.
    pub names_bytes: u64,
}

/// A bundle: `bundles/<digest>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BundleRef {
    /// Digest of the whole file, which is its name.
    pub digest: Digest,
    /// Bytes of the whole file.
    pub bytes: u64,
}

/// A delta bundle: the way from one earlier version to this one. `bundles/<digest>`: a structure section, then blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeltaRef {
    /// The version that the device has to hold.
    pub from: PackVersion,
    /// The content of that version, so that equal numbers of different content are not mistaken for each other.
    pub from_content: Digest,
    /// Digest of the whole file, which is its name.
    pub digest: Digest,
    /// Bytes of the whole file.
    pub bytes: u64,
    /// Digest of the structure section, checked before it is decompressed.
    pub structure_digest: Digest,
    /// Bytes of the structure section, which is the head of the file.
    pub structure_bytes: u64,
}

/// Why a catalog is refused although its signature holds.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// Not the JSON of a catalog.
    #[error("the catalog cannot be read")]
    Json(#[from] serde_json::Error),
    /// A format that this program does not know.
    #[error("the catalog has format {format}; this program reads formats 1 and 2")]
    Format {
        /// The format that it names.
        format: u32,
    },
    /// More packs than allowed.
    #[error("the catalog lists {count} packs; at most {PACKS_MAX} are allowed")]
    TooMany {
        /// Packs listed.
        count: usize,
    },
    /// A pack stands there twice.
    #[error("the catalog lists pack `{id}` twice")]
    Duplicate {
        /// The pack.
        id: PackId,
    },
    /// A size that nothing has.
    #[error(
        "the catalog gives {what} of pack `{id}` {bytes} bytes; at most {SIZE_BYTES_MAX} are allowed"
    )]
    Size {
        /// The pack.
        id: PackId,
        /// What has that size.
        what: &'static str,
        /// The size.
        bytes: u64,
    },
    /// What is told of versions of the app breaks a rule.
    #[error("the catalog says of pack `{id}` for versions of the app: {what}")]
    AppVersions {
        /// The pack.
        id: PackId,
        /// Which rule.
        what: &'static str,
    },
    /// A share above 100 percent.
    #[error("the catalog names a rollout of {percent} percent")]
    Rollout {
        /// The share.
        percent: u8,
    },
}

impl Catalog {
    /// Format of a catalog whose packs are for every version of the app.
    pub const FORMAT: u32 = 1;
    /// Format of a catalog that tells versions of the app apart. `Ours:` a device that cannot tell them apart must refuse it, or it would
    /// give an old build what breaks it.
    pub const FORMAT_APP_VERSIONS: u32 = 2;

    /// Reads a catalog from the verified bytes of its file and checks its rules.
    ///
    /// # Errors
    /// [`CatalogError`] when it is not JSON of this format or breaks a rule.
    pub fn from_json(bytes: &[u8]) -> Result<Self, CatalogError> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        // The format is looked at first: a later one may have fields of another shape.
        let Head { format } = serde_json::from_slice(bytes)?;
        if format != Self::FORMAT && format != Self::FORMAT_APP_VERSIONS {
            return Err(CatalogError::Format { format });
        }
        let mut catalog: Self = serde_json::from_slice(bytes)?;
        if catalog.rollout_percent > 100 {
            return Err(CatalogError::Rollout { percent: catalog.rollout_percent });
        }
        check_packs(&mut catalog.packs)?;
        check_packs(&mut catalog.former)?;
        catalog.check_app_versions()?;
        Ok(catalog)
    }

    /// The bytes of the file, without any space: every device fetches them. The same catalog gives the same bytes.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a catalog holds only what JSON can hold")
    }

    /// The packs for the device with this id: those of the release, or the former ones outside the rollout's share.
    ///
    /// `Ours:` the device hashes its own random id with the release, so a release reaches a random share, nothing is sent,
    /// and a growing share only ever adds devices.
    #[must_use]
    pub fn packs_for(&self, device_id: &[u8]) -> &[CatalogPack] {
        if self.rollout_percent >= 100 {
            return &self.packs;
        }
        let mut hasher = crate::DigestHasher::new();
        hasher.update(device_id);
        hasher.update(&self.release.0.to_le_bytes());
        let digest = hasher.finish();
        let [a, b, c, d, ..] = *digest.as_bytes();
        let share = (u64::from(u32::from_le_bytes([a, b, c, d])) * 100) >> 32;
        if share < u64::from(self.rollout_percent) { &self.packs } else { &self.former }
    }
}

fn check_packs(packs: &mut [CatalogPack]) -> Result<(), CatalogError> {
    if packs.len() > PACKS_MAX {
        return Err(CatalogError::TooMany { count: packs.len() });
    }
    let all = packs.iter().flat_map(|pack| std::iter::once(pack).chain(&pack.fallbacks));
    all.into_iter().try_for_each(check_sizes)?;
    packs.sort_by(|a, b| a.id.cmp(&b.id));
    match packs.windows(2).find_map(|pair| match pair {
        [a, b] if a.id == b.id => Some(&a.id),
        _ => None,
    }) {
        Some(id) => Err(CatalogError::Duplicate { id: id.clone() }),
        None => Ok(()),
    }
}

fn check_sizes(pack: &CatalogPack) -> Result<(), CatalogError> {
    let own = [
        ("the download", pack.download_size),
        ("the files", pack.installed_size),
        ("the index", pack.index.structure_bytes),
        ("the names in the index", pack.index.names_bytes),
        ("the bundle", pack.full.bytes),
        ("what is told of earlier versions", pack.former.as_ref().map_or(0, |former| former.bytes)),
    ];
    let deltas = pack.deltas.iter();
    let deltas =
        deltas.flat_map(|d| [("a delta", d.bytes), ("the index of a delta", d.structure_bytes)]);
    match own.into_iter().chain(deltas).find(|(_, bytes)| *bytes > SIZE_BYTES_MAX) {
        Some((what, bytes)) => Err(CatalogError::Size { id: pack.id.clone(), what, bytes }),
        None => Ok(()),
    }
}

impl CatalogPack {
    /// Whether the pack is meant for `platform`; a pack without platforms is meant for all.
    #[must_use]
    pub fn is_for(&self, platform: Option<Platform>) -> bool {
        self.platforms.is_empty() || platform.is_some_and(|p| self.platforms.contains(&p))
    }

    /// Path of the index below the repository's root.
    ///
    /// `Ours:` the digest is part of the name, so the file is immutable and two publications can never overwrite each other.
    #[must_use]
    pub fn index_path(&self) -> String {
        index_path(&self.id, self.version, &self.index)
    }

    /// Path of what is told of earlier versions, below the repository's root; none when nothing is.
    #[must_use]
    pub fn former_path(&self) -> Option<String> {
        let former = self.former.as_ref()?;
        Some(format!("indexes/{}/{}-{}.former", self.id, self.version, former.digest.short()))
    }

    /// The delta from exactly this version and content, if there is one.
    #[must_use]
    pub fn delta_from(&self, version: PackVersion, content: &Digest) -> Option<&DeltaRef> {
        self.deltas.iter().find(|d| d.from == version && d.from_content == *content)
    }
}

fn index_path(id: &PackId, version: PackVersion, index: &IndexRef) -> String {
    format!("indexes/{id}/{version}-{}.index", index.digest.short())
}

/// Path of a bundle below the repository's root.
#[must_use]
pub fn bundle_path(digest: &Digest) -> String {
    format!("bundles/{digest}")
}

#[cfg(test)]
mod tests;
