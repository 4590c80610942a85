//! Durable files: all at once, or as a stream.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{folder_of, sync_folder};
use crate::crash;
use crate::error::{Action, FileError};
use crate::mode::Mode;

/// How the names of temporary files begin and end; nothing else of ours is named so.
const TEMPORARY_PREFIX: &str = ".headstart-";
const TEMPORARY_SUFFIX: &str = ".tmp";

/// Replaces or creates the file at `path` durably, with exactly the permissions of `mode`.
///
/// # Errors
/// [`FileError`]; the old file is then still there, unless only the last step failed (bringing the
/// folder to stable storage), when the new one is there but a power cut may undo it.
pub fn write_file(path: &Path, bytes: &[u8], mode: Mode) -> Result<(), FileError> {
    let mut file = DurableFile::create(path, mode)?;
    file.write_all(bytes).map_err(FileError::at(Action::Write, path))?;
    file.commit()
}

/// Whether a file may take the place of what is at `target`: not of a device, a pipe or a socket, which others use by that name.
///
/// # Errors
/// [`FileError`] of kind `InvalidInput` if not.
pub fn check_replaceable(target: &Path) -> Result<(), FileError> {
    let kind = fs::symlink_metadata(target).map(|metadata| metadata.file_type());
    match kind {
        Ok(kind) if !(kind.is_file() || kind.is_dir() || kind.is_symlink()) => {
            let what = "it is a device, a pipe or a socket, and not a file";
            Err(FileError::new(
                Action::Create,
                target,
                io::Error::new(io::ErrorKind::InvalidInput, what),
            ))
        }
        _ => Ok(()),
    }
}

/// A file being written beside its target, which takes the target's place on [`commit`].
///
/// Dropped without a commit it leaves nothing, and the target is as it was. Writes are not buffered.
///
/// [`commit`]: DurableFile::commit
#[derive(Debug)]
pub struct DurableFile {
    file: NamedTempFile,
    target: PathBuf,
    mode: Mode,
}

impl DurableFile {
    /// Begins a file that will replace, or become, `target`. The folder must exist.
    ///
    /// Until the commit only the owner can read it.
    ///
    /// # Errors
    /// [`FileError`] if no file can be created in the folder; as [`check_replaceable`].
    pub fn create(target: &Path, mode: Mode) -> Result<Self, FileError> {
        check_replaceable(target)?;
        let file = tempfile::Builder::new()
            .prefix(TEMPORARY_PREFIX)
            .suffix(TEMPORARY_SUFFIX)
            .tempfile_in(folder_of(target))
            .map_err(FileError::at(Action::Create, target))?;
        Ok(Self { file, target: target.to_owned(), mode })
    }

    /// The file itself, for [`crate::positioned`] writes and for cloning into it.
    #[must_use]
    pub fn as_file(&self) -> &File {
        self.file.as_file()
    }

    /// Where the file will be.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Puts the file in the place of the target, replacing what is there, durably.
    ///
    /// # Errors
    /// As [`write_file`].
    pub fn commit(self) -> Result<(), FileError> {
        self.finish(|file, target| file.persist(target).map_err(|failed| failed.error))
    }

    /// As [`commit`](Self::commit), but never replaces: of two that race, one wins.
    ///
    /// # Errors
    /// [`FileError`] of kind `AlreadyExists` if the target exists; else as [`write_file`].
    pub fn commit_new(self) -> Result<(), FileError> {
        self.finish(|file, target| file.persist_noclobber(target).map_err(|failed| failed.error))
    }

    fn finish(
        self,
        rename: impl FnOnce(NamedTempFile, &Path) -> io::Result<File>,
    ) -> Result<(), FileError> {
        let Self { file, target, mode } = self;
        crash::point("durable.written");
        mode.apply_to(file.as_file()).map_err(FileError::at(Action::SetMode, &target))?;
        // Before the rename: else a power cut could leave the new name on content that never came.
        file.as_file().sync_all().map_err(FileError::at(Action::Sync, &target))?;
        crash::point("durable.synced");
        rename(file, &target).map_err(FileError::at(Action::Rename, &target))?;
        crash::point("durable.renamed");
        sync_folder(folder_of(&target))?;
        crash::point("durable.done");
        Ok(())
    }
}

impl Write for DurableFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Removes the temporary files that killed processes left in `folder` (not below it); returns how
/// many there were.
///
/// The caller holds whatever lock keeps other writers out of the folder: a file that somebody is
/// writing right now looks the same.
///
/// # Errors
/// [`FileError`] if the folder cannot be read or a leftover cannot be removed.
pub fn remove_leftovers(folder: &Path) -> Result<u64, FileError> {
    let mut removed = 0;
    for entry in fs::read_dir(folder).map_err(FileError::at(Action::Read, folder))? {
        let entry = entry.map_err(FileError::at(Action::Read, folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(FileError::at(Action::Read, &path))?;
        if kind.is_file() && is_temporary(&entry.file_name()) {
            fs::remove_file(&path).map_err(FileError::at(Action::Remove, &path))?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn is_temporary(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(TEMPORARY_PREFIX.as_bytes()) && name.ends_with(TEMPORARY_SUFFIX.as_bytes())
}
