//! The manifest and its canonical form.

use serde::Serialize;

use super::document::Document;
use super::error::{JsonProblem, ManifestError};
use super::read;
use super::selector::FileSelector;
use super::selector_path::SourceRoot;
use crate::{AppVersions, DownloadPolicy, Language, PackId, PackPath, Place, Platform};

/// Most bytes of a manifest.
pub const MANIFEST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most paths of a launch set. `Ours:` it is read with the manifest, for each version that is published.
pub const LAUNCH_SET_MAX: usize = 10_000;

/// How deep objects and lists may lie in each other; only `userInfo` goes deeper than four.
pub const NESTING_MAX: usize = 64;

/// What an author says about a pack. `Spec: packs 2`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PackagingManifest {
    /// The pack.
    #[serde(rename = "assetPackID")]
    pub asset_pack_id: PackId,
    /// When it is downloaded.
    pub download_policy: DownloadPolicy,
    /// What goes into it; at least one.
    pub file_selectors: Vec<FileSelector>,
    /// Platforms it is meant for, each once; empty means all.
    pub platforms: Vec<Platform>,
    /// Its language; none when it is not localized.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Where selectors start from; none for the folder of the manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_root: Option<SourceRoot>,
    /// The versions of the app that it is for; none means all. `Ours:` so that an old build is never given what breaks it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_versions: Option<AppVersions>,
    /// Files and folders, by their paths in the pack, whose blocks lie first in the bundle and so arrive first, in this order; each once.
    /// `Ours:` what an app reads when it begins is there before the rest, for those who [read ahead](crate::protocol::packs::ReadAhead).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub launch_set: Vec<PackPath>,
    /// Whatever the author wants the app to know: a JSON object, its keys sorted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_info: Option<serde_json::Value>,
}

impl PackagingManifest {
    /// Every key that a manifest may have.
    pub(super) const KEYS: &'static [&'static str] = &[
        "assetPackID",
        "downloadPolicy",
        "fileSelectors",
        "platforms",
        "language",
        "sourceRoot",
        "appVersions",
        "launchSet",
        "userInfo",
    ];

    /// Reads a manifest: JSON with comments and trailing commas.
    ///
    /// # Errors
    /// [`ManifestError`] with the first problem and its line and column.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let document = Document::parse(text)?;
        read::manifest(&document)
    }

    /// Reads a manifest from the bytes of a file or archive.
    ///
    /// # Errors
    /// As [`PackagingManifest::parse`], and when the bytes are not UTF-8.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MANIFEST_BYTES_MAX {
            let problem = JsonProblem::TooLarge { bytes: bytes.len(), limit: MANIFEST_BYTES_MAX };
            return Err(ManifestError { place: Place::START, problem: problem.into() });
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let good = std::str::from_utf8(good).unwrap_or_default();
            let problem = JsonProblem::Syntax { reason: "it is not UTF-8 text".to_owned() };
            ManifestError { place: Place::of(good, good.len()), problem: problem.into() }
        })?;
        Self::parse(text)
    }

    /// The canonical form that goes into archives: compact JSON, keys in a fixed order, those of `userInfo` sorted.
    ///
    /// The same manifest gives the same bytes, and reading them gives the same manifest.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut canonical = self.clone();
        if let Some(info) = &mut canonical.user_info {
            info.sort_all_objects();
        }
        serde_json::to_vec(&canonical).expect("a manifest holds only what JSON can hold")
    }
}

/// A manifest with comments that explains every key: what `headstart template` writes. It parses as it is.
#[must_use]
pub const fn template() -> &'static str {
    include_str!("template.jsonc")
}
