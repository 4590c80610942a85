//! Delta bundles: everything that a device lacks which holds one certain earlier version.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom, Write};

use headstart_model::{Digest, DigestHasher, PackPath};

use crate::bases::{BaseChooser, Files};
use crate::bundle::{BundleInput, BundleKind, Level, Progress, write_bundle};
use crate::chunk_set::ChunkSet;
use crate::error::BuildError;
use crate::layout;
use crate::numbers::size;
use crate::section::{self, DeltaStructure};
use crate::source::ChunkSource;
use crate::tree::CompleteTree;

/// Old chunks that are read before it is asked again whether to go on: a few megabytes.
const CHUNKS_PER_QUESTION: u32 = 128;

/// A version with the bytes of its chunks.
pub struct Version<'a> {
    /// What it consists of.
    pub complete: &'a CompleteTree,
    /// Where its chunks are read.
    pub chunks: &'a mut dyn ChunkSource,
}

impl std::fmt::Debug for Version<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Version").field("content", &self.complete.content()).finish_non_exhaustive()
    }
}

/// A delta bundle that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeltaSummary {
    /// Digest of the whole file.
    pub digest: Digest,
    /// Bytes of the whole file.
    pub bytes: u64,
    /// Digest of the structure section at its head.
    pub structure_digest: Digest,
    /// Bytes of the structure section at its head.
    pub structure_bytes: u64,
}

/// Writes the delta bundle from `old` to `new` to `out`; `scratch` (empty, the caller's) holds the blocks meanwhile.
///
/// `launch_set` is that of the new version's manifest. The same input and level give the same bytes. Memory: the shingles of both versions and a few blocks for each core.
///
/// # Errors
/// [`BuildError`] when chunks cannot be read, the output cannot be written, or `progress` breaks off.
#[expect(clippy::needless_pass_by_value, reason = "a version lends its source for the whole call")]
pub fn build_delta<S: Read + Write + Seek>(
    old: Version<'_>,
    new: Version<'_>,
    (level, launch_set): (Level, &[PackPath]),
    (scratch, out): (&mut S, &mut dyn Write),
    progress: Progress<'_>,
) -> Result<DeltaSummary, BuildError> {
    let (old_tree, new_tree) = (old.complete.tree(), new.complete.tree());
    let same_as_old = same_chunks(old.complete, new.complete);
    let mut missing = ChunkSet::empty(new_tree.chunk_count());
    (0..).zip(&same_as_old).filter(|(_, same)| same.is_none()).for_each(|(chunk, _)| {
        missing.insert(chunk);
    });
    let mut chooser =
        BaseChooser::new(old_tree.unique_bytes() + new_tree.unique_bytes(), new_tree.chunk_count())
            .tell_files_apart(Files::new(old_tree, new_tree));
    if missing.count() > 0 {
        let mut bytes = Vec::new();
        for chunk in 0..old_tree.chunk_count() {
            if chunk.is_multiple_of(CHUNKS_PER_QUESTION) && progress(0).is_break() {
                return Err(BuildError::Cancelled);
            }
            bytes.clear();
            old.chunks.read_chunk(chunk, &mut bytes)?;
            chooser.add_old(&bytes);
        }
    }
    let input = BundleInput {
        blocks: layout::blocks(new_tree, &missing, launch_set),
        chooser: Some(chooser),
        new: new.chunks,
        old: old.chunks,
        level,
        kind: BundleKind::Delta,
    };
    let written = write_bundle(input, scratch, progress)?;
    let delta = DeltaStructure { tree: new_tree.clone(), same_as_old, table: written.table };
    let structure = section::encode_delta(old_tree, &delta)?;
    let mut hasher = DigestHasher::new();
    hasher.update(&structure);
    out.write_all(&structure).map_err(BuildError::Write)?;
    scratch.seek(SeekFrom::Start(0)).map_err(BuildError::Write)?;
    let mut both = Tee { out, hasher: &mut hasher };
    std::io::copy(&mut scratch.take(written.bytes), &mut both).map_err(BuildError::Write)?;
    Ok(DeltaSummary {
        digest: hasher.finish(),
        bytes: size(structure.len()) + written.bytes,
        structure_digest: Digest::of(&structure),
        structure_bytes: size(structure.len()),
    })
}

/// For each new chunk the old chunk of the same name.
fn same_chunks(old: &CompleteTree, new: &CompleteTree) -> Vec<Option<u32>> {
    let numbers: HashMap<&Digest, u32> = old.names().iter().zip(0..).collect();
    new.names().iter().map(|name| numbers.get(name).copied()).collect()
}

struct Tee<'a> {
    out: &'a mut dyn Write,
    hasher: &'a mut DigestHasher,
}

impl Write for Tee<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}
