//! Where a checkout goes, and what lies beside it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use headstart_model::{AppId, ErrorKind};
use headstart_sys::durable::create_folders;
use headstart_sys::lock::{FileLock, Sharing};
use headstart_sys::mode::Access;
use headstart_sys::{Action, FileError};

use super::Overwrite;
use super::record::{RECORD, Record};
use crate::error::Error;

/// A folder to check out into, and its state beside it.
#[derive(Debug)]
pub(super) struct Place {
    folder: PathBuf,
    state: PathBuf,
}

impl Place {
    /// The place at `path`. A link to a folder stays one. Nothing is made yet.
    pub(super) fn at(path: &Path, home: &Path) -> Result<Self, Error> {
        let failed = |error| of_file(&FileError::new(Action::Read, path, error));
        let absolute = std::path::absolute(path).map_err(failed)?;
        let folder = match absolute.symlink_metadata() {
            Ok(facts) if facts.is_symlink() => absolute.canonicalize().map_err(failed)?,
            _ => absolute,
        };
        if folder.exists() && !folder.is_dir() {
            return Err(unusable(&folder, "it is not a folder"));
        }
        let Some(name) = folder.file_name() else {
            return Err(unusable(&folder, "it is not inside of another folder"));
        };
        // Whatever the way is that leads there: what is installed is nobody's to write to.
        let parent = folder.ancestors().skip(1).find_map(|above| above.canonicalize().ok());
        let home = home.canonicalize().unwrap_or_else(|_| home.to_owned());
        if parent.is_some_and(|parent| parent.starts_with(&home)) || home.starts_with(&folder) {
            return Err(unusable(&folder, "it lies within the home of the service, or around it"));
        }
        let mut beside = OsString::from(name);
        beside.push(".headstart");
        let state = folder.with_file_name(beside);
        Ok(Self { folder, state })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where new files are made before they get their names; on the same file system, as far as can be told.
    pub(super) fn workshop(&self) -> PathBuf {
        self.state.join("incoming")
    }

    pub(super) fn state(&self) -> &Path {
        &self.state
    }

    /// Keeps others out for as long as the lock is held.
    pub(super) fn lock(&self) -> Result<FileLock, Error> {
        if self.state.join("trust").exists() || self.state.join("current").exists() {
            return Err(unusable(&self.folder, "it was made by `headstart clone`"));
        }
        create_folders(&self.state, Access::Shared).map_err(|error| of_file(&error))?;
        let lock = FileLock::try_acquire(&self.state.join("lock"), Sharing::Exclusive);
        lock.map_err(|error| of_file(&error))?.ok_or_else(|| {
            let text = format!("another checkout is at work in {}", self.folder.display());
            Error::new(ErrorKind::Conflict, "checkoutBusy", text)
                .with_hint("wait until it is done, then try again")
        })
    }

    /// What the last checkout put there. A folder with files that no checkout made is refused, unless they may be replaced.
    pub(super) fn record(
        &self,
        app: &AppId,
        pack: &str,
        overwrite: Overwrite,
    ) -> Result<Record, Error> {
        match Record::read(&self.state.join(RECORD)).map_err(|error| of_file(&error))? {
            Some(record) if record.app == *app && record.pack == pack => Ok(record),
            Some(record) => {
                let text = format!("it has pack `{}` of {}", record.pack, record.app);
                Err(unusable(&self.folder, &text))
            }
            None if overwrite == Overwrite::Refused && !self.is_empty() => {
                Err(unusable(&self.folder, "it has files in it that no checkout made"))
            }
            None => Ok(Record::new(app.clone(), pack)),
        }
    }

    fn is_empty(&self) -> bool {
        std::fs::read_dir(&self.folder).map_or(true, |mut entries| entries.next().is_none())
    }

    /// Where a path of the pack lies.
    pub(super) fn path_of(&self, path: &str) -> PathBuf {
        let mut at = self.folder.clone();
        at.extend(path.split('/'));
        at
    }

    /// Whether every folder above `path` is one, or nothing yet. A link to somewhere else is none: what is below it is not ours.
    pub(super) fn is_reachable(&self, path: &str) -> bool {
        self.blocker(path).is_none()
    }

    /// The first of the paths above `path` at which something else is than a folder.
    pub(super) fn blocker<'a>(&self, path: &'a str) -> Option<&'a str> {
        for (end, _) in path.match_indices('/') {
            let above = path.get(..end)?;
            match self.path_of(above).symlink_metadata() {
                Ok(facts) if facts.is_dir() => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
                _ => return Some(above),
            }
        }
        None
    }
}

fn unusable(folder: &Path, why: &str) -> Error {
    let text = format!("{} cannot be checked out into: {why}", folder.display());
    Error::new(ErrorKind::Conflict, "checkoutDestination", text)
        .with_hint("name another folder, one that does not exist yet")
}

pub(super) fn of_file(error: &FileError) -> Error {
    let (kind, code, hint) = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (ErrorKind::NoSpace, "diskFull", "free some space, then try again")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            (ErrorKind::Refused, "fileRefused", "check the permissions of what is named")
        }
        _ => (ErrorKind::Internal, "fileFailed", "check the disk, and what is named"),
    };
    Error::of(kind, code, error).with_hint(hint)
}
