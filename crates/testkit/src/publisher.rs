//! The repository of the virtual world: releases, one after the other.

use std::collections::BTreeMap;

use headstart_model::catalog::{BundleRef, CatalogPack, IndexRef};
use headstart_model::{
    AppVersions, Digest, DownloadPolicy, InstallationEventType, InstallationEventTypes, Language,
    PackId, PackVersion, Platform, ReleaseNumber,
};

/// How a pack is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// When it is downloaded.
    pub policy: DownloadPolicy,
    /// Its size in bytes; downloaded and installed are the same here.
    pub bytes: u64,
    /// Platforms; empty means all.
    pub platforms: Vec<Platform>,
    /// Its language; none when it is not localized.
    pub language: Option<Language>,
    /// The versions of the app that it is for; none means all.
    pub app_versions: Option<AppVersions>,
}

impl Recipe {
    /// Essential at both events.
    #[must_use]
    pub fn essential(bytes: u64) -> Self {
        Self::of(DownloadPolicy::Essential(both()), bytes)
    }

    /// Prefetched at both events.
    #[must_use]
    pub fn prefetch(bytes: u64) -> Self {
        Self::of(DownloadPolicy::Prefetch(both()), bytes)
    }

    /// Only when somebody asks.
    #[must_use]
    pub fn on_demand(bytes: u64) -> Self {
        Self::of(DownloadPolicy::on_demand(), bytes)
    }

    /// With this policy, for all platforms.
    #[must_use]
    pub const fn of(policy: DownloadPolicy, bytes: u64) -> Self {
        Self { policy, bytes, platforms: Vec::new(), language: None, app_versions: None }
    }

    /// The same, for these versions of the app.
    #[must_use]
    pub fn for_app(self, range: &str) -> Self {
        let app_versions = AppVersions::new(range).expect("scenarios name ranges validly");
        Self { app_versions: Some(app_versions), ..self }
    }

    /// The same, localized.
    #[must_use]
    pub fn localized(self, language: &str) -> Self {
        let language = Language::new(language).expect("scenarios name languages validly");
        Self { language: Some(language), ..self }
    }
}

fn both() -> InstallationEventTypes {
    InstallationEventTypes {
        installation_event_types: vec![
            InstallationEventType::FirstInstallation,
            InstallationEventType::SubsequentUpdate,
        ],
    }
}

/// Whether the repository's metadata holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Sound,
    /// It has expired: nobody refreshed it.
    Expired,
}

/// Every version of a pack, the first one first, and the one that is live.
#[derive(Debug, Clone, Default)]
struct History {
    recipes: Vec<Recipe>,
    live: Option<PackVersion>,
}

impl History {
    fn recipe(&self, version: PackVersion) -> Option<&Recipe> {
        let index = usize::try_from(version.0.checked_sub(1)?).ok()?;
        self.recipes.get(index)
    }
}

/// A repository and who publishes to it.
#[derive(Debug, Clone)]
pub struct Publisher {
    packs: BTreeMap<PackId, History>,
    release: u64,
    /// Whether its metadata holds.
    pub standing: Standing,
}

impl Default for Publisher {
    fn default() -> Self {
        Self { packs: BTreeMap::new(), release: 0, standing: Standing::Sound }
    }
}

impl Publisher {
    /// Publishes a release that adds these packs, or replaces them by a next version.
    pub fn publish(&mut self, packs: &[(&str, Recipe)]) {
        self.release += 1;
        for (id, recipe) in packs {
            let history = self.packs.entry(pack_id(id)).or_default();
            history.recipes.push(recipe.clone());
            history.live = Some(PackVersion(history.recipes.len() as u64));
        }
    }

    /// Publishes a release in which these packs are of these versions again; a version that never was is passed over.
    pub fn roll_back(&mut self, packs: &[(&str, u64)]) {
        self.release += 1;
        for (id, version) in packs {
            let history = self.packs.entry(pack_id(id)).or_default();
            let version = PackVersion(*version);
            if history.recipe(version).is_some() {
                history.live = Some(version);
            }
        }
    }

    /// Publishes a release without these packs.
    pub fn withdraw(&mut self, packs: &[&str]) {
        self.release += 1;
        for id in packs {
            self.packs.entry(pack_id(id)).or_default().live = None;
        }
    }

    /// Forgets the earlier versions of packs that are withdrawn: the next one is the first again, and has none to fall back on.
    pub fn forget(&mut self, packs: &[&str]) {
        self.packs.retain(|id, history| {
            history.live.is_some() || packs.iter().all(|gone| *gone != id.as_str())
        });
    }

    /// The newest release.
    #[must_use]
    pub const fn release(&self) -> ReleaseNumber {
        ReleaseNumber(self.release)
    }

    /// The version of a pack that is live.
    #[must_use]
    pub fn version(&self, pack: &PackId) -> Option<PackVersion> {
        self.packs.get(pack).and_then(|history| history.live)
    }

    /// The packs of the newest release.
    #[must_use]
    pub fn catalog(&self) -> Vec<CatalogPack> {
        let live = self.packs.iter().filter_map(|(id, history)| {
            let version = history.live?;
            let newest = entry(id, version, history.recipe(version)?);
            let earlier = (1..version.0).rev().map(PackVersion);
            let earlier = earlier.filter_map(|v| Some(entry(id, v, history.recipe(v)?)));
            Some(newest.with_fallbacks(earlier))
        });
        live.collect()
    }
}

fn pack_id(text: &str) -> PackId {
    PackId::new(text).expect("scenarios name packs validly")
}

/// What the archive of a version says of itself.
pub(crate) fn archived(id: &PackId, version: PackVersion, bytes: u64) -> CatalogPack {
    entry(id, version, &Recipe::on_demand(bytes))
}

fn entry(id: &PackId, version: PackVersion, recipe: &Recipe) -> CatalogPack {
    // The name of the content stands for the content; a world has no real bytes to hash.
    let mut content = [0; Digest::LEN];
    for (at, byte) in
        content.iter_mut().zip(version.0.to_le_bytes().into_iter().chain(id.as_str().bytes()))
    {
        *at = byte;
    }
    let content = Digest::from_bytes(content);
    CatalogPack {
        id: id.clone(),
        version,
        download_policy: recipe.policy.clone(),
        platforms: recipe.platforms.clone(),
        language: recipe.language.clone(),
        user_info: None,
        download_size: recipe.bytes,
        installed_size: recipe.bytes,
        file_count: 1,
        content,
        index: IndexRef { digest: content, structure_bytes: 1, names_bytes: 0 },
        full: BundleRef { digest: content, bytes: recipe.bytes },
        deltas: Vec::new(),
        former: None,
        app_versions: recipe.app_versions.clone(),
        fallbacks: Vec::new(),
    }
}
