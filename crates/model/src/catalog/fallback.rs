//! Packs for some versions of the app only, and what the others get.

use super::{Catalog, CatalogError, CatalogPack};
use crate::AppVersions;
use crate::app_bundle::AppVersion;

/// Fallbacks of one pack; a catalog with more is refused. `Ours:` each is for builds that people have still; low enough that a catalog
/// stays small.
pub const FALLBACKS_MAX: usize = 16;

impl Catalog {
    /// The format that this catalog has to have.
    #[must_use]
    pub fn format_needed(&self) -> u32 {
        let tells_apart = |pack: &CatalogPack| pack.app_versions.is_some();
        if self.packs.iter().chain(&self.former).any(tells_apart) {
            Self::FORMAT_APP_VERSIONS
        } else {
            Self::FORMAT
        }
    }

    pub(super) fn check_app_versions(&self) -> Result<(), CatalogError> {
        let broken =
            |pack: &CatalogPack, what| Err(CatalogError::AppVersions { id: pack.id.clone(), what });
        for pack in self.packs.iter().chain(&self.former) {
            if self.format < Self::FORMAT_APP_VERSIONS && pack.app_versions.is_some() {
                return broken(pack, "a catalog of format 1 does not tell them apart");
            }
            if pack.fallbacks.len() > FALLBACKS_MAX {
                return broken(pack, "there are too many fallbacks");
            }
            if pack.app_versions.is_none() && !pack.fallbacks.is_empty() {
                return broken(pack, "it is for all of them, and has fallbacks");
            }
            for fallback in &pack.fallbacks {
                if fallback.id != pack.id {
                    return broken(pack, "a fallback is another pack");
                }
                if !fallback.fallbacks.is_empty() {
                    return broken(pack, "a fallback has fallbacks");
                }
            }
        }
        Ok(())
    }
}

impl CatalogPack {
    /// Whether it is for this version of the app.
    #[must_use]
    pub fn is_for_app(&self, version: &AppVersion) -> bool {
        self.app_versions.as_ref().is_none_or(|range| range.contains(version))
    }

    /// What this version of the app may have: this entry, else the first fallback that is for it. Without fallbacks of its own.
    #[must_use]
    pub fn choose(&self, version: &AppVersion) -> Option<Self> {
        let all = std::iter::once(self).chain(&self.fallbacks);
        all.into_iter().find(|pack| pack.is_for_app(version)).map(Self::alone)
    }

    /// Whether both are the same version with the same content.
    #[must_use]
    pub fn is_of(&self, other: &Self) -> bool {
        self.version == other.version && self.content == other.content
    }

    /// The same without its fallbacks.
    #[must_use]
    pub fn alone(&self) -> Self {
        Self { fallbacks: Vec::new(), ..self.clone() }
    }

    /// The same with those of `earlier` as fallbacks, newest first, that are for versions of the app that neither it nor a newer one of them
    /// is for.
    #[must_use]
    pub fn with_fallbacks(&self, earlier: impl IntoIterator<Item = Self>) -> Self {
        let mut chosen: Vec<Self> = Vec::new();
        for candidate in earlier {
            let newer = std::iter::once(self).chain(&chosen);
            let ranges: Vec<Option<&AppVersions>> =
                newer.map(|pack| pack.app_versions.as_ref()).collect();
            let covered = AppVersions::is_covered(candidate.app_versions.as_ref(), &ranges);
            if !covered && chosen.len() < FALLBACKS_MAX {
                chosen.push(candidate.alone());
            }
        }
        Self { fallbacks: chosen, ..self.clone() }
    }
}
