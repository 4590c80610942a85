//! From selected files to an archive.

use std::io::{Seek, Write};

use headstart_model::Digest;

use crate::archive::{self, ArchiveParts};
use crate::bases::BaseChooser;
use crate::bundle::{BundleInput, BundleKind, Level, Progress, write_bundle};
use crate::chunk_set::ChunkSet;
use crate::error::BuildError;
use crate::layout;
use crate::numbers::size;
use crate::section;
use crate::selection::Selection;
use crate::source::{Containers, FolderChunks, NoChunks};

/// An archive that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildSummary {
    /// Number of files.
    pub files: u64,
    /// Bytes of all files when installed.
    pub installed_bytes: u64,
    /// Bytes of the archive.
    pub archive_bytes: u64,
    /// Number of different chunks.
    pub chunks: u64,
    /// Number of blocks.
    pub blocks: u64,
    /// Identity of the content.
    pub content: Digest,
}

/// Builds an archive of `selection` and writes it to `out`, which is empty and stands at its start.
///
/// `manifest` is the canonical JSON of the packaging manifest. The same files, manifest and level give the same bytes on
/// every machine. Memory does not grow with the size of files, only with the number of chunks. `progress` hears plain bytes: 0
/// after each file as long as the files are cut, then what is compressed.
///
/// # Errors
/// [`BuildError`] when a file cannot be read or changes meanwhile, the output cannot be written, or `progress` breaks off.
pub fn build_archive<W: Write + Seek>(
    manifest: &[u8],
    selection: &Selection,
    level: Level,
    out: &mut W,
    progress: Progress<'_>,
) -> Result<BuildSummary, BuildError> {
    let mut chunks = FolderChunks::scan_with(selection, containers(level), &mut *progress)?;
    let complete = chunks.complete().clone();
    let tree = complete.tree();
    archive::write_placeholder(out)?;
    let input = BundleInput {
        blocks: layout::blocks(tree, &ChunkSet::full(tree.chunk_count()), &selection.launch_set),
        chooser: level
            .uses_bases()
            .then(|| BaseChooser::new(tree.unique_bytes(), tree.chunk_count()))
            .map(|chooser| if level.restarts() { chooser.keep_close() } else { chooser }),
        new: &mut chunks,
        old: &mut NoChunks,
        level,
        kind: BundleKind::Full,
    };
    let bundle = write_bundle(input, out, progress)?;
    let structure = section::encode_full(tree, &bundle.table)?;
    let parts = ArchiveParts {
        manifest,
        structure: &structure,
        names: &section::encode_names(&complete),
        bundle_bytes: bundle.bytes,
        bundle_digest: bundle.digest,
        content: complete.content(),
    };
    let archive_bytes = archive::finish(out, &parts)?;
    Ok(BuildSummary {
        files: size(tree.files().count()),
        installed_bytes: tree.installed_bytes(),
        archive_bytes,
        chunks: u64::from(tree.chunk_count()),
        blocks: size(bundle.table.blocks().len()),
        content: parts.content,
    })
}

/// Opening takes about as long as compressing at level 9.
const fn containers(level: Level) -> Containers {
    match level {
        Level::Fast => Containers::Keep,
        Level::Balanced | Level::Small => Containers::Open,
    }
}
