//! Which files a packaging manifest selects from a folder on disk. `Spec: packs 2.1, 2.2`.
//!
//! The rules, all in `docs/spec/packs.md`: selectors are applied in their order, then every exclusion, wherever it stands.
//! Nothing is skipped silently: what cannot go into a pack (links, devices, names that some platform cannot store, two
//! sources for one path) is an error that names it. Hidden files and what systems drop into folders (`.DS_Store`) are files
//! like any other. The same folder gives the same selection on every machine.

mod collect;
mod error;
mod evaluate;
mod exclusion;
mod source;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use headstart_model::PackPath;
use headstart_model::packaging::PackagingManifest;

pub use error::SelectionError;
pub use evaluate::select;

/// A file that goes into a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedFile {
    /// Where it lies in the pack.
    pub path: PackPath,
    /// Where it is read.
    pub source: PathBuf,
    /// Its length in bytes when it was selected.
    pub size: u64,
    /// Whether its owner may execute it; never where the platform has no such bit.
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
    /// Every folder, also those that only hold a selected file.
    pub folders: Vec<SelectedFolder>,
    /// Exclusions that left nothing out: no error, since what they guard against need not be on this machine.
    pub unused_exclusions: Vec<String>,
    /// The paths of the launch set that are files or folders here, in its order.
    pub launch_set: Vec<PackPath>,
    /// Its other paths: no error, since an app goes on launching when a file is gone.
    pub unused_launch_paths: Vec<PackPath>,
}

impl Selection {
    /// Whether a file or folder lies at `path`.
    #[must_use]
    pub fn has(&self, path: &PackPath) -> bool {
        self.files.binary_search_by(|file| file.path.cmp(path)).is_ok()
            || self.folders.binary_search_by(|folder| folder.path.cmp(path)).is_ok()
    }

    /// Bytes of all files when they were selected.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.size))
    }
}

/// The folder that the selectors of `manifest` start from: `instead` if given, else the manifest's `sourceRoot`, else the
/// folder of the manifest file. `Spec: packs 2.2`.
///
/// `Ours:` never the working directory: the same command means the same from everywhere. `instead` comes from the command
/// line, so that is relative to the working directory.
#[must_use]
pub fn source_root(
    manifest: &PackagingManifest,
    manifest_file: &Path,
    instead: Option<&Path>,
) -> PathBuf {
    if let Some(instead) = instead {
        return instead.to_owned();
    }
    // The parent of a bare file name is the empty path, which is no folder to the system.
    let folder = manifest_file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    match &manifest.source_root {
        Some(root) => folder.join(root.as_str()),
        None => folder.to_owned(),
    }
}
