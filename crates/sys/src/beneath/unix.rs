//! Steps along descriptors.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode as Bits, OFlags, RawMode, Stat, mkdirat, openat, renameat,
    statat, unlinkat,
};

use super::{Entry, Facts, Kind};
use crate::identity::{FileStamp, nanoseconds};
use crate::mode::{Access, Executable, Mode};

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const FILE: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NOCTTY);

/// An open folder. All names are single components.
#[derive(Debug)]
pub(super) struct Folder(OwnedFd);

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(openat(CWD, path, FOLDER, Bits::empty())?))
    }

    pub(super) fn duplicate(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// `None` if the system has no such call or refuses: only going step by step tells why.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn open_below(&self, path: &Path) -> Option<Self> {
        use rustix::fs::{ResolveFlags, openat2};

        if path.as_os_str().is_empty() {
            return None;
        }
        let how = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        openat2(&self.0, path, FOLDER, Bits::empty(), how).ok().map(Self)
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    #[expect(clippy::unused_self, reason = "Linux has such a call")]
    pub(super) fn open_below(&self, _: &Path) -> Option<Self> {
        None
    }

    pub(super) fn open_folder(&self, name: &OsStr) -> io::Result<Self> {
        Ok(Self(openat(&self.0, name, FOLDER | OFlags::NOFOLLOW, Bits::empty())?))
    }

    pub(super) fn create_folder(&self, name: &OsStr, access: Access) -> io::Result<()> {
        Ok(mkdirat(&self.0, name, bits(access.folder_bits()))?)
    }

    pub(super) fn create_file(&self, name: &OsStr, mode: Mode) -> io::Result<File> {
        let flags = FILE | OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        Ok(openat(&self.0, name, flags, bits(mode.bits()))?.into())
    }

    /// `None` if it is no regular file. Opening a pipe would wait for its other end: hence
    /// `NONBLOCK`, which means nothing to regular files.
    pub(super) fn open_file(&self, name: &OsStr) -> io::Result<Option<File>> {
        let flags = FILE | OFlags::RDONLY | OFlags::NONBLOCK;
        let file = File::from(openat(&self.0, name, flags, Bits::empty())?);
        Ok(file.metadata()?.is_file().then_some(file))
    }

    pub(super) fn facts(&self, name: &OsStr) -> io::Result<Facts> {
        Ok(facts_of(&statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?))
    }

    pub(super) fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let mut listing = Dir::read_from(&self.0)?;
        while let Some(entry) = listing.read() {
            let entry = entry?;
            let name = OsString::from_vec(entry.file_name().to_bytes().to_vec());
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems do not say.
                FileType::Unknown => self.facts(&name)?.kind,
                told => kind_of(told),
            };
            entries.push(Entry { name, kind });
        }
        Ok(entries)
    }

    pub(super) fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(&self.0, name, AtFlags::empty())?)
    }

    pub(super) fn remove_tree(&self, name: &OsStr) -> io::Result<()> {
        Ok(crate::durable::remove_entry(self.0.as_fd(), name)?)
    }

    pub(super) fn rename(&self, name: &OsStr, to: &Self, to_name: &OsStr) -> io::Result<()> {
        Ok(renameat(&self.0, name, &to.0, to_name)?)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.0)?)
    }
}

#[allow(
    clippy::unnecessary_cast,
    clippy::cast_possible_truncation,
    reason = "the type differs between systems; permission bits fit into the smallest"
)]
fn bits(permissions: u32) -> Bits {
    Bits::from_raw_mode(permissions as RawMode)
}

fn kind_of(file_type: FileType) -> Kind {
    match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Symlink,
        _ => Kind::Other,
    }
}

#[allow(
    clippy::unnecessary_cast,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::useless_conversion,
    reason = "the types differ between systems; device numbers are bit patterns, the others positive"
)]
fn facts_of(stat: &Stat) -> Facts {
    let runnable = Bits::from_raw_mode(stat.st_mode).contains(Bits::XUSR);
    Facts {
        kind: kind_of(FileType::from_raw_mode(stat.st_mode)),
        executable: if runnable { Executable::Yes } else { Executable::No },
        stamp: FileStamp {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
            size_bytes: stat.st_size as u64,
            modified_ns: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            changed_ns: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        },
    }
}
