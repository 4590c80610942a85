//! Systems without descriptor-relative calls: each step is checked by name. Written, not run.

use std::ffi::OsStr;
use std::fs::{self, File, FileType};
use std::io;
use std::path::{Path, PathBuf};

use super::{Entry, Facts, Kind};
use crate::identity::FileStamp;
use crate::mode::{Access, Mode, executable_of};

/// A folder by its path. All names are single components.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if fs::metadata(path)?.is_dir() {
            path.canonicalize().map(Self)
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "descriptors can run out elsewhere")]
    pub(super) fn duplicate(&self) -> io::Result<Self> {
        Ok(Self(self.0.clone()))
    }

    #[expect(clippy::unused_self, reason = "other systems have such a call")]
    pub(super) fn open_below(&self, _: &Path) -> Option<Self> {
        None
    }

    pub(super) fn open_folder(&self, name: &OsStr) -> io::Result<Self> {
        let path = self.0.join(name);
        if fs::symlink_metadata(&path)?.is_dir() {
            Ok(Self(path))
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    pub(super) fn create_folder(&self, name: &OsStr, _: Access) -> io::Result<()> {
        fs::create_dir(self.0.join(name))
    }

    pub(super) fn create_file(&self, name: &OsStr, _: Mode) -> io::Result<File> {
        File::options().read(true).write(true).create_new(true).open(self.0.join(name))
    }

    pub(super) fn open_file(&self, name: &OsStr) -> io::Result<Option<File>> {
        let path = self.0.join(name);
        if fs::symlink_metadata(&path)?.is_file() { File::open(path).map(Some) } else { Ok(None) }
    }

    pub(super) fn facts(&self, name: &OsStr) -> io::Result<Facts> {
        let metadata = fs::symlink_metadata(self.0.join(name))?;
        Ok(Facts {
            kind: kind_of(metadata.file_type()),
            executable: executable_of(&metadata),
            stamp: FileStamp::of(&metadata),
        })
    }

    pub(super) fn entries(&self) -> io::Result<Vec<Entry>> {
        let entry = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            Ok(Entry { name: entry.file_name(), kind: kind_of(entry.file_type()?) })
        };
        fs::read_dir(&self.0)?.map(entry).collect()
    }

    pub(super) fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    pub(super) fn remove_tree(&self, name: &OsStr) -> io::Result<()> {
        Ok(crate::durable::remove_tree(&self.0.join(name))?)
    }

    pub(super) fn rename(&self, name: &OsStr, to: &Self, to_name: &OsStr) -> io::Result<()> {
        fs::rename(self.0.join(name), to.0.join(to_name))
    }

    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "Unix syncs folders")]
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

fn kind_of(file_type: FileType) -> Kind {
    if file_type.is_symlink() {
        Kind::Symlink
    } else if file_type.is_dir() {
        Kind::Folder
    } else if file_type.is_file() {
        Kind::File
    } else {
        Kind::Other
    }
}
