//! Listing folders over all packs.

use headstart_model::PackPath;
use headstart_model::namespace::EntryKind;

use super::{Namespace, file_not_found};
use crate::error::Error;
use headstart_model::ErrorKind;

/// A name in a folder, in one pack.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FolderEntry {
    /// The name.
    pub name: String,
    /// The path inside the packs.
    pub path: String,
    /// The pack that has it.
    pub pack: String,
    /// What it is.
    pub kind: FolderEntryKind,
}

/// What stands in a folder under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FolderEntryKind {
    /// A folder.
    Folder,
    /// A file of this length.
    File {
        /// Its length.
        size_bytes: u64,
    },
}

impl Namespace {
    /// What is directly in a folder, over all packs; the empty path is the top. By name; one that
    /// several packs have comes once for each.
    ///
    /// # Errors
    /// `fileNotFound` when no pack has such a folder, `invalidPath`, `namespaceDamaged`.
    pub fn folder(&self, path: &str) -> Result<Vec<FolderEntry>, Error> {
        if !path.is_empty() {
            PackPath::new(path)
                .map_err(|error| Error::of(ErrorKind::Usage, "invalidPath", &error))?;
        }
        let children = self.held.snapshot.children(path);
        let entries = children.map_err(|error| self.damaged(&error))?.map(|entry| {
            let entry = entry.map_err(|error| self.damaged(&error))?;
            Ok(FolderEntry {
                name: entry.path.rsplit('/').next().unwrap_or(entry.path).to_owned(),
                path: entry.path.to_owned(),
                pack: entry.pack.id.to_owned(),
                kind: match entry.kind {
                    EntryKind::Folder => FolderEntryKind::Folder,
                    EntryKind::File { size_bytes, .. } => FolderEntryKind::File { size_bytes },
                },
            })
        });
        let entries: Vec<FolderEntry> = entries.collect::<Result<_, Error>>()?;
        if entries.is_empty() && !path.is_empty() && !self.has_folder(path)? {
            return Err(file_not_found(path));
        }
        Ok(entries)
    }

    fn has_folder(&self, path: &str) -> Result<bool, Error> {
        for entry in self.all(path)? {
            if entry.map_err(|error| self.damaged(&error))?.kind == EntryKind::Folder {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
