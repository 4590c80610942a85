//! Bringing a whole tree to stable storage before it is published.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::sync_folder;
use crate::crash;
use crate::error::{Action, FileError};

/// Brings every file and folder below `folder`, and itself, to stable storage.
///
/// On Linux the whole file system is synced in one call, which for thousands of small files is far
/// cheaper than one call each; elsewhere, or where that is refused, the tree is walked. Symbolic
/// links are not followed; the tree must lie on one file system.
///
/// # Errors
/// [`FileError`] naming what could not be read or synced: nothing of the tree may then be taken
/// for durable.
pub fn sync_tree(folder: &Path) -> Result<(), FileError> {
    crash::point("tree.written");
    if !sync_file_system(folder).map_err(FileError::at(Action::Sync, folder))? {
        sync_each(folder)?;
    }
    crash::point("tree.synced");
    Ok(())
}

/// False if the system or the file system has no such call.
#[cfg(target_os = "linux")]
fn sync_file_system(folder: &Path) -> io::Result<bool> {
    use rustix::io::Errno;

    match rustix::fs::syncfs(File::open(folder)?) {
        Ok(()) => Ok(true),
        Err(Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL | Errno::PERM) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "Linux can fail")]
fn sync_file_system(_: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Files before the folder that names them. Recursion is as deep as the tree that the caller made.
pub(super) fn sync_each(folder: &Path) -> Result<(), FileError> {
    for entry in fs::read_dir(folder).map_err(FileError::at(Action::Read, folder))? {
        let entry = entry.map_err(FileError::at(Action::Read, folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(FileError::at(Action::Read, &path))?;
        if kind.is_dir() {
            sync_each(&path)?;
        } else if kind.is_file() {
            open_to_sync(&path)
                .and_then(|file| file.sync_all())
                .map_err(FileError::at(Action::Sync, &path))?;
        }
    }
    sync_folder(folder)
}

#[cfg(unix)]
fn open_to_sync(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Windows flushes only through a handle that may write.
#[cfg(not(unix))]
fn open_to_sync(path: &Path) -> io::Result<File> {
    File::options().write(true).open(path)
}
