//! What a manifest selects.

use serde::Serialize;

use super::pattern::Pattern;
use super::selector_path::{PackFolder, SelectorPath};
use crate::PackPath;

/// One entry of `fileSelectors`. `Spec: packs 2.1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum FileSelector {
    /// One file, under its own path.
    File {
        /// The file.
        file: SelectorPath,
    },
    /// A folder with everything in it, under its own path.
    Directory {
        /// The folder.
        directory: SelectorPath,
    },
    /// Every file that matches.
    FilePattern {
        /// What to match.
        file_pattern: Pattern,
    },
    /// One file, under another path.
    PlacedFile {
        /// The file.
        file_source: SelectorPath,
        /// Its path in the pack, with its name.
        file_destination: PackPath,
    },
    /// What a folder holds, in another folder.
    PlacedDirectory {
        /// The folder.
        directory_source: SelectorPath,
        /// The folder of the pack that takes its contents.
        directory_destination: PackFolder,
    },
    /// A file, a folder with everything in it, or all that matches: left out whatever selects it.
    FileExclusion {
        /// What to leave out, by its place below the source root.
        file_exclusion: Pattern,
    },
}

impl FileSelector {
    /// Every key that a selector may have.
    pub(super) const KEYS: &'static [&'static str] = &[
        "file",
        "directory",
        "filePattern",
        "fileSource",
        "fileDestination",
        "directorySource",
        "directoryDestination",
        "fileExclusion",
    ];

    /// The key that names what is selected.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::Directory { .. } => "directory",
            Self::FilePattern { .. } => "filePattern",
            Self::PlacedFile { .. } => "fileSource",
            Self::PlacedDirectory { .. } => "directorySource",
            Self::FileExclusion { .. } => "fileExclusion",
        }
    }

    /// What is selected, as it stands in the manifest.
    #[must_use]
    pub fn source(&self) -> &str {
        match self {
            Self::File { file } => file.as_str(),
            Self::Directory { directory } => directory.as_str(),
            Self::FilePattern { file_pattern } => file_pattern.as_str(),
            Self::PlacedFile { file_source, .. } => file_source.as_str(),
            Self::PlacedDirectory { directory_source, .. } => directory_source.as_str(),
            Self::FileExclusion { file_exclusion } => file_exclusion.as_str(),
        }
    }
}
