//! Making and updating a download manifest. `Spec: packs 4`.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use serde_json::Map;
use url::Url;

use super::{DownloadManifest, DownloadManifestError, DownloadPack, Host};
use crate::packaging::PackagingManifest;
use crate::{PackId, PackVersion};

/// An archive that is to be offered.
#[derive(Debug, Clone, Copy)]
pub struct ArchivedPack<'a> {
    /// The manifest inside it.
    pub manifest: &'a PackagingManifest,
    /// Bytes of the archive: of the file itself, never of a link to it.
    pub archive_bytes: u64,
}

/// The URL that archives lie below: each at the base, a slash and the id of its pack, without a suffix. `Spec: packs 4`.
///
/// `Ours:` `{version}` in its path stands for the version of the pack, so that each version has an address of its own: a published archive is
/// never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// `{version}`, as it stands in the path of a URL.
const VERSION: &str = "%7Bversion%7D";

impl BaseUrl {
    /// Takes a URL as base. A slash at its end makes no difference.
    ///
    /// # Errors
    /// [`DownloadManifestError::BaseUrl`] when it has a query or fragment, is of a kind that has no paths, or has braces around
    /// anything but `version`.
    pub fn new(url: Url) -> Result<Self, DownloadManifestError> {
        let others = url.path().replace(VERSION, "");
        let braces = ["%7B", "%7D", "%7b", "%7d"].iter().any(|brace| others.contains(brace));
        if url.cannot_be_a_base() || url.query().is_some() || url.fragment().is_some() || braces {
            return Err(DownloadManifestError::BaseUrl { url: url.into() });
        }
        Ok(Self(url))
    }

    /// Whether each version of a pack has an address of its own.
    #[must_use]
    pub fn is_by_version(&self) -> bool {
        self.0.path().contains(VERSION)
    }

    /// Where the archive of this version of `pack` lies.
    #[must_use]
    pub fn of(&self, pack: &PackId, version: PackVersion) -> Url {
        let mut url = self.0.clone();
        url.set_path(&self.0.path().replace(VERSION, &version.to_string()));
        url.path_segments_mut()
            .expect("a base URL has a path, `new` saw to it")
            .pop_if_empty()
            .push(pack.as_str());
        url
    }
}

impl FromStr for BaseUrl {
    type Err = DownloadManifestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = text.parse();
        let url = url.map_err(|_| DownloadManifestError::BaseUrl { url: text.to_owned() })?;
        Self::new(url)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.as_str().replace(VERSION, "{version}"))
    }
}

impl DownloadManifest {
    /// A new manifest of `packs` in their order. `versions` belong to them by position; a pack without one gets 0.
    ///
    /// # Errors
    /// [`DownloadManifestError`] when there are more versions than packs, too many packs, or a pack twice.
    pub fn create(
        base: &BaseUrl,
        packs: &[ArchivedPack<'_>],
        versions: &[PackVersion],
    ) -> Result<Self, DownloadManifestError> {
        if versions.len() > packs.len() {
            let (packs, versions) = (packs.len(), versions.len());
            return Err(DownloadManifestError::Versions { packs, versions });
        }
        let versions = versions.iter().copied().chain(std::iter::repeat(PackVersion(0)));
        let entries = packs.iter().zip(versions).map(|(pack, version)| {
            let url = base.of(&pack.manifest.asset_pack_id, version);
            entry(pack, url, version)
        });
        let manifest = Self { asset_packs: entries.collect(), other: Map::new() };
        manifest.check()?;
        Ok(manifest)
    }

    /// Offers new archives: the version of each of `packs` goes up by one, and everything else about it is taken from the
    /// archive. Its URL changes only when there is a `base`. Packs that are not given stay as they are.
    ///
    /// `Ours:` a pack that is not listed yet is added at the end with version 0, so that nobody has to make the manifest
    /// anew, which would set the versions of all others back. On an error nothing has changed.
    ///
    /// # Errors
    /// [`DownloadManifestError`] when a pack is given twice, a new one comes without `base`, or a version cannot go up.
    pub fn update(
        &mut self,
        base: Option<&BaseUrl>,
        packs: &[ArchivedPack<'_>],
    ) -> Result<(), DownloadManifestError> {
        let mut updated = self.clone();
        let mut given = HashSet::new();
        for pack in packs {
            let id = &pack.manifest.asset_pack_id;
            if !given.insert(id) {
                return Err(DownloadManifestError::Duplicate { id: id.clone() });
            }
            match updated.asset_packs.iter_mut().find(|listed| listed.id == *id) {
                Some(listed) => raise(listed, base, pack)?,
                None => updated.asset_packs.push(added(base, pack)?),
            }
        }
        updated.check()?;
        *self = updated;
        Ok(())
    }
}

fn raise(
    listed: &mut DownloadPack,
    base: Option<&BaseUrl>,
    pack: &ArchivedPack<'_>,
) -> Result<(), DownloadManifestError> {
    let id = || listed.id.clone();
    let version = listed.version.0.checked_add(1);
    let version = version.ok_or_else(|| DownloadManifestError::LastVersion { id: id() })?;
    let version = PackVersion(version);
    let url = base.map_or_else(|| listed.url.clone(), |base| base.of(&listed.id, version));
    let other = std::mem::take(&mut listed.other);
    *listed = DownloadPack { other, ..entry(pack, url, version) };
    Ok(())
}

fn added(
    base: Option<&BaseUrl>,
    pack: &ArchivedPack<'_>,
) -> Result<DownloadPack, DownloadManifestError> {
    let id = &pack.manifest.asset_pack_id;
    let base = base.ok_or_else(|| DownloadManifestError::BaseUrlMissing { id: id.clone() })?;
    let version = PackVersion(0);
    Ok(entry(pack, base.of(id, version), version))
}

fn entry(pack: &ArchivedPack<'_>, url: Url, version: PackVersion) -> DownloadPack {
    let ArchivedPack { manifest, archive_bytes } = *pack;
    DownloadPack {
        id: manifest.asset_pack_id.clone(),
        url,
        version,
        download_size: archive_bytes,
        download_policy: manifest.download_policy.clone(),
        host: Host::default(),
        user_info: manifest.user_info.clone(),
        language: manifest.language.clone(),
        platforms: manifest.platforms.clone(),
        other: Map::new(),
    }
}
