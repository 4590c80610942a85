//! Putting a finished version into its place.

use std::path::{Path, PathBuf};

use headstart_pack::CompleteTree;
use headstart_sys::mode::{Access, Executable, Mode};
use headstart_sys::{Action, FileError, durable, mode};

use crate::error::StoreError;
use crate::installed::{self, InstalledVersion};
use crate::opened::RECIPES;

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
        set_mode(&files.join(path.as_str()), Mode { access: finish.access, executable })?;
    }
    durable::sync_tree(&files)?;
    if staging.join(RECIPES).exists() {
        durable::sync_tree(&staging.join(RECIPES))?;
    }
    InstalledVersion::record(staging, complete)?;
    if !finish.about.is_empty() {
        durable::write_file(&staging.join(installed::ABOUT), &finish.about, mode::Mode::PRIVATE)?;
    }
    remove_scaffolding(staging)?;
    durable::sync_folder(staging)?;
    durable::remove_tree(&finish.folder)?;
    if let Some(parent) = finish.folder.parent() {
        // Durable itself: a version in a folder that a power cut takes away would be gone with it.
        durable::create_folders(parent, Access::Shared)?;
    }
    headstart_sys::crash::point("version complete");
    durable::rename_durably(staging, &finish.folder)?;
    Ok(())
}

/// Only where it is another one: setting the mode moves the change time, also that of an old version which shares the file
/// and has recorded it.
fn set_mode(path: &Path, mode: Mode) -> Result<(), StoreError> {
    let metadata =
        std::fs::symlink_metadata(path).map_err(|e| FileError::new(Action::Read, path, e))?;
    if !has_mode(&metadata, mode) {
        mode::set_mode(path, mode)?;
    }
    Ok(())
}

#[cfg(unix)]
fn has_mode(metadata: &std::fs::Metadata, mode: Mode) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o7777 == mode.bits()
}

#[cfg(not(unix))]
fn has_mode(metadata: &std::fs::Metadata, mode: Mode) -> bool {
    metadata.permissions().readonly() == (mode.access == Access::ReadOnly)
}

/// What was needed only while the version was being built: journal, lock, cached index, parked blocks.
fn remove_scaffolding(staging: &Path) -> Result<(), StoreError> {
    let list = std::fs::read_dir(staging).map_err(|e| FileError::new(Action::Read, staging, e))?;
    for entry in list.flatten() {
        let stays = [installed::FILES, installed::RECORD, installed::ABOUT, RECIPES];
        if !stays.iter().any(|name| entry.file_name() == *name) {
            durable::remove_tree(&entry.path())?;
        }
    }
    Ok(())
}
