//! Read-only memory maps.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

use crate::error::{Action, FileError};

/// The content of a file, mapped into memory: costs address space, and memory only for the pages
/// that are read.
///
/// The bytes are those of the file when it was mapped only as long as nobody writes to it, and
/// reading past the end of a file that was cut short afterwards kills the process (SIGBUS).
/// Therefore only files that Headstart owns are mapped: they are written under another name,
/// made read-only, renamed into place, and from then on replaced or removed but never written or
/// shortened. A removed file stays whole for as long as it is mapped.
///
/// A person who writes into the data folder by force can break that; the reader's process then
/// sees other bytes or dies, and nobody else does. Parsers of mapped files treat every byte as
/// outside data.
#[derive(Debug)]
pub struct MappedFile {
    /// `None` for an empty file, which systems refuse to map.
    map: Option<Mmap>,
}

impl MappedFile {
    /// Maps the file at `path`.
    ///
    /// # Errors
    /// [`FileError`] if it cannot be opened, or is no regular file, or does not fit into the
    /// address space.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let file = File::open(path).map_err(FileError::at(Action::Open, path))?;
        Self::of(&file).map_err(FileError::at(Action::Map, path))
    }

    /// Maps an open file; it may be closed afterwards.
    ///
    /// # Errors
    /// `InvalidInput` if it is no regular file, else the system's error.
    pub fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        if metadata.len() == 0 {
            return Ok(Self { map: None });
        }
        map(file).map(|map| Self { map: Some(map) })
    }
}

#[expect(unsafe_code, reason = "a map is only as constant as its file")]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the type's contract: mapped files are owned by Headstart and never written or
    // shortened after they have been given their name.
    unsafe { Mmap::map(file) }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }
}

impl AsRef<[u8]> for MappedFile {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn shows_the_content_even_after_the_file_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let content: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        fs::write(&path, &content).unwrap();
        let map = MappedFile::open(&path).unwrap();
        #[cfg(unix)]
        fs::remove_file(&path).unwrap();
        assert_eq!(*map, *content);
    }

    #[test]
    fn an_empty_file_is_an_empty_slice() {
        let file = tempfile::tempfile().unwrap();
        assert!(MappedFile::of(&file).unwrap().is_empty());
    }

    #[test]
    fn a_folder_or_nothing_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(MappedFile::open(folder.path()).unwrap_err().path(), folder.path());
        assert!(MappedFile::open(&folder.path().join("missing")).unwrap_err().is_missing());
    }
}
