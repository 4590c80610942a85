//! Putting a finished version into its place.

use std::path::{Path, PathBuf};

use headstart_pack::CompleteTree;
use headstart_sys::mode::{Access, Executable, Mode};
use headstart_sys::{Action, FileError, durable, mode};

use crate::error::StoreError;
use crate::installed::{self, InstalledVersion};

/// Where a finished version goes, and who may write to its files there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// The folder of the version. What is there is replaced.
    pub folder: PathBuf,
    /// Access to the files: read-only for a pack that the service keeps, writable for a copy of a person's own.
    pub access: Access,
    /// What the version is said to be, kept beside its files (see [`InstalledVersion::about`]); empty for nothing.
    pub about: Vec<u8>,
}

/// A version that is in its place.
#[derive(Debug)]
pub struct Built {
    /// What it consists of.
    pub complete: CompleteTree,
    /// Bytes that were written to disk for it.
    pub bytes_written: u64,
}

/// Permissions, record, sync, one rename.
pub(super) fn into_place(
    staging: &Path,
    complete: &CompleteTree,
    finish: &Finish,
) -> Result<(), StoreError> {
    let files = InstalledVersion::files_of(staging);
    for (_, path, file) in complete.tree().files() {
        let executable = if file.executable { Executable::Yes } else { Executable::No };
        let path = files.join(path.as_str());
        mode::set_mode(&path, Mode { access: finish.access, executable })?;
    }
    durable::sync_tree(&files)?;
    InstalledVersion::record(staging, complete)?;
    if !finish.about.is_empty() {
        durable::write_file(&staging.join(installed::ABOUT), &finish.about, mode::Mode::PRIVATE)?;
    }
    remove_scaffolding(staging)?;
    durable::sync_folder(staging)?;
    durable::remove_tree(&finish.folder)?;
    if let Some(parent) = finish.folder.parent() {
        std::fs::create_dir_all(parent)
            .map_err(|error| FileError::new(Action::Create, parent, error))?;
    }
    headstart_sys::crash::point("version complete");
    durable::rename_durably(staging, &finish.folder)?;
    Ok(())
}

/// What was needed only while the version was being built: journal, lock, cached index, parked blocks.
fn remove_scaffolding(staging: &Path) -> Result<(), StoreError> {
    let list = std::fs::read_dir(staging).map_err(|e| FileError::new(Action::Read, staging, e))?;
    for entry in list.flatten() {
        let stays = [installed::FILES, installed::RECORD, installed::ABOUT];
        if !stays.iter().any(|name| entry.file_name() == *name) {
            durable::remove_tree(&entry.path())?;
        }
    }
    Ok(())
}
