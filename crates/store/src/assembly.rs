//! A version under construction.
//!
//! Verified blocks come in, in any order that their bases allow; chunks go straight to every place where they belong.
//! What has arrived is noted in a journal beside the files. After a kill the journal says what to read again: only chunks
//! that are found on disk with the bytes noted count as held, so a power cut that swallowed writes costs a second download
//! of just those.

mod finish;
mod journal;
mod known;
mod output;
mod reuse;
mod write_out;

use std::path::{Path, PathBuf};

use headstart_model::{Digest, Verified};
use headstart_pack::{
    BaseSource, BaseSpace, BlockReader, BlockTable, ChunkSet, CompleteTree, FormatError,
    NamedBytes, Place, Places, Tree, section,
};

pub use finish::{Built, Finish};
pub use reuse::{OldVersion, Reused, Sharing, WholeFile, whole_files};

use headstart_sys::lock::{self, FileLock};
use headstart_sys::{Action, FileError};

use crate::error::StoreError;
use crate::installed::InstalledVersion;
use crate::numbers::{index, size};
use crate::opened::{FormBytes, RECIPES};
use journal::Journal;
use known::Look;
use output::OutputFiles;

const JOURNAL: &str = "journal";
const LOCK: &str = "lock";

/// A version that is being put together in a folder of its own.
#[derive(Debug)]
pub struct Assembly {
    folder: PathBuf,
    tree: Tree,
    places: Places,
    names: Vec<Option<Digest>>,
    held: ChunkSet,
    output: OutputFiles,
    journal: Journal,
    /// The versions that were taken over from, in the order in which they came.
    olds: Vec<InstalledVersion>,
    bytes_written: u64,
    /// Held as long as anybody may write here: a cancelled download may still be writing when the next one begins.
    _lock: FileLock,
}

impl Assembly {
    /// Begins, or goes on with, the version of `tree` in `folder`. Waits until nobody else works there. `content` tells versions apart: what was begun for
    /// another content is thrown away. Chunks that are found again are held from the start.
    ///
    /// # Errors
    /// [`StoreError`] when the folder cannot be written.
    pub fn open(folder: &Path, tree: Tree, content: &Digest) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder)
            .map_err(|error| FileError::new(Action::Create, folder, error))?;
        let lock = FileLock::acquire(&folder.join(LOCK), lock::Sharing::Exclusive)?;
        let files = InstalledVersion::files_of(folder);
        let (journal, noted) = Journal::open(&folder.join(JOURNAL), content, || {
            for part in [files, folder.join(output::FORMS), folder.join(RECIPES)] {
                headstart_sys::durable::remove_tree(&part)?;
            }
            Ok(())
        })?;
        let chunks = tree.chunk_count();
        let mut assembly = Self {
            folder: folder.to_owned(),
            places: Places::of(&tree),
            names: vec![None; index(chunks)],
            held: ChunkSet::empty(chunks),
            output: OutputFiles::create(folder, &tree)?,
            journal,
            olds: Vec::new(),
            bytes_written: 0,
            _lock: lock,
            tree,
        };
        let parts = (&assembly.output, &assembly.places, &assembly.tree);
        let look = Look::begin(content, &noted, parts);
        let last = look.last(folder);
        for (chunk, name) in noted {
            let vouches = |last: &Look| last.vouches_for(chunk, &assembly.places, &look);
            if last.as_ref().is_some_and(vouches) {
                assembly.hold(chunk, name);
            } else {
                assembly.take_back(chunk, name);
            }
        }
        look.remember(folder, &assembly.held);
        Ok(assembly)
    }

    /// A chunk that the journal notes counts only if every place has its bytes.
    fn take_back(&mut self, chunk: u32, name: Digest) {
        let places = self.places.of_chunk(chunk);
        let length = self.tree.chunk_bytes(chunk);
        let there = places.iter().all(|place| {
            let mut bytes = Vec::new();
            let read = self.output.read(&self.tree, *place, length, &mut bytes);
            read.is_ok() && Digest::of(&bytes) == name
        });
        if there && !places.is_empty() {
            self.hold(chunk, name);
        }
    }

    /// Takes over everything that is the same in an old version: whole files by cloning, else chunk by chunk, each verified as
    /// it is read. `same[n]` is the old chunk with the bytes of new chunk `n`. Chunks whose old bytes turn out damaged are
    /// simply not held afterwards. The version can be read from then on, see [`read_old`](Self::read_old); bases of an old
    /// tree in [`put_block`](Self::put_block) are those of the version that came last.
    ///
    /// # Errors
    /// [`StoreError`] when writing fails.
    pub fn reuse(
        &mut self,
        old: InstalledVersion,
        same: &[Option<u32>],
        sharing: Sharing,
    ) -> Result<Reused, StoreError> {
        self.reuse_all(vec![OldVersion { version: old, same: same.to_vec(), sharing }])
    }

    /// As [`reuse`](Self::reuse), from several versions: what one has not, another may have.
    ///
    /// # Errors
    /// [`StoreError`] when writing fails.
    pub fn reuse_all(&mut self, mut olds: Vec<OldVersion>) -> Result<Reused, StoreError> {
        let reused = reuse::take_over(self, &mut olds)?;
        self.bytes_written += reused.bytes_copied;
        self.olds.extend(olds.into_iter().map(|old| old.version));
        Ok(reused)
    }

    /// The tree that is being put together.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The chunks that are in place.
    #[must_use]
    pub const fn held(&self) -> &ChunkSet {
        &self.held
    }

    /// Bytes written into files so far, in this process.
    #[must_use]
    pub const fn bytes_written(&self) -> u64 {
        self.bytes_written
    }

    /// What opened forms took on disk so far that were made again for chunks to be read.
    #[must_use]
    pub fn form_bytes(&self) -> FormBytes {
        let olds = self.olds.iter().map(InstalledVersion::form_bytes);
        olds.chain([self.output.form_bytes()]).sum()
    }

    /// Opens a verified block of the bundle that `table` describes and puts its chunks into place.
    ///
    /// # Errors
    /// [`StoreError::Format`] when the block does not yield what the table says, [`StoreError`] when writing fails.
    pub fn put_block<B: AsRef<[u8]>>(
        &mut self,
        table: &BlockTable,
        number: u32,
        stored: &Verified<B>,
    ) -> Result<(), StoreError> {
        // The tree is lent out while the bases are read through `self`.
        let tree = std::mem::take(&mut self.tree);
        let opened = BlockReader::new(&tree, table).open(number, stored, &mut Bases(self, &tree));
        let result = opened
            .map_err(|source| StoreError::Format { path: self.folder.clone(), source })
            .and_then(|plain| {
                let named = plain.chunks().map(|(chunk, bytes)| (chunk, NamedBytes::of(bytes)));
                self.write_chunks(&tree, named)
            });
        self.tree = tree;
        self.note(result?)
    }

    /// Puts chunks into place whose bytes a verified block yielded; those that are in place already are left out.
    ///
    /// # Errors
    /// [`StoreError`] when writing fails.
    pub fn put_chunks<'a>(
        &mut self,
        chunks: impl IntoIterator<Item = (u32, NamedBytes<'a>)>,
    ) -> Result<(), StoreError> {
        // The tree is lent out while chunks are written through `self`.
        let tree = std::mem::take(&mut self.tree);
        let written = self.write_chunks(&tree, chunks);
        self.tree = tree;
        self.note(written?)
    }

    /// Chunks whose bytes are written are in place.
    fn note(&mut self, written: Vec<(u32, Digest)>) -> Result<(), StoreError> {
        headstart_sys::crash::point("block written");
        self.journal.note(&written)?;
        for (chunk, name) in written {
            self.hold(chunk, name);
        }
        Ok(())
    }

    /// Writes chunks that are not in place yet; those that lie one behind the other in a file by one call.
    fn write_chunks<'a>(
        &mut self,
        tree: &Tree,
        chunks: impl IntoIterator<Item = (u32, NamedBytes<'a>)>,
    ) -> Result<Vec<(u32, Digest)>, StoreError> {
        let (mut written, mut run) = (Vec::new(), Run::default());
        for (chunk, bytes) in chunks {
            if self.held.contains(chunk) {
                continue;
            }
            for number in 0..self.places.of_chunk(chunk).len() {
                let Some(place) = self.places.of_chunk(chunk).get(number).copied() else { break };
                if !run.goes_on_at(place) {
                    self.write_run(tree, &run)?;
                    run = Run { place: Some(place), parts: Vec::new(), bytes: 0 };
                }
                run.bytes += size(bytes.bytes().len());
                run.parts.push(bytes.bytes());
            }
            written.push((chunk, bytes.name()));
        }
        self.write_run(tree, &run)?;
        Ok(written)
    }

    fn write_chunk(&mut self, tree: &Tree, chunk: u32, bytes: &[u8]) -> Result<(), StoreError> {
        for number in 0..self.places.of_chunk(chunk).len() {
            let place = self.places.of_chunk(chunk).get(number).copied();
            self.write_run(tree, &Run { place, parts: vec![bytes], bytes: size(bytes.len()) })?;
        }
        Ok(())
    }

    fn write_run(&mut self, tree: &Tree, run: &Run<'_>) -> Result<(), StoreError> {
        if let Some(place) = run.place
            && self.output.write(tree, place, &run.parts, run.bytes)?
        {
            self.bytes_written += run.bytes;
        }
        Ok(())
    }

    /// A chunk whose bytes turned out damaged is not in place any more: the next block that yields it writes it again.
    pub fn release(&mut self, chunk: u32) {
        self.held.remove(chunk);
        if let Some(slot) = self.names.get_mut(index(chunk)) {
            *slot = None;
        }
    }

    /// Appends the bytes of a chunk that is in place, verified again.
    ///
    /// # Errors
    /// When the chunk is not in place, cannot be read, or no longer has the bytes that it had.
    pub fn read_chunk(&mut self, chunk: u32, out: &mut Vec<u8>) -> std::io::Result<()> {
        let tree = std::mem::take(&mut self.tree);
        let read = read_held(self, &tree, chunk, out);
        self.tree = tree;
        read
    }

    /// Appends the bytes of a chunk of the version that was taken over from as number `old` (from 0), verified as they are
    /// read; `None` when there is no such version, or no file of it has the chunk any more.
    pub fn read_old(&self, old: usize, chunk: u32, out: &mut Vec<u8>) -> Option<()> {
        self.olds.get(old)?.read_chunk(chunk, out)
    }

    fn hold(&mut self, chunk: u32, name: Digest) {
        self.held.insert(chunk);
        if let Some(slot) = self.names.get_mut(index(chunk)) {
            *slot = Some(name);
        }
    }

    /// Tree and names, when every chunk is in place.
    fn complete(&self) -> Result<CompleteTree, StoreError> {
        let names: Vec<Digest> = self.names.iter().copied().flatten().collect();
        let missing = self.tree.chunk_count() - self.held.count();
        CompleteTree::new(self.tree.clone(), names).ok_or(StoreError::Incomplete { missing })
    }

    /// Checks that what was put together is the content that the catalog promises, and puts it into `finish`'s place as
    /// one durable step: after a kill it is either whole in its place or still under construction here.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`], [`StoreError::Format`] when the content is another one, [`StoreError`] when the disk
    /// fails.
    pub fn finish(mut self, content: &Digest, finish: &Finish) -> Result<Built, StoreError> {
        let complete = self.complete()?;
        if let Err(source) = section::check_content(&complete, content) {
            // Every chunk is what its block said, so the next attempt would trust all of it again and fail for ever.
            self.journal.forget()?;
            return Err(StoreError::Format { path: self.folder.clone(), source });
        }
        let made = self.output.complete(&self.tree);
        if let Err(StoreError::Format { .. }) = &made {
            // As above: the chunks are those of the content, and make another file than it promises.
            self.journal.forget()?;
        }
        let bytes_written = self.bytes_written + made?;
        self.journal.close();
        finish::into_place(&self.folder, &complete, finish)?;
        Ok(Built { complete, bytes_written })
    }
}

/// Bytes that follow each other in a file.
#[derive(Default)]
struct Run<'a> {
    /// Where they begin; none: there are none.
    place: Option<Place>,
    parts: Vec<&'a [u8]>,
    bytes: u64,
}

impl Run<'_> {
    fn goes_on_at(&self, place: Place) -> bool {
        self.place.is_some_and(|first| {
            first.entry == place.entry && first.offset + self.bytes == place.offset
        })
    }
}

/// Reads bases for a block: of the old version, or chunks that are in place already.
struct Bases<'a>(&'a mut Assembly, &'a Tree);

impl BaseSource for Bases<'_> {
    fn read_base(
        &mut self,
        space: BaseSpace,
        chunk: u32,
        out: &mut Vec<u8>,
    ) -> std::io::Result<()> {
        let Self(assembly, tree) = self;
        match space {
            BaseSpace::Old => {
                let old = assembly.olds.last().ok_or(std::io::ErrorKind::NotFound)?;
                old.read_chunk(chunk, out).ok_or_else(|| std::io::ErrorKind::InvalidData.into())
            }
            BaseSpace::New => read_held(assembly, tree, chunk, out),
        }
    }
}

/// A chunk in place, verified again: what lies on disk is no longer vouched for.
fn read_held(
    assembly: &mut Assembly,
    tree: &Tree,
    chunk: u32,
    out: &mut Vec<u8>,
) -> std::io::Result<()> {
    let name = assembly.names.get(index(chunk)).copied().flatten();
    let (Some(name), Some(place)) = (name, assembly.places.of_chunk(chunk).first().copied()) else {
        return Err(std::io::ErrorKind::NotFound.into());
    };
    let start = out.len();
    assembly
        .output
        .read(tree, place, tree.chunk_bytes(chunk), out)
        .map_err(|error| std::io::Error::other(error.to_string()))?;
    if Digest::of(out.get(start..).unwrap_or_default()) == name {
        Ok(())
    } else {
        Err(std::io::ErrorKind::InvalidData.into())
    }
}

/// Removes what is being built in `folder`, once nobody works there any more.
///
/// # Errors
/// [`StoreError`] when something cannot be removed.
pub fn discard(folder: &Path) -> Result<(), StoreError> {
    if !folder.exists() {
        return Ok(());
    }
    let _lock = FileLock::acquire(&folder.join(LOCK), lock::Sharing::Exclusive)?;
    Ok(headstart_sys::durable::remove_tree(folder)?)
}

/// A format error that concerns a folder.
pub(crate) fn format_error(path: &Path, what: &'static str) -> StoreError {
    StoreError::Format { path: path.to_owned(), source: FormatError::Rule { what } }
}
