//! Blocks that came before what they are based on.
//!
//! Ranges arrive side by side, so a block may come before an earlier one that it is based on. It waits on disk, not in
//! memory: how far the network runs ahead must not decide how much memory is spent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use headstart_model::{Digest, Verified};
use headstart_pack::{BaseSpace, Block, ChunkSet};
use headstart_store::StoreError;
use headstart_sys::{Action, FileError};

/// A block's number and its verified bytes.
type Parked = (u32, Verified<Vec<u8>>);

/// Blocks waiting for their bases, by number.
#[derive(Debug)]
pub(crate) struct Parking {
    folder: PathBuf,
    waiting: BTreeMap<u32, Digest>,
}

impl Parking {
    /// An empty parking place in a folder of its own, which is made when it is needed.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, waiting: BTreeMap::new() }
    }

    /// Whether every base of `block` that belongs to the new version is held.
    pub(crate) fn is_ready(block: &Block, held: &ChunkSet) -> bool {
        let new = block.bases.iter().filter(|base| base.space == BaseSpace::New);
        new.flat_map(|base| base.run.chunks()).all(|chunk| held.contains(chunk))
    }

    fn path(&self, number: u32) -> PathBuf {
        self.folder.join(number.to_string())
    }

    /// Puts a block aside.
    pub(crate) fn park<B: AsRef<[u8]>>(
        &mut self,
        number: u32,
        stored: &Verified<B>,
    ) -> Result<(), StoreError> {
        let path = self.path(number);
        let error = |action, path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::from(FileError::new(action, path, source))
        };
        std::fs::create_dir_all(&self.folder).map_err(error(Action::Create, &self.folder))?;
        std::fs::write(&path, stored.as_bytes()).map_err(error(Action::Write, &path))?;
        self.waiting.insert(number, *stored.digest());
        Ok(())
    }

    /// The first waiting block whose bases are held now, verified again; it is no longer parked.
    pub(crate) fn take_ready(
        &mut self,
        blocks: &[Block],
        held: &ChunkSet,
    ) -> Result<Option<Parked>, StoreError> {
        let ready = self.waiting.iter().find(|(number, _)| {
            blocks.get(**number as usize).is_some_and(|block| Self::is_ready(block, held))
        });
        let Some((number, digest)) = ready.map(|(number, digest)| (*number, *digest)) else {
            return Ok(None);
        };
        let path = self.path(number);
        let bytes = std::fs::read(&path).map_err(|e| FileError::new(Action::Read, &path, e))?;
        let _ = std::fs::remove_file(&path);
        self.waiting.remove(&number);
        let damaged = |source| StoreError::Format {
            path,
            source: headstart_pack::FormatError::Damaged { what: "a block on disk", source },
        };
        Verified::check(bytes, &digest).map_err(damaged).map(|stored| Some((number, stored)))
    }
}

impl Drop for Parking {
    /// What is still parked is fetched again if it is still wanted; nothing depends on it.
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
