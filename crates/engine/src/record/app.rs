//! The record of an app.

use std::collections::BTreeMap;

use headstart_model::app_bundle::InitialDownloadRestrictions;
use headstart_model::{
    AppGroupId, AppId, ChannelName, ContentRequest, ErrorKind, Failure, Language, ReleaseNumber,
    ServerHeaders,
};
use serde::{Deserialize, Serialize};

use super::extension::{Extension, Usage};
use super::languages::Languages;
use crate::id::EffectId;
use crate::time::WallTime;

/// What the installer knows of an app's bundle. `Spec: cli, An app bundle`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    /// The bundle's folder.
    pub path: String,
    /// The app's version, as people write it.
    pub version: String,
    /// The app group, if the bundle names one.
    pub group: Option<AppGroupId>,
    /// Address of the signed repository; none when the bundle has no managed packs.
    pub repository: Option<String>,
    /// Addresses of copies of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repository_mirrors: Vec<String>,
    /// The channel that the app follows.
    pub channel: ChannelName,
    /// What the installation allows.
    pub trust: Trust,
    /// Where the app's own files stay.
    pub files: BundleFiles,
    /// Its languages; the first is the primary one.
    #[serde(default)]
    pub languages: Vec<Language>,
    /// The manifest of its own server, with which its extension decides what is downloaded; none when it has no such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// The plain download manifest of its managed packs; none when it has no such. `Spec: packs 4.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download_manifest: Option<String>,
    /// Whether it has a downloader extension.
    #[serde(default)]
    pub extension: bool,
    /// Limits until the first launch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restrictions: Option<InitialDownloadRestrictions>,
    /// Every group that it belongs to, each with the apps that may join it where this app owns it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<AppGroupId, Vec<AppId>>,
}

/// A repository and its mirrors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its address.
    pub url: String,
    /// Addresses of copies of it. Nothing that they give is trusted more than what the repository gives.
    pub mirrors: Vec<String>,
}

/// Where an app's content comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// A repository: the service decides what is fetched.
    Repository(&'a str),
    /// A plain download manifest: the service decides. `Spec: packs 4.1`.
    DownloadManifest(&'a str),
    /// A manifest of the developer's own: the app's extension decides. `Spec: concepts 4`.
    Manifest(&'a str),
    /// Nowhere.
    None,
}

/// What a developer has put in place of an app's own source. `Spec: cli`, `debug override`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SourceOverride {
    /// Another repository, trusted by a root of its own.
    Repository(String),
    /// Another manifest.
    Manifest(String),
}

/// A content request about whose packs an extension is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asking {
    /// The request.
    pub request: ContentRequest,
    /// Why no catalog could be had while the installation waited for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_before: Option<Failure>,
    /// It is about packs alone whose archives could not be looked at when the request came.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
}

/// Bytes that an app has scheduled before its first launch, as its allowances count them. `Spec: concepts 14`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spent {
    /// Of downloads that are not essential.
    pub bytes: u64,
    /// Of essential ones.
    pub essential_bytes: u64,
}

/// What an installation allows. `Spec: cli, An app bundle`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Trust {
    /// An ordinary installation.
    Ordinary,
    /// Installed with `--dev`: loopback addresses without TLS, and programs that name themselves the app.
    Development,
    /// Installed with `--insecure`: any address without TLS. What is fetched is verified against signatures all the same.
    Insecure,
}

/// How an app's servers are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAccess {
    /// What the installation allows.
    pub trust: Trust,
    /// The headers that each server gets.
    pub headers: ServerHeaders,
}

/// Where the app's own files stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BundleFiles {
    /// Where the bundle lies.
    InPlace,
    /// In a copy below the home (`--copy`).
    Copied,
}

/// Whether an installation is the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum InstallKind {
    /// The app was not there before.
    First,
    /// An installed app is replaced by another version.
    Update,
}

impl InstallKind {
    /// The content request that belongs to it. `Spec: concepts 3`.
    #[must_use]
    pub const fn content_request(self) -> ContentRequest {
        match self {
            Self::First => ContentRequest::Install,
            Self::Update => ContentRequest::Update,
        }
    }
}

/// How far an installation is: the phases of its one progress. `Spec: cli`, `app install`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum InstallStage {
    /// The app's own files are put in place and registered.
    Files,
    /// The catalog or manifest is fetched, and what is essential is found out.
    Install,
    /// What is essential arrives.
    Essential,
}

/// An installation that is going on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Installation {
    /// First installation or update.
    pub kind: InstallKind,
    /// How far it is.
    pub stage: InstallStage,
    /// The bundle that replaces the present one when its files are in place; only for updates.
    pub incoming: Option<Box<Bundle>>,
    /// A person has paused it: what it waits for does not move.
    #[serde(default)]
    pub paused: bool,
    /// A person has cancelled it while the files were put in place.
    #[serde(default)]
    pub cancelled: bool,
}

/// Whether the content stays when an app is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeepData {
    /// The local packs stay and are taken over when the app is installed again.
    Keep,
    /// Nothing stays.
    Delete,
}

/// Where an app stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Being installed or updated: it must not be launched.
    Installing(Installation),
    /// May be launched.
    Launchable,
    /// Being removed.
    Removing(KeepData),
}

/// The last check for a catalog failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckFailure {
    /// What failed.
    pub failure: Failure,
    /// Since when checks have failed.
    pub since: WallTime,
    /// When the last one failed.
    pub last: WallTime,
}

/// An app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// Its bundle.
    pub bundle: Bundle,
    /// Where it stands.
    pub phase: Phase,
    /// When it was first launched.
    pub first_launch: Option<WallTime>,
    /// The release of the catalog that the packs' offers come from.
    pub release: Option<ReleaseNumber>,
    /// What its server called the plain download manifest that they come from, if they come from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_tag: Option<String>,
    /// When a check last succeeded.
    pub checked_at: Option<WallTime>,
    /// When a content request was last carried out: the next periodic one counts from then, however often was checked since for
    /// other reasons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<WallTime>,
    /// Why the last check failed; none when it succeeded.
    pub check_failure: Option<CheckFailure>,
    /// A content request that waits for a catalog.
    pub content_request: Option<ContentRequest>,
    /// The check that is running.
    pub check: Option<EffectId>,
    /// The switch that is running.
    pub switch: Option<EffectId>,
    /// Its languages.
    #[serde(default)]
    pub languages: Languages,
    /// When it was first installed.
    #[serde(default)]
    pub installed_at: WallTime,
    /// On which days it was used.
    #[serde(default)]
    pub usage: Usage,
    /// Its downloader extension.
    #[serde(default)]
    pub extension: Extension,
    /// What it has scheduled before its first launch.
    #[serde(default)]
    pub spent: Spent,
    /// What a developer has put in place of its own source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceOverride>,
    /// What its extension is to be asked about: the catalog has come. `Spec: concepts 5.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asking: Option<Asking>,
    /// The headers that its servers get, such as a token.
    #[serde(default, skip_serializing_if = "ServerHeaders::is_empty")]
    pub server_headers: ServerHeaders,
}

impl App {
    /// An app at the start of its first installation.
    pub(crate) fn new(bundle: Bundle, installed_at: WallTime) -> Self {
        let installation = Installation {
            kind: InstallKind::First,
            stage: InstallStage::Files,
            incoming: None,
            paused: false,
            cancelled: false,
        };
        Self {
            bundle,
            phase: Phase::Installing(installation),
            first_launch: None,
            release: None,
            manifest_tag: None,
            checked_at: None,
            requested_at: None,
            check_failure: None,
            content_request: None,
            check: None,
            switch: None,
            languages: Languages::default(),
            installed_at,
            usage: Usage::default(),
            extension: Extension::default(),
            spent: Spent::default(),
            source: None,
            asking: None,
            server_headers: ServerHeaders::default(),
        }
    }

    /// How its servers are reached.
    #[must_use]
    pub fn access(&self) -> ServerAccess {
        ServerAccess { trust: self.bundle.trust, headers: self.server_headers.clone() }
    }

    /// Where its content comes from.
    #[must_use]
    pub fn source(&self) -> Source<'_> {
        let Bundle { repository, download_manifest, manifest, .. } = &self.bundle;
        match (&self.source, repository, download_manifest, manifest) {
            (Some(SourceOverride::Repository(url)), ..) | (None, Some(url), ..) => {
                Source::Repository(url)
            }
            (Some(SourceOverride::Manifest(url)), _, Some(_), _) | (None, None, Some(url), _) => {
                Source::DownloadManifest(url)
            }
            (Some(SourceOverride::Manifest(url)), ..) | (None, None, None, Some(url)) => {
                Source::Manifest(url)
            }
            (None, None, None, None) => Source::None,
        }
    }

    /// The repository that it follows, with its mirrors. They are the bundle's: a repository that a developer put in place of the bundle's
    /// has none.
    #[must_use]
    pub fn repository(&self) -> Option<Repository> {
        let Source::Repository(url) = self.source() else { return None };
        let mirrors = match &self.source {
            Some(_) => Vec::new(),
            None => self.bundle.repository_mirrors.clone(),
        };
        Some(Repository { url: url.to_owned(), mirrors })
    }

    /// Whether the service keeps its packs.
    #[must_use]
    pub fn is_managed(&self) -> bool {
        matches!(self.source(), Source::Repository(_) | Source::DownloadManifest(_))
    }

    fn follows_repository(&self) -> bool {
        matches!(self.source(), Source::Repository(_))
    }

    /// The address that its content comes from, if there is one.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        match self.source() {
            Source::Repository(url) | Source::DownloadManifest(url) | Source::Manifest(url) => {
                Some(url)
            }
            Source::None => None,
        }
    }

    /// Whether its content comes from anywhere.
    #[must_use]
    pub fn has_source(&self) -> bool {
        self.source() != Source::None
    }

    /// What limits it until its first launch; none once it was launched. `Spec: concepts 14`.
    #[must_use]
    pub fn restrictions(&self) -> Option<&InitialDownloadRestrictions> {
        self.bundle.restrictions.as_ref().filter(|_| self.first_launch.is_none())
    }

    /// Whether a person has paused its installation.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.installation().is_some_and(|installation| installation.paused)
    }

    /// The installation that is going on.
    #[must_use]
    pub const fn installation(&self) -> Option<&Installation> {
        match &self.phase {
            Phase::Installing(installation) => Some(installation),
            Phase::Launchable | Phase::Removing(_) => None,
        }
    }

    /// Whether the app is being removed.
    #[must_use]
    pub const fn is_leaving(&self) -> bool {
        matches!(self.phase, Phase::Removing(_))
    }

    /// Why nothing new is taken from the repository: its metadata did not hold at the last check. What is installed
    /// stays usable. `Ours:` expired or forged metadata must not stop an app that has its content.
    #[must_use]
    pub fn distrust(&self) -> Option<&CheckFailure> {
        // A manifest is not signed: what its server is not trusted for says nothing about other files.
        let failed = self.check_failure.as_ref().filter(|_| self.follows_repository());
        failed.filter(|c| c.failure.kind == ErrorKind::Untrusted)
    }

    /// From when the next periodic content request counts; none before the first check.
    pub(crate) fn period_began(&self) -> Option<WallTime> {
        let failed = self.check_failure.as_ref().map(|check| check.last);
        self.requested_at.or(self.checked_at).max(failed)
    }
}
