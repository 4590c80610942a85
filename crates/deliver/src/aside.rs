//! Chunks that are wanted for a while only: those of a version in between, which blocks of the next delta are based on.
//!
//! They lie in one file that only grows, each with the digest of its bytes before it. After a kill what is whole is used again; the
//! rest is cut off.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use headstart_model::Digest;
use headstart_pack::limits;
use headstart_store::StoreError;
use headstart_sys::{Action, FileError, positioned};

/// A chunk of the tree that a bundle leads to: the bundle's digest, and the chunk's number there.
pub(crate) type Key = (Digest, u32);

const HEAD_BYTES: usize = Digest::LEN + 4 + Digest::LEN + 4;

#[derive(Debug, Clone, Copy)]
struct Entry {
    offset: u64,
    bytes: u32,
    name: Digest,
}

/// The chunks that lie aside.
#[derive(Debug)]
pub(crate) struct Aside {
    path: PathBuf,
    /// Made with the first chunk.
    file: Option<File>,
    end: u64,
    entries: HashMap<Key, Entry>,
}

impl Aside {
    /// Opens what lies at `path`, if anything does, and reads all of it.
    pub(crate) fn open(path: PathBuf) -> Result<Self, StoreError> {
        let mut aside = Self { path, file: None, end: 0, entries: HashMap::new() };
        if !aside.path.exists() {
            return Ok(aside);
        }
        let mut file = aside.writable()?;
        while let Ok(Some((key, entry))) = read_entry(&mut file, aside.end) {
            aside.end = entry.offset + u64::from(entry.bytes);
            aside.entries.insert(key, entry);
        }
        file.set_len(aside.end).map_err(|e| aside.error(Action::Write, e))?;
        aside.file = Some(file);
        Ok(aside)
    }

    fn error(&self, action: Action, error: std::io::Error) -> StoreError {
        FileError::new(action, &self.path, error).into()
    }

    fn writable(&self) -> Result<File, StoreError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        options.open(&self.path).map_err(|error| self.error(Action::Create, error))
    }

    /// What lies here.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.entries.keys()
    }

    /// Lays a chunk aside whose bytes a verified block yielded.
    pub(crate) fn put(&mut self, key: Key, bytes: &[u8]) -> Result<(), StoreError> {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let name = Digest::of(bytes);
        let mut record = Vec::with_capacity(HEAD_BYTES + bytes.len());
        record.extend_from_slice(key.0.as_bytes());
        record.extend_from_slice(&key.1.to_le_bytes());
        record.extend_from_slice(name.as_bytes());
        record.extend_from_slice(&length.to_le_bytes());
        let offset = self.end + record.len() as u64;
        record.extend_from_slice(bytes);
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.writable()?,
        };
        let written = file.seek(SeekFrom::Start(self.end)).and_then(|_| file.write_all(&record));
        self.file = Some(file);
        written.map_err(|error| self.error(Action::Write, error))?;
        self.end += record.len() as u64;
        self.entries.insert(key, Entry { offset, bytes: length, name });
        Ok(())
    }

    /// Appends the bytes of a chunk that lies here, verified again.
    pub(crate) fn read(&self, key: &Key, out: &mut Vec<u8>) -> std::io::Result<()> {
        let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let entry = self.entries.get(key).ok_or_else(missing)?;
        let file = self.file.as_ref().ok_or_else(missing)?;
        let start = out.len();
        out.resize(start + crate::route::index(entry.bytes), 0);
        let bytes = out.get_mut(start..).unwrap_or_default();
        positioned::read_exact_at(file, bytes, entry.offset)?;
        if Digest::of(bytes) == entry.name {
            Ok(())
        } else {
            Err(std::io::ErrorKind::InvalidData.into())
        }
    }

    /// Where the file lies.
    pub(crate) fn path_in(staging: &Path) -> PathBuf {
        staging.join("aside")
    }
}

/// The record at `start`; `None` at the end, or where a write was cut short.
fn read_entry(file: &mut File, start: u64) -> std::io::Result<Option<(Key, Entry)>> {
    let mut head = [0; HEAD_BYTES];
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut head)?;
    let (bundle, rest) = head.split_first_chunk::<{ Digest::LEN }>().unwrap_or((&[0; 32], &[]));
    let (chunk, rest) = rest.split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
    let (name, rest) = rest.split_first_chunk::<{ Digest::LEN }>().unwrap_or((&[0; 32], &[]));
    let length = rest.first_chunk::<4>().copied().unwrap_or_default();
    let length = u32::from_le_bytes(length);
    if u64::from(length) > limits::BLOCK_BYTES_MAX {
        return Ok(None);
    }
    let mut bytes = vec![0; crate::route::index(length)];
    file.read_exact(&mut bytes)?;
    let name = Digest::from_bytes(*name);
    if Digest::of(&bytes) != name {
        return Ok(None);
    }
    let key = (Digest::from_bytes(*bundle), u32::from_le_bytes(*chunk));
    Ok(Some((key, Entry { offset: start + HEAD_BYTES as u64, bytes: length, name })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(chunk: u32) -> Key {
        (Digest::of(b"bundle"), chunk)
    }

    fn read(aside: &Aside, chunk: u32) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        aside.read(&key(chunk), &mut bytes).ok().map(|()| bytes)
    }

    #[test]
    fn what_is_whole_outlives_a_kill_and_what_was_cut_short_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = Aside::path_in(folder.path());
        let mut aside = Aside::open(path.clone()).expect("nothing there");
        assert!(!path.exists());
        aside.put(key(1), b"one").expect("room");
        aside.put(key(2), b"two two").expect("room");
        drop(aside);
        let length = std::fs::metadata(&path).expect("there").len();
        let file = OpenOptions::new().write(true).open(&path).expect("there");
        file.set_len(length - 1).expect("writable");
        let mut aside = Aside::open(path.clone()).expect("readable");
        assert_eq!((read(&aside, 1), read(&aside, 2)), (Some(b"one".to_vec()), None));
        aside.put(key(3), b"three").expect("room");
        drop(aside);
        let aside = Aside::open(path).expect("readable");
        assert_eq!(
            (read(&aside, 1), read(&aside, 3)),
            (Some(b"one".to_vec()), Some(b"three".to_vec()))
        );
        assert_eq!(aside.keys().count(), 2);
    }

    #[test]
    fn bytes_that_changed_are_not_given_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = Aside::path_in(folder.path());
        let mut aside = Aside::open(path.clone()).expect("nothing there");
        aside.put(key(1), b"one").expect("room");
        let mut bytes = std::fs::read(&path).expect("there");
        *bytes.last_mut().expect("not empty") ^= 1;
        std::fs::write(&path, &bytes).expect("writable");
        assert_eq!(read(&aside, 1), None);
        assert_eq!(Aside::open(path).expect("readable").keys().count(), 0);
    }
}
