//! Removing versions that nobody reads.

use std::path::{Path, PathBuf};

use headstart_model::{Digest, PackId, PackVersion};
use headstart_sys::{Action, FileError, durable};

use super::{LivePack, Namespaces, Removal};
use crate::error::StoreError;
use crate::installed::InstalledVersion;

/// How the name begins that a version has while it is being removed. No version is named so.
const GONE: &str = ".gone-";

impl Namespaces {
    /// Removes a version that is not live, if no generation that is still held names it. What an earlier removal left
    /// half done is removed with it.
    ///
    /// # Errors
    /// [`StoreError`]; what is left is removed by the next call.
    pub fn remove_version(
        &self,
        pack: &PackId,
        version: (PackVersion, &Digest),
    ) -> Result<Removal, StoreError> {
        let path = self.layout.version(&self.app, pack, version);
        if self.is_named(&self.named()?, &path) {
            return Ok(Removal::InUse);
        }
        let leftovers = folders_in(&self.layout.pack(&self.app, pack))?;
        let mut unwanted: Vec<_> = leftovers.into_iter().filter(|path| is_gone(path)).collect();
        unwanted.push(path);
        self.remove_folders(pack, &unwanted)?;
        Ok(Removal::Removed)
    }

    /// Removes every version of a pack that no kept generation names: what was built and never became live, and what was
    /// live once. The caller sees to it that none is being put into place meanwhile.
    ///
    /// # Errors
    /// [`StoreError`]; what is left is removed by the next call.
    pub fn remove_unnamed_versions(&self, pack: &PackId) -> Result<(), StoreError> {
        let named = self.named()?;
        let mut unwanted = folders_in(&self.layout.pack(&self.app, pack))?;
        unwanted.retain(|path| !self.is_named(&named, path));
        self.remove_folders(pack, &unwanted)
    }

    fn is_named(&self, named: &[LivePack], path: &Path) -> bool {
        named.iter().any(|live| self.layout.home().join(&live.folder) == *path)
    }

    /// Their files may be shared with the live version of the pack, whose stamps are brought along.
    fn remove_folders(&self, pack: &PackId, folders: &[PathBuf]) -> Result<(), StoreError> {
        let folders: Vec<_> = folders.iter().filter(|folder| folder.exists()).collect();
        if folders.is_empty() {
            return Ok(());
        }
        let remove = || folders.iter().try_for_each(|folder| remove_folder(folder));
        let live = self.live()?.into_iter().find(|live| live.id == *pack);
        let sharing = live
            .and_then(|live| InstalledVersion::open(&self.layout.home().join(live.folder)).ok());
        match sharing {
            Some(sharing) => sharing.while_unlinking(remove),
            None => remove(),
        }
    }
}

/// The version loses its name first: half of one is never taken for a version.
fn remove_folder(folder: &Path) -> Result<(), StoreError> {
    if is_gone(folder) {
        return Ok(durable::remove_tree(folder)?);
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let gone = folder.with_file_name(format!("{GONE}{name}"));
    durable::remove_tree(&gone)?;
    durable::rename_durably(folder, &gone)?;
    headstart_sys::crash::point("version unnamed");
    Ok(durable::remove_tree(&gone)?)
}

fn is_gone(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(GONE))
}

fn folders_in(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let error = |error| FileError::new(Action::Read, folder, error);
    let list = match std::fs::read_dir(folder) {
        Ok(list) => list,
        Err(failure) if failure.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(failure) => return Err(error(failure).into()),
    };
    list.map(|entry| Ok(entry.map_err(error)?.path())).collect()
}
