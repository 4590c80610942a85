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
    /// The chunk read last: its place in `chunks`, and where it begins.
    reached: (usize, u64),
    /// Its bytes; none before the first is read.
    bytes: Vec<u8>,
}

impl<'a> ChunkedForm<'a> {
    fn new(tree: &'a Tree, file: &FileNode, source: &'a mut dyn ChunkSource) -> Self {
        let chunks = tree.chunks_of(file);
        Self { tree, chunks, source, at: 0, reached: (0, 0), bytes: Vec::new() }
    }

    /// What is left of the chunk at the place reached; nothing at the end. Looks for it from the chunk read last on: a form is read
    /// forwards, and may have millions of chunks.
    fn rest(&mut self) -> io::Result<&[u8]> {
        let (mut number, mut start) = if self.at < self.reached.1 { (0, 0) } else { self.reached };
        while let Some(chunk) = self.chunks.get(number) {
            let end = start + u64::from(self.tree.chunk_bytes(*chunk));
            if self.at < end {
                break;
            }
            (number, start) = (number + 1, end);
        }
        if (number, start) != self.reached || self.bytes.is_empty() {
            self.reached = (number, start);
            self.bytes.clear();
            if let Some(chunk) = self.chunks.get(number)
                && let Err(error) = self.source.read_chunk(*chunk, &mut self.bytes)
            {
                self.bytes.clear();
                return Err(io::Error::other(error.to_string()));
            }
        }
        let skipped = usize::try_from(self.at - start).unwrap_or(usize::MAX);
        Ok(self.bytes.get(skipped..).unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use headstart_model::Digest;

    use super::*;
    use crate::tree::TreeBuilder;

    /// Chunk 0 is `0`, chunk 1 is `11`, and so on; notes which were read.
    struct Digits(Vec<u32>);

    impl ChunkSource for Digits {
        fn read_chunk(&mut self, chunk: u32, out: &mut Vec<u8>) -> Result<(), BuildError> {
            self.0.push(chunk);
            let digit = b'0' + u8::try_from(chunk).expect("few");
            out.extend(std::iter::repeat_n(digit, usize::from(digit - b'0') + 1));
            Ok(())
        }
    }

    #[test]
    fn a_form_is_read_from_any_place_and_each_chunk_once_on_the_way() {
        let mut builder = TreeBuilder::new();
        let chunks = (0..5_u32).map(|chunk| (Digest::of(&chunk.to_le_bytes()), chunk + 1));
        builder.file(&PackPath::new("f").expect("fine"), false, chunks).expect("small");
        let complete = builder.finish();
        let tree = complete.tree();
        let (_, _, file) = tree.files().next().expect("a file");
        let all = b"011222333344444";
        let mut digits = Digits(Vec::new());
        let mut form = ChunkedForm::new(tree, file, &mut digits);
        for from in [12, 14, 0, 3, 15, 2, 20, 6] {
            let mut bytes = Vec::new();
            form.seek(SeekFrom::Start(size(from))).expect("any place");
            form.read_to_end(&mut bytes).expect("memory");
            assert_eq!(bytes, all.get(from..).unwrap_or_default(), "{from}");
        }
        let begin = digits.0.len();
        let mut form = ChunkedForm::new(tree, file, &mut digits);
        form.seek(SeekFrom::Start(0)).expect("any place");
        form.read_to_end(&mut Vec::new()).expect("memory");
        assert_eq!(digits.0.get(begin..), Some(&[0, 1, 2, 3, 4][..]));
    }
}
