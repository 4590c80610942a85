//! What the game and its extension have in common: the manifest on the server, and where levels are kept.
//!
//! The extension (`src/bin/levels-extension.rs`) decides what is fetched, before the game was ever launched; the game
//! (`src/main.rs`) looks at what is there, and fetches the rest while a person waits. Both keep levels in the container of
//! their group. Start with the extension.

use std::path::{Path, PathBuf};

use headstart::{AppGroupId, Download, DownloadManager, Error, UrlDownload};
use serde::Deserialize;

/// The group of the bundle.
const GROUP: &str = "group.com.example.levels";

/// What the server says there is. Its form is the game's own business.
#[derive(Debug, Clone, Deserialize)]
pub struct Manifest {
    /// Every level, in the order in which they are played.
    pub levels: Vec<Level>,
}

/// A level.
#[derive(Debug, Clone, Deserialize)]
pub struct Level {
    /// Its name, and the name of its file.
    pub name: String,
    /// Where its file lies.
    pub url: String,
    /// The exact size of the file in bytes.
    pub bytes: u64,
    /// Whether the game cannot be played without it.
    #[serde(default)]
    pub essential: bool,
}

impl Manifest {
    /// Reads the manifest in a file.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub fn read(path: &Path) -> std::io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(path)?)?)
    }
}

impl Level {
    /// The download that brings it; essential only if that is allowed now.
    ///
    /// # Errors
    /// When the manifest says what cannot be.
    pub fn download(&self, essential: bool) -> Result<Download, Error> {
        let download = UrlDownload::new(&self.name, &self.url, self.bytes, &group())?;
        Ok(download.essential(essential && self.essential).into())
    }
}

/// The group that the game and its extension share.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "the text above is an id")]
pub fn group() -> AppGroupId {
    AppGroupId::new(GROUP).expect("an id")
}

/// Where levels are kept.
#[must_use]
pub fn kept_in(downloads: &headstart::blocking::DownloadManager) -> PathBuf {
    downloads.group_container(&group()).join("levels")
}

/// The same, for whoever has the other manager.
#[must_use]
pub fn kept(downloads: &DownloadManager) -> PathBuf {
    kept_in(&downloads.to_blocking())
}
