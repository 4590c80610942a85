//! Files below a folder, without ever leaving it.
//!
//! A path that is followed by name goes wherever links lead, and who may write in the folder can
//! lay a link between the check of a path and its use. Here every step is taken from the descriptor
//! of the folder before it and refuses links, so nothing outside is read or written whatever
//! happens meanwhile.
//!
//! Spec: cli "Authors": `unpack` follows no link below its target folder. The folder itself is
//! the person's word and may be reached through links.
//!
//! On Windows each step is checked by name before it is used: links that lie there are refused,
//! links that appear in between are not noticed. Written, not run.

mod error;
mod name;
#[cfg(not(unix))]
mod portable;
#[cfg(test)]
mod tests;
#[cfg(unix)]
mod unix;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

pub use error::{BeneathError, PathFault};

use crate::error::Action;
use crate::identity::FileStamp;
use crate::mode::{Access, Executable, Mode};
use name::Names;

#[cfg(not(unix))]
use portable as platform;
#[cfg(unix)]
use unix as platform;

/// What an entry of a folder is; a link is never followed to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, wherever it leads.
    Symlink,
    /// A device, pipe or socket.
    Other,
}

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name within the folder.
    pub name: OsString,
    /// What it is.
    pub kind: Kind,
}

/// Facts about one file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// What it is.
    pub kind: Kind,
    /// Whether its owner may run it (of folders: enter it).
    pub executable: Executable,
    /// Its identity, size and times.
    pub stamp: FileStamp,
}

/// An open folder below which files are reached.
///
/// Paths given to its methods are relative and made of plain names; the empty path is the folder
/// itself where a folder is meant. Errors name the path with the root's in front.
#[derive(Debug)]
pub struct Root {
    folder: platform::Folder,
    path: PathBuf,
}

impl Root {
    /// Opens an existing folder.
    ///
    /// # Errors
    /// [`BeneathError::File`] if it does not exist, is no folder, or may not be read.
    pub fn open(path: &Path) -> Result<Self, BeneathError> {
        match platform::Folder::open(path) {
            Ok(folder) => Ok(Self { folder, path: path.to_owned() }),
            Err(error) => Err(BeneathError::at(Action::Open, path)(error)),
        }
    }

    /// The path that the root was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the folder at `path` as a root of its own.
    ///
    /// # Errors
    /// [`BeneathError::Path`], [`BeneathError::Link`], [`BeneathError::NotAFolder`], or
    /// [`BeneathError::File`], of kind `NotFound` if it does not exist.
    pub fn open_folder(&self, path: &Path) -> Result<Self, BeneathError> {
        let names = Names::of_folder(path, &self.path)?;
        Ok(Self { folder: self.walk(&names)?, path: self.path.join(path) })
    }

    /// Creates the folder at `path` and those above it that are missing. Folders that exist stay
    /// as they are.
    ///
    /// # Errors
    /// As [`open_folder`](Self::open_folder), but missing folders are made.
    pub fn create_folders(&self, path: &Path, access: Access) -> Result<(), BeneathError> {
        let names = Names::of_folder(path, &self.path)?;
        let mut folder =
            self.folder.duplicate().map_err(BeneathError::at(Action::Open, &self.path))?;
        for (name, so_far) in names.steps() {
            let at = self.path.join(so_far);
            match folder.create_folder(name, access) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(BeneathError::at(Action::Create, &at)(error)),
            }
            folder = Self::step(&folder, name, &at)?;
        }
        Ok(())
    }

    /// Creates a new folder. The folder that holds it must exist.
    ///
    /// # Errors
    /// [`BeneathError::File`] of kind `AlreadyExists` if anything is there, a link included; else
    /// as [`open_folder`](Self::open_folder).
    pub fn create_folder(&self, path: &Path, access: Access) -> Result<(), BeneathError> {
        let (folder, name, at) = self.locate(path)?;
        folder.create_folder(&name, access).map_err(BeneathError::at(Action::Create, &at))
    }

    /// Creates a new file, open for reading and writing. Its folder must exist.
    ///
    /// The process's file mask applies to `mode`, as for any file that a person has made for them;
    /// [`Mode::apply_to`] sets it exactly.
    ///
    /// # Errors
    /// [`BeneathError::File`] of kind `AlreadyExists` if anything is there, a link included; else
    /// as [`open_folder`](Self::open_folder).
    pub fn create_file(&self, path: &Path, mode: Mode) -> Result<File, BeneathError> {
        let (folder, name, at) = self.locate(path)?;
        folder.create_file(&name, mode).map_err(BeneathError::at(Action::Create, &at))
    }

    /// Opens an existing regular file for reading.
    ///
    /// # Errors
    /// [`BeneathError::NotAFile`] if it is a folder or device, [`BeneathError::Link`] if it is a
    /// link; else as [`open_folder`](Self::open_folder).
    pub fn open_file(&self, path: &Path) -> Result<File, BeneathError> {
        let (folder, name, at) = self.locate(path)?;
        let failure = match folder.open_file(&name) {
            Ok(Some(file)) => return Ok(file),
            Ok(None) => return Err(BeneathError::NotAFile { path: at }),
            Err(error) => error,
        };
        match folder.facts(&name).map(|facts| facts.kind) {
            Ok(Kind::Symlink) => Err(BeneathError::Link { path: at }),
            Ok(Kind::Folder | Kind::Other) => Err(BeneathError::NotAFile { path: at }),
            _ => Err(BeneathError::at(Action::Open, &at)(failure)),
        }
    }

    /// Facts about what is at `path`, of a link itself; `None` if nothing is, nor a folder to hold it.
    ///
    /// # Errors
    /// As [`open_folder`](Self::open_folder), but what is missing is no error.
    pub fn facts(&self, path: &Path) -> Result<Option<Facts>, BeneathError> {
        let located = match self.locate(path) {
            Err(error) if error.is_missing() => return Ok(None),
            located => located?,
        };
        let (folder, name, at) = located;
        match folder.facts(&name) {
            Ok(facts) => Ok(Some(facts)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(BeneathError::at(Action::Read, &at)(error)),
        }
    }

    /// The entries of the folder at `path`, in order of their names. The caller knows that the
    /// folder is not absurdly large, or accepts a list of its size.
    ///
    /// # Errors
    /// As [`open_folder`](Self::open_folder).
    pub fn entries(&self, path: &Path) -> Result<Vec<Entry>, BeneathError> {
        let folder = self.walk(&Names::of_folder(path, &self.path)?)?;
        let at = self.path.join(path);
        let mut entries = folder.entries().map_err(BeneathError::at(Action::Read, &at))?;
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    /// Removes a file or link, not a folder.
    ///
    /// # Errors
    /// As [`open_folder`](Self::open_folder).
    pub fn remove_file(&self, path: &Path) -> Result<(), BeneathError> {
        let (folder, name, at) = self.locate(path)?;
        folder.remove_file(&name).map_err(BeneathError::at(Action::Remove, &at))
    }

    /// Removes whatever is at `path` with all it holds, as [`crate::durable::remove_tree`] does.
    /// Missing is done.
    ///
    /// # Errors
    /// As [`open_folder`](Self::open_folder), but what is missing is no error.
    pub fn remove_tree(&self, path: &Path) -> Result<(), BeneathError> {
        let located = match self.locate(path) {
            Err(error) if error.is_missing() => return Ok(()),
            located => located?,
        };
        let (folder, name, at) = located;
        folder.remove_tree(&name).map_err(BeneathError::at(Action::Remove, &at))
    }

    /// Renames a file, link or folder within this root, replacing a file, link or empty folder at
    /// `to`. The folder of `to` must exist.
    ///
    /// # Errors
    /// As [`open_folder`](Self::open_folder).
    pub fn rename(&self, from: &Path, to: &Path) -> Result<(), BeneathError> {
        let (from_folder, from_name, at) = self.locate(from)?;
        let (to_folder, to_name, _) = self.locate(to)?;
        from_folder
            .rename(&from_name, &to_folder, &to_name)
            .map_err(BeneathError::at(Action::Rename, &at))
    }

    /// Brings the entries of the folder at `path` to stable storage, as
    /// [`crate::durable::sync_folder`] does.
    ///
    /// # Errors
    /// As [`open_folder`](Self::open_folder).
    pub fn sync_folder(&self, path: &Path) -> Result<(), BeneathError> {
        let folder = self.walk(&Names::of_folder(path, &self.path)?)?;
        folder.sync().map_err(BeneathError::at(Action::Sync, &self.path.join(path)))
    }

    /// The folder that holds `path`, its name in there, and the whole path for messages.
    fn locate(&self, path: &Path) -> Result<(platform::Folder, OsString, PathBuf), BeneathError> {
        let (parent, name) = Names::of_entry(path, &self.path)?;
        Ok((self.walk(&parent)?, name, self.path.join(path)))
    }

    /// Goes down in one call where the system has one. If it refuses, the way is gone step by
    /// step, which either works or names the step that does not.
    fn walk(&self, names: &Names) -> Result<platform::Folder, BeneathError> {
        if let Some(folder) = self.folder.open_below(names.as_path()) {
            return Ok(folder);
        }
        self.walk_by_steps(names)
    }

    fn walk_by_steps(&self, names: &Names) -> Result<platform::Folder, BeneathError> {
        let mut folder =
            self.folder.duplicate().map_err(BeneathError::at(Action::Open, &self.path))?;
        for (name, so_far) in names.steps() {
            folder = Self::step(&folder, name, &self.path.join(so_far))?;
        }
        Ok(folder)
    }

    fn step(
        folder: &platform::Folder,
        name: &OsStr,
        at: &Path,
    ) -> Result<platform::Folder, BeneathError> {
        let failure = match folder.open_folder(name) {
            Ok(inner) => return Ok(inner),
            Err(error) => error,
        };
        // Looked at again only to say what was wrong; the refusal stands.
        match folder.facts(name).map(|facts| facts.kind) {
            Ok(Kind::Symlink) => Err(BeneathError::Link { path: at.to_owned() }),
            Ok(Kind::File | Kind::Other) => Err(BeneathError::NotAFolder { path: at.to_owned() }),
            _ => Err(BeneathError::at(Action::Open, at)(failure)),
        }
    }
}
