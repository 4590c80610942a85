//! Telling whether a file is still the one that was verified.

use std::fs::{self, File, Metadata};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Action, FileError};

/// What identifies one state of one file: if two stamps of a path are equal, the file was not
/// changed in between.
///
/// Ours: unchanged files are cloned without being read only if
/// identity, size and change time are those recorded when they were last verified.
///
/// What it does not promise:
/// - A change within the same tick of the file system's clock as the recorded one, to the same
///   size, is not seen (a few milliseconds on ext4). Record a stamp after the file was made
///   read-only, not while it is written.
/// - Making or removing a hard link changes the change time; whoever does it records the stamp anew.
/// - Device numbers of some file systems differ after a restart: then the stamp differs, and the
///   file is read again. The error is always on that side.
/// - Where there are no inodes (not Unix), device and inode are 0 and the creation time stands for
///   the change time: a program that sets times back is not noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileStamp {
    /// Number of the file system's device.
    pub device: u64,
    /// Number of the file on it.
    pub inode: u64,
    /// Length of the content.
    pub size_bytes: u64,
    /// When the content was last written: nanoseconds since 1970, UTC; programs can set it.
    pub modified_ns: i64,
    /// When content or attributes last changed: nanoseconds since 1970, UTC; nobody can set it.
    pub changed_ns: i64,
}

impl FileStamp {
    /// The stamp of what metadata were taken of.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        stamp(metadata)
    }

    /// The stamp of an open file.
    ///
    /// # Errors
    /// The system's error.
    pub fn of_file(file: &File) -> std::io::Result<Self> {
        file.metadata().map(|metadata| Self::of(&metadata))
    }

    /// The stamp of what is at `path`; of a symbolic link itself, not of what it names.
    ///
    /// # Errors
    /// [`FileError`], of kind `NotFound` if nothing is there.
    pub fn of_path(path: &Path) -> Result<Self, FileError> {
        fs::symlink_metadata(path)
            .map(|metadata| Self::of(&metadata))
            .map_err(FileError::at(Action::Read, path))
    }

    /// True if both are states of the same file, changed or not. Always false where there are no
    /// inodes.
    #[must_use]
    pub fn is_same_file(&self, other: &Self) -> bool {
        self.inode != 0 && self.inode == other.inode && self.device == other.device
    }
}

/// How many names a file has. Writing to a file of several names changes it under all of them.
///
/// Where this cannot be told (not Unix) it is 1.
#[must_use]
pub fn link_count(metadata: &Metadata) -> u64 {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        metadata.nlink()
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        1
    }
}

/// Bytes that a file takes on the disk: less than its length where it has holes or is compressed,
/// more where the last block is not full. What it shares with clones counts in full for each.
///
/// Where this cannot be told (not Unix) it is the length.
#[must_use]
pub fn allocated_bytes(metadata: &Metadata) -> u64 {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        /// The unit of `st_blocks`, whatever the file system's own.
        const BLOCK_BYTES: u64 = 512;
        metadata.blocks().saturating_mul(BLOCK_BYTES)
    }
    #[cfg(not(unix))]
    {
        metadata.len()
    }
}

/// Times that do not fit (before 1677, after 2262) take the nearest that does.
#[cfg(unix)]
pub(crate) fn nanoseconds(seconds: i64, nanoseconds: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

#[cfg(unix)]
fn stamp(metadata: &Metadata) -> FileStamp {
    use std::os::unix::fs::MetadataExt as _;
    FileStamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        size_bytes: metadata.size(),
        modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
    }
}

#[cfg(not(unix))]
fn stamp(metadata: &Metadata) -> FileStamp {
    use std::time::{SystemTime, UNIX_EPOCH};
    let since_1970 = |time: std::io::Result<SystemTime>| {
        let since = time.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        since.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0)
    };
    FileStamp {
        device: 0,
        inode: 0,
        size_bytes: metadata.len(),
        modified_ns: since_1970(metadata.modified()),
        changed_ns: since_1970(metadata.created()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_until_the_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "one").unwrap();
        let before = FileStamp::of_path(&path).unwrap();
        assert_eq!(before, FileStamp::of_file(&File::open(&path).unwrap()).unwrap());
        assert_eq!(before.size_bytes, 3);
        fs::write(&path, "three").unwrap();
        assert_ne!(before, FileStamp::of_path(&path).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn another_file_of_the_same_content_and_time_differs() {
        use std::time::{Duration, UNIX_EPOCH};

        let folder = tempfile::tempdir().unwrap();
        let time = UNIX_EPOCH + Duration::new(1_000, 7);
        let [one, two] = ["one", "two"].map(|name| {
            let path = folder.path().join(name);
            fs::write(&path, "same").unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
            FileStamp::of_path(&path).unwrap()
        });
        assert_eq!(one.modified_ns, 1_000_000_000_007);
        assert_eq!(one.modified_ns, two.modified_ns);
        assert_ne!(one, two);
        assert!(!one.is_same_file(&two));
    }

    #[test]
    fn survives_being_stored() {
        let folder = tempfile::tempdir().unwrap();
        let stamp = FileStamp::of_path(folder.path()).unwrap();
        let text = serde_json::to_string(&stamp).unwrap();
        assert_eq!(serde_json::from_str::<FileStamp>(&text).unwrap(), stamp);
    }

    #[cfg(unix)]
    #[test]
    fn absurd_times_do_not_overflow() {
        assert_eq!(nanoseconds(i64::MAX, 999_999_999), i64::MAX);
        assert_eq!(nanoseconds(i64::MIN, 0), i64::MIN);
    }
}
