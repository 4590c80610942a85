//! Cutting files into chunks, several at a time.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use headstart_model::Digest;

use super::{Containers, Holder};
use crate::bundle::Progress;
use crate::chunker;
use crate::container::{self, OpenedForm};
use crate::error::BuildError;
use crate::ordered::{self, Stages};
use crate::selection::{SelectedFile, Selection};
use crate::tree::{CompleteTree, FileKind, TreeBuilder};

/// What the files consist of.
pub(super) struct Scanned {
    pub(super) complete: CompleteTree,
    /// For each chunk where its bytes are.
    pub(super) places: Vec<(Holder, u64)>,
    /// The opened forms of containers.
    pub(super) scratch: Option<File>,
}

/// Cuts the files on all cores. The result does not depend on their number. `progress` may break off after each file.
pub(super) fn all(
    selection: &Selection,
    containers: Containers,
    progress: Progress<'_>,
) -> Result<Scanned, BuildError> {
    let mut scan = Scan {
        left: (0..).zip(&selection.files),
        builder: TreeBuilder::new(),
        first_places: HashMap::new(),
        scratch: None,
        progress,
    };
    selection.folders.iter().for_each(|folder| scan.builder.folder(&folder.path));
    ordered::run(&mut scan, ordered::cores(), |(number, file)| {
        (number, file, cut(file, containers))
    })?;
    let Scan { builder, first_places, scratch, .. } = scan;
    let complete = builder.finish();
    let places = complete.names().iter().filter_map(|name| first_places.get(name).copied());
    Ok(Scanned { places: places.collect(), complete, scratch })
}

/// Names and lengths in bytes of the chunks of a file.
type Chunks = Vec<(Digest, u32)>;
type Numbered<'a> = (u32, &'a SelectedFile);

/// A file as a thread leaves it.
enum Cut {
    Chunks(Chunks),
    /// It may be worth opening, which is done one after the other: into one scratch file, with much memory.
    Container,
}

struct Scan<'a, 'p, I: Iterator<Item = Numbered<'a>>> {
    left: I,
    builder: TreeBuilder,
    first_places: HashMap<Digest, (Holder, u64)>,
    scratch: Option<File>,
    progress: Progress<'p>,
}

impl<'a, I: Iterator<Item = Numbered<'a>>> Stages for Scan<'a, '_, I> {
    type Job = Numbered<'a>;
    type Done = (u32, &'a SelectedFile, Result<Cut, BuildError>);

    fn next(&mut self) -> Result<Option<Self::Job>, BuildError> {
        Ok(self.left.next())
    }

    fn take(&mut self, (number, file, cut): Self::Done) -> Result<(), BuildError> {
        // Nothing is compressed yet.
        if (self.progress)(0).is_break() {
            return Err(BuildError::Cancelled);
        }
        let (holder, kind, mut offset, chunks) = match cut? {
            Cut::Chunks(chunks) => (Holder::File(number), FileKind::Plain, 0, chunks),
            Cut::Container => match open_container(file, &mut self.scratch)? {
                Some((form, chunks)) => {
                    let kind = FileKind::Opened { bytes: file.size, digest: form.digest };
                    (Holder::Scratch, kind, form.range.start, chunks)
                }
                None => (Holder::File(number), FileKind::Plain, 0, cut_file(file)?),
            },
        };
        for (name, bytes) in &chunks {
            self.first_places.entry(*name).or_insert((holder, offset));
            offset += u64::from(*bytes);
        }
        self.builder.file_of(&file.path, (file.executable, kind), chunks)
    }
}

fn cut(file: &SelectedFile, containers: Containers) -> Result<Cut, BuildError> {
    let read = |source| BuildError::Read { path: file.source.clone(), source };
    if containers == Containers::Open {
        let mut source = File::open(&file.source).map_err(read)?;
        if container::begins_as_container(&mut source).map_err(read)? {
            return Ok(Cut::Container);
        }
    }
    cut_file(file).map(Cut::Chunks)
}

/// The opened form of a container, if that pays. The scratch file comes into being with the first one.
fn open_container(
    file: &SelectedFile,
    scratch: &mut Option<File>,
) -> Result<Option<(OpenedForm, Chunks)>, BuildError> {
    let read = |source| BuildError::Read { path: file.source.clone(), source };
    let mut source = File::open(&file.source).map_err(read)?;
    let scratch = match scratch {
        Some(scratch) => scratch,
        none => none.insert(tempfile::tempfile().map_err(BuildError::Write)?),
    };
    let Some(form) = container::open(&mut source, file.size, scratch).map_err(read)? else {
        return Ok(None);
    };
    let chunks = cut_form(&form, scratch).map_err(BuildError::Write)?;
    Ok(Some((form, chunks)))
}

fn cut_form(form: &OpenedForm, scratch: &mut File) -> std::io::Result<Chunks> {
    scratch.seek(SeekFrom::Start(form.range.start))?;
    let form = std::io::BufReader::new(scratch.take(form.range.end - form.range.start));
    chunker::cut(form).map(|chunk| chunk.map(|chunk| named(&chunk))).collect()
}

fn cut_file(file: &SelectedFile) -> Result<Chunks, BuildError> {
    let read = |source| BuildError::Read { path: file.source.clone(), source };
    let source = File::open(&file.source).map_err(read)?;
    let chunks: std::io::Result<Vec<_>> =
        chunker::cut(source).map(|chunk| chunk.map(|chunk| named(&chunk))).collect();
    let chunks = chunks.map_err(read)?;
    let size: u64 = chunks.iter().map(|(_, bytes)| u64::from(*bytes)).sum();
    if size == file.size {
        Ok(chunks)
    } else {
        Err(BuildError::Changed { path: file.source.clone() })
    }
}

fn named(chunk: &chunker::CutChunk) -> (Digest, u32) {
    let bytes = u32::try_from(chunk.bytes.len()).expect("a chunk is at most CHUNK_BYTES_MAX");
    (chunk.name, bytes)
}
