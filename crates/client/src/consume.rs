//! Taking a file that the service hands over.

use std::io;
use std::path::Path;

use headstart_model::{ErrorKind, PackPath};
use headstart_sys::clone::{Allowed, CloneError, clone_file};
use headstart_sys::durable::{remove_tree, sync_folder};
use headstart_sys::{Action, FileError};

use crate::error::Error;

/// A path as a call takes it.
pub(crate) fn path_of(path: &str) -> Result<PackPath, Error> {
    PackPath::new(path).map_err(|error| Error::of(ErrorKind::Usage, "invalidPath", &error))
}

/// Refuses a destination where something is already: it is looked at before the file is taken out of its pack.
pub(crate) fn check_free(destination: &Path) -> Result<(), Error> {
    if destination.symlink_metadata().is_ok() {
        let text = format!("{} exists already", destination.display());
        return Err(Error::new(ErrorKind::Conflict, "destinationExists", text)
            .with_hint("name a path where nothing is"));
    }
    let folder = destination.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        let text = format!("there is no folder for {}", destination.display());
        return Err(Error::new(ErrorKind::NotFound, "destinationMissing", text)
            .with_hint("make the folder first"));
    }
    Ok(())
}

/// Moves a file that was handed over to `destination`; to another file system it is copied.
pub(crate) fn take(handed: &Path, destination: &Path) -> Result<(), Error> {
    move_file(handed, destination).map_err(|error| {
        let (kind, code) = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                (ErrorKind::NoSpace, "diskFull")
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                (ErrorKind::Refused, "fileRefused")
            }
            _ => (ErrorKind::Internal, "fileFailed"),
        };
        Error::of(kind, code, &error)
            .with_hint("it waits where it was handed over: the same call gives it again")
    })
}

fn move_file(from: &Path, to: &Path) -> Result<(), FileError> {
    match std::fs::rename(from, to) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            clone_file(from, to, Allowed::ReflinkOrCopy).map_err(|error| match error {
                CloneError::File(error) => error,
                error => FileError::new(Action::Clone, to, io::Error::other(error)),
            })?;
            let copied = std::fs::File::open(to).and_then(|file| file.sync_all());
            copied.map_err(|error| FileError::new(Action::Sync, to, error))?;
            remove_tree(from)?;
        }
        Err(error) => return Err(FileError::new(Action::Rename, to, error)),
    }
    // The file is there in any case; that its name survives a power cut is as good as the folder allows.
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        drop(sync_folder(folder));
    }
    Ok(())
}
