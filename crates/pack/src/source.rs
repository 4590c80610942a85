//! Where the bytes of chunks come from while a bundle is made.

mod scan;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use headstart_model::{Digest, Verified};

use crate::bundle::Progress;
use crate::error::{BuildError, FormatError};
use crate::numbers::{index, size};
use crate::reader::{BaseSource, BlockReader};
use crate::selection::Selection;
use crate::table::{BaseSpace, Block, BlockTable};
use crate::tree::CompleteTree;
use scan::Scanned;

/// Gives the bytes of the chunks of one tree, in any order.
pub trait ChunkSource {
    /// Appends the bytes of `chunk` to `out`.
    ///
    /// # Errors
    /// [`BuildError`] when the chunk cannot be read or no longer has the bytes that its name says.
    fn read_chunk(&mut self, chunk: u32, out: &mut Vec<u8>) -> Result<(), BuildError>;
}

/// The chunks of files in a folder, read again when they are needed: the files are never held in memory.
#[derive(Debug)]
pub struct FolderChunks {
    complete: CompleteTree,
    sources: Vec<PathBuf>,
    /// For each chunk the file that holds it and where; in the scratch file, for a chunk of an opened form.
    places: Vec<(Holder, u64)>,
    open: Option<(u32, File)>,
    /// The opened forms of containers.
    scratch: Option<File>,
}

/// What happens to zip-like and gzip files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Containers {
    /// They are cut as they are.
    Keep,
    /// They are [opened](crate::container) where that pays.
    Open,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    File(u32),
    Scratch,
}

impl FolderChunks {
    /// Cuts every selected file and makes the tree of them. Reads each file once; memory grows with the number of chunks.
    /// Opened forms go to a file without a name in the system's folder for temporary files.
    ///
    /// # Errors
    /// [`BuildError::Read`], [`BuildError::Changed`] when a file does not have the size it was selected with,
    /// [`BuildError::TooMany`], and [`BuildError::Write`] for the temporary file.
    pub fn scan(selection: &Selection, containers: Containers) -> Result<Self, BuildError> {
        Self::scan_with(selection, containers, &mut |_| ControlFlow::Continue(()))
    }

    /// As [`scan`](Self::scan); `progress`, which hears of 0 bytes after each file, may break off.
    ///
    /// # Errors
    /// As [`scan`](Self::scan); [`BuildError::Cancelled`] when `progress` breaks off.
    pub fn scan_with(
        selection: &Selection,
        containers: Containers,
        progress: Progress<'_>,
    ) -> Result<Self, BuildError> {
        let Scanned { complete, places, scratch } = scan::all(selection, containers, progress)?;
        let sources = selection.files.iter().map(|file| file.source.clone()).collect();
        Ok(Self { complete, sources, places, open: None, scratch })
    }

    /// The tree of the files.
    #[must_use]
    pub const fn complete(&self) -> &CompleteTree {
        &self.complete
    }

    fn open(&mut self, file: u32) -> Result<&mut File, (PathBuf, std::io::Error)> {
        let path = self.sources.get(index(file)).cloned().unwrap_or_default();
        if self.open.as_ref().is_none_or(|(number, _)| *number != file) {
            self.open = Some((file, File::open(&path).map_err(|error| (path.clone(), error))?));
        }
        let open = self.open.as_mut().map(|(_, open)| open);
        open.ok_or_else(|| (path, std::io::ErrorKind::NotFound.into()))
    }
}

impl ChunkSource for FolderChunks {
    fn read_chunk(&mut self, chunk: u32, out: &mut Vec<u8>) -> Result<(), BuildError> {
        let place = self.places.get(index(chunk)).copied();
        let (Some((holder, offset)), Some(name)) = (place, self.complete.name(chunk).copied())
        else {
            return Err(FormatError::Rule { what: "a chunk is wanted that does not exist" }.into());
        };
        let bytes = u64::from(self.complete.tree().chunk_bytes(chunk));
        let start = out.len();
        let read = |file: &mut File, out: &mut Vec<u8>| {
            file.seek(SeekFrom::Start(offset))?;
            file.take(bytes).read_to_end(out)
        };
        let path = match holder {
            Holder::File(file) => self.sources.get(index(file)).cloned().unwrap_or_default(),
            Holder::Scratch => PathBuf::new(),
        };
        let opened = match (holder, &mut self.scratch) {
            (Holder::File(file), _) => self.open(file),
            (Holder::Scratch, Some(scratch)) => Ok(scratch),
            (Holder::Scratch, None) => Err((path.clone(), std::io::ErrorKind::NotFound.into())),
        };
        opened
            .and_then(|open| read(open, out).map_err(|error| (path.clone(), error)))
            .map_err(|(path, source)| BuildError::Read { path, source })?;
        let same = Digest::of(out.get(start..).unwrap_or_default()) == name;
        if same { Ok(()) } else { Err(BuildError::Changed { path }) }
    }
}

/// All chunks of a bundle, decompressed once into a scratch file: for choosing bases among the chunks of earlier versions.
#[derive(Debug)]
pub struct ScratchChunks {
    scratch: File,
    /// Where each chunk lies in the scratch file; `None` when the bundle does not hold it.
    offsets: Vec<Option<u64>>,
    lengths: Vec<u32>,
}

impl ScratchChunks {
    /// Decompresses the blocks of `bundle`, which stands at its first block, into `scratch` (an empty file of the caller's).
    ///
    /// # Errors
    /// [`FormatError`] when a block is damaged or a file cannot be read or written.
    pub fn extract(
        complete: &CompleteTree,
        table: &BlockTable,
        bundle: &mut dyn Read,
        scratch: File,
    ) -> Result<Self, FormatError> {
        Self::extract_with(complete, table, (bundle, scratch), &mut || Ok(()))
    }

    /// As [`extract`](Self::extract); `go_on`, which is asked before each block, ends it with an error of its own.
    ///
    /// # Errors
    /// As [`extract`](Self::extract), and what `go_on` returns.
    pub fn extract_with<E: From<FormatError>>(
        complete: &CompleteTree,
        table: &BlockTable,
        (bundle, scratch): (&mut dyn Read, File),
        go_on: &mut dyn FnMut() -> Result<(), E>,
    ) -> Result<Self, E> {
        let tree = complete.tree();
        let lengths = (0..tree.chunk_count()).map(|chunk| tree.chunk_bytes(chunk)).collect();
        let offsets = vec![None; index(tree.chunk_count())];
        let mut chunks = Self { scratch, offsets, lengths };
        let reader = BlockReader::new(tree, table);
        let mut end = 0;
        for (number, _, block) in table.with_offsets() {
            go_on()?;
            chunks.block(&reader, (number, block), bundle, &mut end)?;
        }
        Ok(chunks)
    }

    /// Decompresses the block at which `bundle` stands to the `end` of the scratch file.
    fn block(
        &mut self,
        reader: &BlockReader<'_>,
        (number, block): (u32, &Block),
        bundle: &mut dyn Read,
        end: &mut u64,
    ) -> Result<(), FormatError> {
        let mut stored = vec![0; index(block.stored_bytes)];
        bundle.read_exact(&mut stored)?;
        let damaged = |source| FormatError::Damaged { what: "the bundle", source };
        let stored = Verified::check(stored, &block.digest).map_err(damaged)?;
        let plain = reader.open(number, &stored, self)?;
        self.scratch.seek(SeekFrom::Start(*end))?;
        for (chunk, bytes) in plain.chunks() {
            self.scratch.write_all(bytes)?;
            if let Some(offset) = self.offsets.get_mut(index(chunk)) {
                *offset = Some(*end);
            }
            *end += size(bytes.len());
        }
        Ok(())
    }

    fn read(&mut self, chunk: u32, out: &mut Vec<u8>) -> std::io::Result<()> {
        let place = self.offsets.get(index(chunk)).copied().flatten();
        let length = self.lengths.get(index(chunk)).copied().unwrap_or(0);
        let offset = place.ok_or(std::io::ErrorKind::NotFound)?;
        self.scratch.seek(SeekFrom::Start(offset))?;
        let start = out.len();
        out.resize(start + index(length), 0);
        self.scratch.read_exact(out.get_mut(start..).unwrap_or_default())
    }
}

impl BaseSource for ScratchChunks {
    fn read_base(&mut self, _: BaseSpace, chunk: u32, out: &mut Vec<u8>) -> std::io::Result<()> {
        self.read(chunk, out)
    }
}

impl ChunkSource for ScratchChunks {
    fn read_chunk(&mut self, chunk: u32, out: &mut Vec<u8>) -> Result<(), BuildError> {
        self.read(chunk, out).map_err(|error| BuildError::Format(error.into()))
    }
}

/// The source of a tree without chunks, for bundles that have no old version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoChunks;

impl ChunkSource for NoChunks {
    fn read_chunk(&mut self, _: u32, _: &mut Vec<u8>) -> Result<(), BuildError> {
        Err(FormatError::Rule { what: "a chunk is wanted that does not exist" }.into())
    }
}
