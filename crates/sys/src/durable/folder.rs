//! Durable changes to folders: what names they hold.

use std::fs;
use std::io;
use std::path::Path;

use super::folder_of;
use crate::crash;
use crate::error::{Action, FileError};
use crate::mode::Access;

/// Brings the entries of a folder (creations, renames, removals) to stable storage.
///
/// Says nothing about the content of the files in it. On Windows it does nothing.
///
/// # Errors
/// [`FileError`] if the folder cannot be opened or the system reports a failed write.
pub fn sync_folder(folder: &Path) -> Result<(), FileError> {
    sync(folder).map_err(FileError::at(Action::Sync, folder))
}

#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "Unix can fail")]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Renames a file or folder within one file system, durably.
///
/// A file at `to` is replaced, as is an empty folder by a folder; a folder that holds something is
/// not. The content of what is renamed must have been synced before ([`super::sync_tree`]).
///
/// # Errors
/// [`FileError`] naming `from` if the rename failed (both names are then as they were), or naming
/// the folder whose sync failed (then the rename holds, but a power cut may undo it).
pub fn rename_durably(from: &Path, to: &Path) -> Result<(), FileError> {
    crash::point("rename.begin");
    fs::rename(from, to).map_err(FileError::at(Action::Rename, from))?;
    crash::point("rename.renamed");
    let (source, destination) = (folder_of(from), folder_of(to));
    // The destination first: after a cut in between both names may exist, but never neither.
    sync_folder(destination)?;
    if source != destination {
        sync_folder(source)?;
    }
    crash::point("rename.done");
    Ok(())
}

/// Gives a file a second name on the same file system, durably.
///
/// What is at `to` stays. The content of the file must have been synced before.
///
/// # Errors
/// [`FileError`] naming `to`: of kind `AlreadyExists` if something is there; of another where the file system
/// has no second names.
pub fn link_durably(from: &Path, to: &Path) -> Result<(), FileError> {
    crash::point("link.begin");
    fs::hard_link(from, to).map_err(FileError::at(Action::Create, to))?;
    crash::point("link.made");
    sync_folder(folder_of(to))?;
    crash::point("link.done");
    Ok(())
}

/// Creates a folder and those above it that are missing, each with the access told (less what the
/// process's file mask takes), durably.
///
/// Folders that exist are left as they are.
///
/// # Errors
/// [`FileError`] naming the folder that could not be created; a file in the way is `NotADirectory`
/// or `AlreadyExists`.
pub fn create_folders(folder: &Path, access: Access) -> Result<(), FileError> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder_of(folder);
    if parent != folder {
        create_folders(parent, access)?;
    }
    match create(folder, access) {
        Ok(()) => {}
        // Somebody else was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        Err(error) => return Err(FileError::new(Action::Create, folder, error)),
    }
    sync_folder(parent)?;
    crash::point("folder.created");
    Ok(())
}

#[cfg(unix)]
fn create(folder: &Path, access: Access) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(access.folder_bits()).create(folder)
}

#[cfg(not(unix))]
fn create(folder: &Path, _: Access) -> io::Result<()> {
    fs::create_dir(folder)
}
