//! Every file of one pack.

use std::path::Path;

use headstart_model::AppId;
use headstart_model::namespace::EntryKind;

use super::Namespace;
use crate::checkout::{PackFile, PackFiles};
use crate::error::Error;

impl Namespace {
    pub(crate) fn app(&self) -> &AppId {
        &self.held.app
    }

    pub(crate) fn home(&self) -> &Path {
        &self.held.home
    }

    /// The files and folders of a local pack, by path. Reads the whole index.
    pub(crate) fn files_of(&self, pack: &str) -> Result<PackFiles, Error> {
        let pack = self.local_pack(pack)?;
        let mut found = PackFiles::default();
        for entry in self.held.snapshot.entries() {
            let entry = entry.map_err(|error| self.damaged(&error))?;
            if entry.pack.id != pack.id {
                continue;
            }
            let path = entry.path.to_owned();
            match entry.kind {
                EntryKind::Folder => found.folders.push(path),
                EntryKind::File { executable, .. } => {
                    let source = self.place_of(&entry);
                    found.files.push(PackFile { path, source, executable });
                }
            }
        }
        found.files.sort_by(|a, b| a.path.cmp(&b.path));
        found.folders.sort_unstable();
        Ok(found)
    }
}
