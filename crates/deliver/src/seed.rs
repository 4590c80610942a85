//! Folders that nobody installed, as something to reuse.

use std::collections::{BTreeMap, HashSet};
use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use headstart_model::catalog::CatalogPack;
use headstart_model::{Digest, PackPath, PackVersion};
use headstart_pack::plan::HeldVersion;
use headstart_pack::selection::{SelectedFile, Selection};
use headstart_pack::{BuildError, CompleteTree, FolderChunks, TreeBuilder};
use headstart_store::{InstalledVersion, Sharing, StoreError};
use headstart_sys::identity::FileStamp;
use headstart_sys::link::link_folder;
use headstart_sys::{Action, FileError};

use crate::way::HeldFolder;

/// Why a folder cannot be used as a seed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// The folder cannot be listed.
    #[error("the seed {} cannot be read", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It holds more files or chunks than a pack can.
    #[error("the seed {} has too much in it", .folder.display())]
    TooMuch {
        /// The folder.
        folder: PathBuf,
        /// Which limit.
        #[source]
        source: BuildError,
    },
    /// The record of what was found cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads every regular file below `folder`, cuts it into chunks, and keeps in `record`, a folder that is made, what was
/// found: then it can be reused for `pack` as a version that is held. Links, and names that a pack cannot have, are
/// passed over, and so is what cannot be read; of names that a pack cannot have beside each other, all but the first.
/// Blocks; memory grows with the number of chunks.
///
/// What changes after it was read is noticed when it is reused, and then not used.
///
/// # Errors
/// [`SeedError`].
pub fn scan_seed(
    folder: &Path,
    record: &Path,
    pack: &CatalogPack,
) -> Result<HeldFolder, SeedError> {
    let absolute = std::path::absolute(folder)
        .map_err(|source| SeedError::Folder { folder: folder.to_owned(), source })?;
    let mut found = Found {
        root: &absolute,
        builder: TreeBuilder::new(),
        stamps: BTreeMap::new(),
        keys: HashSet::new(),
    };
    found.folder(&absolute, None)?;
    let (complete, stamps) = found.finish();
    let made = std::fs::create_dir_all(record);
    made.map_err(|error| StoreError::from(FileError::new(Action::Create, record, error)))?;
    InstalledVersion::write_record(record, &complete, &stamps)?;
    link_folder(&absolute, &InstalledVersion::files_of(record)).map_err(StoreError::from)?;
    let content = complete.content();
    let version = HeldVersion { version: version_of(&content, pack), content };
    Ok(HeldFolder { version, folder: record.to_owned(), sharing: Sharing::Independent })
}

struct Found<'a> {
    root: &'a Path,
    builder: TreeBuilder,
    /// Taken before the bytes were read, so that a change meanwhile shows as a difference.
    stamps: BTreeMap<PackPath, FileStamp>,
    /// Of what was met: a pack holds one path of each key.
    keys: HashSet<String>,
}

impl Found<'_> {
    fn folder(&mut self, folder: &Path, within: Option<&PackPath>) -> Result<(), SeedError> {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(source) if within.is_none() => {
                return Err(SeedError::Folder { folder: folder.to_owned(), source });
            }
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "passed over");
                return Ok(());
            }
        };
        let mut entries: Vec<_> = entries.flatten().collect();
        // The same one is the first on every run.
        entries.sort_by_key(DirEntry::file_name);
        for entry in entries {
            let Some(path) = path_of(within, &entry.file_name()) else { continue };
            if !self.keys.insert(path.case_key()) {
                tracing::warn!(path = %entry.path().display(), "passed over: another has its name but for case");
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.folder(&entry.path(), Some(&path))?,
                Ok(kind) if kind.is_file() => self.file(&entry.path(), path)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn file(&mut self, source: &Path, path: PackPath) -> Result<(), SeedError> {
        let Ok(stamp) = FileStamp::of_path(source) else { return Ok(()) };
        let size = stamp.size_bytes;
        let file =
            SelectedFile { path: path.clone(), source: source.to_owned(), size, executable: false };
        let selection = Selection { files: vec![file], ..Selection::default() };
        let chunks = match FolderChunks::scan(&selection, headstart_pack::Containers::Keep) {
            Ok(chunks) => chunks,
            Err(error @ BuildError::TooMany { .. }) => return Err(self.too_much(error)),
            Err(error) => {
                tracing::warn!(file = %source.display(), %error, "passed over");
                return Ok(());
            }
        };
        let chunks = chunks_of(chunks.complete(), &path);
        self.builder.file(&path, false, chunks).map_err(|error| self.too_much(error))?;
        self.stamps.insert(path, stamp);
        Ok(())
    }

    fn too_much(&self, source: BuildError) -> SeedError {
        SeedError::TooMuch { folder: self.root.to_owned(), source }
    }

    fn finish(mut self) -> (CompleteTree, Vec<FileStamp>) {
        let complete = self.builder.finish();
        let stamps = complete.tree().files().filter_map(|(_, path, _)| self.stamps.remove(path));
        let stamps = stamps.collect();
        (complete, stamps)
    }
}

fn path_of(within: Option<&PackPath>, name: &std::ffi::OsStr) -> Option<PackPath> {
    let name = PackPath::new(name.to_str()?).ok()?;
    match within {
        Some(folder) => folder.join(&name).ok(),
        None => Some(name),
    }
}

/// Name and length of each chunk of the only file of a tree.
fn chunks_of(complete: &CompleteTree, path: &PackPath) -> Vec<(Digest, u32)> {
    let tree = complete.tree();
    let file = tree.files().find(|(_, found, _)| *found == path);
    let numbers = file.map(|(_, _, file)| tree.chunks_of(file)).unwrap_or_default();
    let chunk = |number: &u32| Some((*complete.name(*number)?, tree.chunk_bytes(*number)));
    numbers.iter().filter_map(chunk).collect()
}

/// The number of a held version of which only the content is known: that of the delta for `pack` that starts from it, else 0.
#[must_use]
pub fn version_of(content: &Digest, pack: &CatalogPack) -> PackVersion {
    let delta = pack.deltas.iter().find(|delta| delta.from_content == *content);
    delta.map_or(PackVersion(0), |delta| delta.from)
}

#[cfg(test)]
mod tests;
