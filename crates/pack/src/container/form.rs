//! Opened forms read from chunks, wherever these lie.

use std::io::{self, Read, Seek, SeekFrom};

use headstart_model::PackPath;

use super::{FormatError, recreate};
use crate::error::BuildError;
use crate::numbers::size;
use crate::source::ChunkSource;
use crate::tree::{FileNode, Tree};

/// The first opened file whose form does not make exactly the file that the tree promises; `None` when all do. For archives,
/// whose chunks were compared with their names before. Memory: a chunk, the recipe, and about 3 MiB.
///
/// `Ours:` a device finds the same out after the download; a publisher learns it here.
///
/// # Errors
/// [`BuildError`] when a chunk cannot be read.
pub fn check_opened(
    tree: &Tree,
    chunks: &mut dyn ChunkSource,
) -> Result<Option<PackPath>, BuildError> {
    for (_, path, file) in tree.files() {
        let Some(promised) = file.opened else { continue };
        let mut written = Count(0);
        let mut form = ChunkedForm::new(tree, file, chunks);
        let bytes = tree.chunked_bytes(file);
        match recreate(&mut form, 0..bytes, file.size, &mut written) {
            Ok(digest) if digest == promised && written.0 == file.size => {}
            Err(FormatError::Io(error)) if error.kind() != io::ErrorKind::UnexpectedEof => {
                return Err(FormatError::Io(error).into());
            }
            _ => return Ok(Some(path.clone())),
        }
    }
    Ok(None)
}

struct Count(u64);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += size(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct ChunkedForm<'a> {
    tree: &'a Tree,
    chunks: &'a [u32],
    source: &'a mut dyn ChunkSource,
    at: u64,
    /// The chunk read last: where it begins, and its bytes.
    chunk: (u64, Vec<u8>),
}

impl<'a> ChunkedForm<'a> {
    fn new(tree: &'a Tree, file: &FileNode, source: &'a mut dyn ChunkSource) -> Self {
        Self { tree, chunks: tree.chunks_of(file), source, at: 0, chunk: (0, Vec::new()) }
    }

    /// What is left of the chunk at the place reached; nothing at the end.
    fn rest(&mut self) -> io::Result<&[u8]> {
        let within = |(start, bytes): &(u64, Vec<u8>), at: u64| {
            at >= *start && at - start < size(bytes.len())
        };
        if !within(&self.chunk, self.at) {
            let mut start = 0;
            for chunk in self.chunks {
                let bytes = u64::from(self.tree.chunk_bytes(*chunk));
                if self.at < start + bytes {
                    self.chunk.1.clear();
                    let read = self.source.read_chunk(*chunk, &mut self.chunk.1);
                    read.map_err(|error| io::Error::other(error.to_string()))?;
                    self.chunk.0 = start;
                    break;
                }
                start += bytes;
            }
        }
        if !within(&self.chunk, self.at) {
            return Ok(&[]);
        }
        let skipped = usize::try_from(self.at - self.chunk.0).unwrap_or(usize::MAX);
        Ok(self.chunk.1.get(skipped..).unwrap_or_default())
    }
}

impl Read for ChunkedForm<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut rest = self.rest()?;
        let count = rest.read(out)?;
        self.at += size(count);
        Ok(count)
    }
}

impl Seek for ChunkedForm<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(_) => None,
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
