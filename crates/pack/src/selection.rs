//! Which files a packaging manifest selects.

use std::path::PathBuf;

use headstart_model::PackPath;

/// A file that goes into a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedFile {
    /// Where it lies in the pack.
    pub path: PackPath,
    /// Where it is read.
    pub source: PathBuf,
    /// Its length in bytes when it was selected.
    pub size: u64,
    /// Whether it has the executable bit.
    pub executable: bool,
}

/// A folder that goes into a pack; it may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedFolder {
    /// Where it lies in the pack.
    pub path: PackPath,
}

/// Everything that goes into a pack, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// The files.
    pub files: Vec<SelectedFile>,
    /// The folders.
    pub folders: Vec<SelectedFolder>,
}
