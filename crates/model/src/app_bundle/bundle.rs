//! What a bundle says about itself.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use super::problem::{BundleError, BundleProblem, ProblemKind};
use super::restrictions::InitialDownloadRestrictions;
use super::version::AppVersion;
use super::{property_list, toml_text, validate};
use crate::{AppGroupId, AppId, ChannelName, Language, PackPath, UrlPolicy};

/// A bundle that was read and found without mistakes, but for its URLs: see [`AppBundle::check_urls`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppBundle {
    /// The app.
    pub id: AppId,
    /// Its version.
    pub version: AppVersion,
    /// What people call it; one line, at most 100 characters.
    pub name: Option<String>,
    /// Its program, below the bundle's folder.
    pub executable: PackPath,
    /// Its downloader extension, below the bundle's folder; never the same program as the app.
    pub extension: Option<PackPath>,
    /// Its icon, below the bundle's folder; whether it is there and can be shown is not known.
    pub icon: Option<PackPath>,
    /// Its languages, each once; the first is the primary one. Empty when it is not localized.
    pub languages: Vec<Language>,
    /// Where its assets come from, and under which limits.
    pub background_assets: BackgroundAssets,
    /// Groups that the app belongs to beside [`BackgroundAssets::app_group`], each with the apps that may join it where this
    /// app owns it. `Ours`, see [`AppBundle::admits`].
    pub app_groups: BTreeMap<AppGroupId, Vec<AppId>>,
}

/// The `BA…` keys. `Spec: app-bundle 3`; those that begin with `BARepository` are `Ours`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackgroundAssets {
    /// `BAAppGroupID`: the group whose members share what is downloaded. Always there in managed modes.
    pub app_group: Option<AppGroupId>,
    /// `BAHasManagedAssetPacks`: the service keeps the packs.
    pub has_managed_asset_packs: bool,
    /// `BARepositoryURL`: a signed repository.
    pub repository_url: Option<Url>,
    /// `BARepositoryMirrorURLs`: copies of the repository at other addresses; at most eight.
    pub repository_mirrors: Vec<Url>,
    /// `BARepositoryChannel`: the channel of the repository that the app follows.
    pub channel: ChannelName,
    /// `BAManifestURL`: a manifest of the developer's own server.
    pub manifest_url: Option<Url>,
    /// `BAInitialDownloadRestrictions`: limits until the first launch. Always there in the unmanaged mode.
    pub restrictions: Option<InitialDownloadRestrictions>,
    /// `BAEssentialMaxInstallSize`: bytes that essential content takes on disk, for people to see.
    pub essential_max_install_bytes: Option<u64>,
    /// `BAMaxInstallSize`: bytes that other content takes on disk, for people to see.
    pub max_install_bytes: Option<u64>,
}

/// Who decides on downloads and where they come from. `Spec: app-bundle 3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentMode<'a> {
    /// The service keeps packs from a signed repository. `Ours`.
    Repository(&'a Url),
    /// The service keeps packs from a plain download manifest.
    ManagedManifest(&'a Url),
    /// The app's extension decides; the manifest is its own business.
    Unmanaged(&'a Url),
    /// The app downloads nothing.
    NoContent,
}

impl AppBundle {
    /// Reads `headstart.toml`.
    ///
    /// # Errors
    /// [`BundleError`] when the bytes are not TOML, or with everything that is wrong in it.
    pub fn from_toml(bytes: &[u8]) -> Result<Self, BundleError> {
        validate::bundle(toml_text::read(bytes)?)
    }

    /// Reads an `Info.plist`, XML or binary. Keys that do not concern Headstart are passed over.
    ///
    /// # Errors
    /// [`BundleError`] when the bytes are not a property list, or with everything that is wrong in it.
    pub fn from_info_plist(bytes: &[u8]) -> Result<Self, BundleError> {
        validate::bundle(property_list::read(bytes)?)
    }

    /// Checks that `policy` allows the URLs of the repository, its mirrors and the manifest. Each may be a `file:` URL: the bundle lies on
    /// this machine and was installed by its user.
    ///
    /// # Errors
    /// [`BundleError::Problems`] with every URL that is refused.
    pub fn check_urls(&self, policy: UrlPolicy) -> Result<(), BundleError> {
        let assets = &self.background_assets;
        let urls = [("BARepositoryURL", assets.repository_url.as_slice())]
            .into_iter()
            .chain([("BARepositoryMirrorURLs", assets.repository_mirrors.as_slice())])
            .chain([("BAManifestURL", assets.manifest_url.as_slice())]);
        let urls = urls.flat_map(|(key, urls)| urls.iter().map(move |url| (key, url)));
        let refused = urls.filter_map(|(key, url)| {
            let problem = policy.check(url).err()?;
            Some(BundleProblem {
                key: key.to_owned(),
                place: None,
                kind: ProblemKind::Url(problem),
            })
        });
        BundleError::unless_empty(refused.collect())
    }

    /// Every group that the app belongs to.
    #[must_use]
    pub fn groups(&self) -> BTreeSet<&AppGroupId> {
        self.background_assets.app_group.iter().chain(self.app_groups.keys()).collect()
    }

    /// Whether this app, as the owner of `group`, lets `app` join it. `Ours:` a group belongs to the app that was first
    /// installed with it, and others join only by the owner's leave, for there is no signature that would bind them.
    #[must_use]
    pub fn admits(&self, group: &AppGroupId, app: &AppId) -> bool {
        self.id == *app || self.app_groups.get(group).is_some_and(|apps| apps.contains(app))
    }
}

impl BackgroundAssets {
    /// Who decides on downloads and where they come from.
    #[must_use]
    pub fn mode(&self) -> ContentMode<'_> {
        match (&self.repository_url, &self.manifest_url) {
            (Some(url), _) => ContentMode::Repository(url),
            (None, Some(url)) if self.has_managed_asset_packs => ContentMode::ManagedManifest(url),
            (None, Some(url)) => ContentMode::Unmanaged(url),
            (None, None) => ContentMode::NoContent,
        }
    }
}
