//! All that this crate does on disk; what must survive a power cut goes through `headstart-sys`.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use headstart_model::{Digest, DigestHasher};
use headstart_sys::durable::{self, DurableFile};
use headstart_sys::lock::{FileLock, Sharing};
use headstart_sys::mode::{Access, Mode};
use headstart_sys::{Action, FileError};

use crate::author::{Beginning, Content};
use crate::layout;

/// Bytes read at a time; memory stays bounded whatever the size of a bundle.
const BUFFER_BYTES: usize = 256 * 1024;

/// The exclusive right to write a repository, until it is dropped or the process dies.
pub(crate) type Lock = FileLock;

/// Takes the right to write the repository in `repo`; none when somebody else has it.
pub(crate) fn lock(repo: &Path) -> Result<Option<Lock>, FileError> {
    FileLock::try_acquire(&repo.join(layout::LOCK), Sharing::Exclusive)
}

fn at(action: Action, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    move |error| FileError::new(action, path, error)
}

pub(crate) fn create_folders(folder: &Path) -> Result<(), FileError> {
    durable::create_folders(folder, Access::Shared)
}

pub(crate) fn create_private_folders(folder: &Path) -> Result<(), FileError> {
    durable::create_folders(folder, Access::Private)
}

/// Creates or replaces a file that everybody may read, durably.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    durable::write_file(path, bytes, Mode::SHARED)
}

/// Creates or replaces a file of the owner's alone, durably.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    durable::write_file(path, bytes, Mode::PRIVATE)
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    fs::read(path).map_err(at(Action::Read, path))
}

pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|facts| facts.is_file())
}

pub(crate) fn has_length(path: &Path, bytes: u64) -> bool {
    fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.len() == bytes)
}

pub(crate) fn remove(path: &Path) -> Result<(), FileError> {
    fs::remove_file(path).map_err(at(Action::Remove, path))
}

/// Removes an empty folder.
pub(crate) fn remove_folder(path: &Path) -> Result<(), FileError> {
    fs::remove_dir(path).map_err(at(Action::Remove, path))
}

/// Whether there is nothing under this name, not even a link to nowhere.
pub(crate) fn is_missing(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Removes what writes that were cut short left in a folder, if the folder is there.
pub(crate) fn remove_leftovers(folder: &Path) -> Result<(), FileError> {
    if folder.is_dir() {
        durable::remove_leftovers(folder)?;
    }
    Ok(())
}

/// The names in a folder, in their order.
pub(crate) fn names_in(folder: &Path) -> Result<Vec<String>, FileError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(at(Action::Read, folder))? {
        let entry = entry.map_err(at(Action::Read, folder))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// The files below `folder` of the repository: their paths in the repository, and their sizes. A missing folder is empty.
pub(crate) fn files_below(repo: &Path, folder: &str) -> Result<Vec<(String, u64)>, FileError> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let on_disk = repo.join(&folder);
        let names = match names_in(&on_disk) {
            Err(error) if error.is_missing() => continue,
            names => names?,
        };
        for name in names {
            let path = format!("{folder}/{name}");
            let on_disk = on_disk.join(&name);
            // Links are left alone: what they lead to may lie anywhere.
            let facts = fs::symlink_metadata(&on_disk).map_err(at(Action::Read, &on_disk))?;
            if facts.is_dir() {
                folders.push(path);
            } else if facts.is_file() {
                found.push((path, facts.len()));
            }
        }
    }
    Ok(found)
}

/// Where `path` really lies, links followed; what does not exist yet lies below the nearest folder that does.
pub(crate) fn real_path(path: &Path) -> Result<PathBuf, FileError> {
    let path = std::path::absolute(path).map_err(at(Action::Open, path))?;
    let mut missing = Vec::new();
    let mut there: &Path = &path;
    loop {
        match fs::canonicalize(there) {
            Ok(real) => return Ok(missing.into_iter().rev().fold(real, |at, part| at.join(part))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(FileError::new(Action::Open, there, error)),
        }
        let (Some(parent), Some(name)) = (there.parent(), there.file_name()) else {
            return Err(FileError::new(Action::Open, path.clone(), io::ErrorKind::NotFound.into()));
        };
        missing.push(name.to_owned());
        there = parent;
    }
}

/// Whether the file at `path` is there and has this content.
pub(crate) fn is(path: &Path, content: &Content) -> Result<bool, FileError> {
    if !has_length(path, content.bytes) {
        return Ok(false);
    }
    let file = File::open(path).map_err(at(Action::Open, path))?;
    pass(file, path, content, |_| Ok(()))
}

/// Copies a file durably if it has this content; else leaves nothing and says so.
pub(crate) fn copy_if_is(from: &Path, to: &Path, content: &Content) -> Result<bool, FileError> {
    let source = File::open(from).map_err(at(Action::Open, from))?;
    let mut copy = DurableFile::create(to, Mode::SHARED)?;
    if !pass(source, from, content, |bytes| copy.write_all(bytes).map_err(at(Action::Write, to)))? {
        return Ok(false);
    }
    copy.commit()?;
    Ok(true)
}

/// Reads a file to its end, hands every piece on, and tells whether the whole has this content.
///
/// A file that grows while it is read is cut off at one byte more than it should have.
fn pass(
    file: File,
    path: &Path,
    content: &Content,
    mut piece: impl FnMut(&[u8]) -> Result<(), FileError>,
) -> Result<bool, FileError> {
    let mut source = file.take(content.bytes.saturating_add(1));
    let mut check = Check::new(content);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => return Ok(check.finish()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(FileError::new(Action::Read, path, error)),
        };
        let bytes = buffer.get(..read).expect("a read fills at most the buffer");
        check.take(bytes);
        piece(bytes)?;
    }
}

/// Compares bytes that come in pieces with what they should be.
#[derive(Debug)]
struct Check<'a> {
    content: &'a Content,
    hasher: DigestHasher,
    seen: u64,
    /// Beginnings that were not reached yet, and whether all before them were right.
    ahead: &'a [Beginning],
    right: bool,
}

impl<'a> Check<'a> {
    fn new(content: &'a Content) -> Self {
        let mut check = Self {
            content,
            hasher: DigestHasher::new(),
            seen: 0,
            ahead: &content.beginnings,
            right: true,
        };
        check.compare();
        check
    }

    fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            // Up to the next place where a digest is known, or everything.
            let left =
                self.ahead.first().map_or(u64::MAX, |next| next.bytes.saturating_sub(self.seen));
            let now = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            let (head, rest) = bytes.split_at(now);
            self.hasher.update(head);
            self.seen = self.seen.saturating_add(head.len() as u64);
            self.compare();
            bytes = rest;
        }
    }

    /// Compares every beginning that ends here; one that was left behind was not sorted, and counts as wrong.
    fn compare(&mut self) {
        while let [next, rest @ ..] = self.ahead {
            if next.bytes > self.seen {
                return;
            }
            let digest: Digest = self.hasher.finish();
            self.right &= next.bytes == self.seen && next.digest == digest;
            self.ahead = rest;
        }
    }

    fn finish(self) -> bool {
        self.right && self.ahead.is_empty() && self.seen == self.content.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(parts: &[(u64, &[u8])], bytes: u64) -> Content {
        let beginnings = parts
            .iter()
            .map(|(bytes, of)| Beginning { bytes: *bytes, digest: Digest::of(of) })
            .collect();
        Content { bytes, beginnings }
    }

    #[test]
    fn content_is_compared_at_each_beginning_and_at_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        fs::write(&path, b"structure, then blocks").expect("a file");
        let is = |content: &Content| super::is(&path, content).expect("readable");
        let whole: &[u8] = b"structure, then blocks";
        assert!(is(&content(&[(9, b"structure"), (22, whole)], 22)));
        assert!(is(&content(&[(0, b""), (9, b"structure")], 22)));
        assert!(!is(&content(&[(9, b"Structure"), (22, whole)], 22)));
        assert!(!is(&content(&[(9, b"structure"), (22, b"other")], 22)));
        assert!(!is(&content(&[(9, b"structure"), (23, whole)], 22)));
        assert!(!is(&content(&[(9, b"structure")], 21)));
        assert!(!super::is(&folder.path().join("missing"), &content(&[], 0)).expect("no error"));
    }

    #[test]
    fn a_file_that_is_not_what_was_promised_is_not_copied() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::write(&from, b"12345").expect("a file");
        for wrong in [content(&[(5, b"54321")], 5), content(&[(5, b"12345")], 6), content(&[], 4)] {
            assert!(!copy_if_is(&from, &to, &wrong).expect("readable"));
        }
        assert_eq!(names_in(folder.path()).expect("readable"), ["from"]);
        assert!(copy_if_is(&from, &to, &content(&[(5, b"12345")], 5)).expect("readable"));
        assert_eq!(fs::read(&to).expect("copied"), b"12345");
    }

    #[test]
    fn the_real_path_of_what_is_not_there_yet_follows_links_above_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = real_path(&folder.path().join("a/b")).expect("a path");
        assert!(inner.ends_with("a/b"));
        assert!(inner.starts_with(fs::canonicalize(folder.path()).expect("there")));
    }
}
