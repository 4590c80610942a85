//! The parts of an archive, checked and laid out as the files of a repository.

use std::fs::File;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};

use headstart_model::catalog::{BundleRef, IndexRef};
use headstart_model::packaging::PackagingManifest;
use headstart_model::{Digest, PackPath, Verified, VerifyError};
use headstart_pack::container::check_opened;
use headstart_pack::{
    ArchiveReader, BlockTable, ChunkSource as _, CompleteTree, FormatError, ScratchChunks, section,
};
use headstart_sys::{Action, FileError};

use super::{Doing, PrepareError, Step, Steps};
use crate::author::prepared::{PreparedPack, Staged};

/// Chunks between two reports of progress: a few megabytes.
const CHUNKS_PER_STEP: u32 = 128;

/// An archive whose header, manifest and index are known to be good.
#[derive(Debug)]
pub(super) struct Opened {
    path: PathBuf,
    reader: ArchiveReader<File>,
    manifest: PackagingManifest,
}

/// A file without a name, which is gone with its handle.
pub(super) fn scratch(staging: &Path) -> Result<File, FileError> {
    tempfile::tempfile_in(staging).map_err(|e| FileError::new(Action::Create, staging, e))
}

impl Opened {
    pub(super) fn open(archive: &Path) -> Result<Self, PrepareError> {
        let path = archive.to_owned();
        let file = File::open(archive).map_err(|e| FileError::new(Action::Open, archive, e))?;
        let reader = ArchiveReader::open(file)
            .map_err(|source| PrepareError::Archive { path: path.clone(), source })?;
        let manifest = PackagingManifest::from_bytes(reader.manifest()).map_err(|source| {
            PrepareError::Manifest { path: path.clone(), source: Box::new(source) }
        })?;
        Ok(Self { path, reader, manifest })
    }

    pub(super) const fn complete(&self) -> &CompleteTree {
        self.reader.complete()
    }

    /// What lies first in its bundles.
    pub(super) fn launch_set(&self) -> &[PackPath] {
        &self.manifest.launch_set
    }

    /// The pack, with the places that its files will have in `staging`.
    pub(super) fn describe(&self, staging: &Path) -> PreparedPack {
        let (header, manifest) = (self.reader.header(), self.manifest.clone());
        let tree = self.complete().tree();
        let id = manifest.asset_pack_id;
        let index = IndexRef {
            digest: header.structure_digest,
            structure_bytes: header.structure_bytes,
            names_bytes: header.names_bytes,
        };
        let full = BundleRef { digest: header.bundle_digest, bytes: header.bundle_bytes };
        PreparedPack {
            index: Staged { path: staging.join(format!("{id}.index")), named: index },
            full: Staged { path: staging.join(format!("{id}.bundle")), named: full },
            id,
            download_policy: manifest.download_policy,
            platforms: manifest.platforms,
            language: manifest.language,
            user_info: manifest.user_info,
            app_versions: manifest.app_versions,
            content: header.content,
            installed_size: tree.installed_bytes(),
            file_count: tree.files().count() as u64,
            deltas: Vec::new(),
        }
    }

    /// Writes index and bundle to their places in the staging folder.
    pub(super) fn stage(&mut self, pack: &PreparedPack) -> Result<(), PrepareError> {
        let index = self.index().map_err(|source| self.wrong(source))?;
        create(&pack.index.path)?
            .write_all(&index)
            .map_err(|e| FileError::new(Action::Write, &pack.index.path, e))?;
        let mut bundle = create(&pack.full.path)?;
        self.reader.copy_bundle(&mut bundle).map_err(|source| self.wrong(source))
    }

    /// The index as it travels. The archive may have been written to since it was opened: what is copied out of it is what was checked.
    fn index(&mut self) -> Result<Vec<u8>, FormatError> {
        let mut structure = self.reader.index_bytes()?;
        let header = self.reader.header();
        structure.truncate(usize::try_from(header.structure_bytes).unwrap_or(usize::MAX));
        let damaged = |source| FormatError::Damaged { what: "the index", source };
        let structure = Verified::check(structure, &header.structure_digest).map_err(damaged)?;
        let mut index = structure.into_inner();
        // Of the names no digest is known; they are those whose content was compared.
        index.extend(section::encode_names(self.complete()));
        Ok(index)
    }

    /// Decompresses every block, and compares every chunk with its name.
    ///
    /// The digests in an archive only say that it is as its maker left it; that the blocks yield the chunks which the tree
    /// promises is seen here, or else on every device.
    pub(super) fn extract(
        &mut self,
        staging: &Path,
        steps: Steps<'_>,
    ) -> Result<ScratchChunks, PrepareError> {
        let complete = self.reader.complete().clone();
        let table = self.reader.table().clone();
        let scratch = scratch(staging)?;
        let path = self.path.clone();
        let wrong = |source| PrepareError::Archive { path: path.clone(), source };
        let mut step = Step {
            doing: Doing::Checking,
            bytes_done: 0,
            bytes_total: complete.tree().unique_bytes(),
        };
        let mut bundle = self.reader.bundle().map_err(wrong)?;
        let mut chunks =
            extract((&complete, &table), (&mut bundle, scratch), (step, steps), wrong)?;
        let mut bytes = Vec::new();
        for (chunk, name) in (0_u32..).zip(complete.names()) {
            bytes.clear();
            chunks
                .read_chunk(chunk, &mut bytes)
                .map_err(|error| PrepareError::chunk(&path, error))?;
            let actual = Digest::of(&bytes);
            if actual != *name {
                let source = VerifyError::Digest { expected: *name, actual };
                return Err(wrong(FormatError::Damaged { what: "a chunk of the archive", source }));
            }
            step.bytes_done = step.bytes_done.saturating_add(bytes.len() as u64);
            if chunk.is_multiple_of(CHUNKS_PER_STEP) && steps(step).is_break() {
                return Err(PrepareError::Cancelled);
            }
        }
        let opened = check_opened(complete.tree(), &mut chunks);
        if opened.map_err(|error| PrepareError::chunk(&path, error))?.is_some() {
            let what = "an opened file of the archive does not make the file that it promises";
            return Err(wrong(FormatError::Rule { what }));
        }
        Ok(chunks)
    }

    fn wrong(&self, source: FormatError) -> PrepareError {
        PrepareError::Archive { path: self.path.clone(), source }
    }
}

/// The chunks of a bundle, `step` being told before each block.
pub(super) fn extract(
    (complete, table): (&CompleteTree, &BlockTable),
    (bundle, scratch): (&mut dyn Read, File),
    (step, steps): (Step, Steps<'_>),
    wrong: impl FnOnce(FormatError) -> PrepareError,
) -> Result<ScratchChunks, PrepareError> {
    let go_on = &mut || {
        if steps(step).is_break() { Err(BrokenOff::Cancelled) } else { Ok(()) }
    };
    ScratchChunks::extract_with(complete, table, (bundle, scratch), go_on).map_err(|error| {
        match error {
            BrokenOff::Cancelled => PrepareError::Cancelled,
            BrokenOff::Format(source) => wrong(source),
        }
    })
}

enum BrokenOff {
    Cancelled,
    Format(FormatError),
}

impl From<FormatError> for BrokenOff {
    fn from(source: FormatError) -> Self {
        Self::Format(source)
    }
}

fn create(path: &Path) -> Result<File, FileError> {
    File::create(path).map_err(|e| FileError::new(Action::Create, path, e))
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, SeekFrom};
    use std::ops::ControlFlow;

    use headstart_pack::selection::{SelectedFile, Selection};
    use headstart_pack::{Level, build_archive};

    use super::*;

    const MANIFEST: &[u8] = br#"{"assetPackID":"p","downloadPolicy":{"onDemand":{}},"fileSelectors":[{"directory":"."}],"platforms":[]}"#;

    /// An archive, opened, of which the last byte but `from_end` is another one then.
    fn overwritten(folder: &Path, from_end: i64) -> Opened {
        let source = folder.join("source");
        std::fs::write(&source, b"content").expect("writable");
        let path = PackPath::new("file").expect("fine");
        let file = SelectedFile { path, source, size: 7, executable: false };
        let selection = Selection { files: vec![file], ..Selection::default() };
        let archive = folder.join("archive");
        let mut out = File::create(&archive).expect("writable");
        let go_on = &mut |_| ControlFlow::Continue(());
        build_archive(MANIFEST, &selection, Level::Fast, &mut out, go_on).expect("an archive");
        let opened = Opened::open(&archive).expect("whole");
        let mut archive = File::options().read(true).write(true).open(&archive).expect("there");
        let mut byte = [0];
        archive.seek(SeekFrom::End(-1 - from_end)).expect("inside");
        archive.read_exact(&mut byte).expect("inside");
        archive.seek(SeekFrom::End(-1 - from_end)).expect("inside");
        archive.write_all(&[byte[0] ^ 1]).expect("writable");
        opened
    }

    #[test]
    fn names_are_published_as_they_were_checked_whatever_became_of_the_archive() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut opened = overwritten(folder.path(), 0);
        let pack = opened.describe(folder.path());
        opened.stage(&pack).expect("all that is copied is whole");
        let index = std::fs::read(&pack.index.path).expect("staged");
        assert_eq!(index.len() as u64, pack.index.named.structure_bytes + 32);
        assert!(index.ends_with(Digest::of(b"content").as_bytes()));
    }

    #[test]
    fn an_index_that_was_overwritten_meanwhile_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut opened = overwritten(folder.path(), 32);
        let pack = opened.describe(folder.path());
        let refused = opened.stage(&pack).expect_err("damaged");
        assert!(
            matches!(
                refused,
                PrepareError::Archive {
                    source: FormatError::Damaged { what: "the index", .. },
                    ..
                }
            ),
            "{refused:?}"
        );
    }
}
