//! Blocks that came before what they are based on.
//!
//! Ranges arrive side by side, so a block may come before an earlier one that it is based on. It waits on disk, not in
//! memory: how far the network runs ahead must not decide how much memory is spent. What still waits when a delivery is broken off
//! is there for the next attempt.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use headstart_model::{Digest, Verified};
use headstart_pack::BlockTable;
use headstart_store::StoreError;
use headstart_sys::{Action, FileError};

/// A block: the number of its bundle among those of the delivery, and its own there.
pub(crate) type BlockKey = (usize, u32);

/// Blocks waiting for their bases.
#[derive(Debug)]
pub(crate) struct Parking {
    folder: PathBuf,
    waiting: BTreeMap<BlockKey, Digest>,
    /// Bytes of what lies here.
    bytes: u64,
}

impl Parking {
    /// A parking place in a folder of its own, which is made when it is needed.
    pub(crate) fn new(folder: PathBuf) -> Self {
        let sizes = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let sizes = sizes.filter_map(|entry| entry.metadata().ok()).map(|facts| facts.len());
        Self { bytes: sizes.sum(), folder, waiting: BTreeMap::new() }
    }

    /// Bytes of the blocks that lie here.
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(digest.to_string())
    }

    /// The blocks of `table` that lie here.
    pub(crate) fn here(&self, table: &BlockTable) -> BTreeSet<u32> {
        if self.bytes == 0 {
            return BTreeSet::new();
        }
        let blocks = (0..).zip(table.blocks());
        let here = blocks.filter(|(_, block)| {
            let facts = std::fs::symlink_metadata(self.path(&block.digest));
            facts.is_ok_and(|facts| facts.len() == u64::from(block.stored_bytes))
        });
        here.map(|(number, _)| number).collect()
    }

    /// Puts a block aside.
    pub(crate) fn park<B: AsRef<[u8]>>(
        &mut self,
        key: BlockKey,
        stored: &Verified<B>,
    ) -> Result<(), StoreError> {
        let path = self.path(stored.digest());
        let error = |action, path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::from(FileError::new(action, path, source))
        };
        std::fs::create_dir_all(&self.folder).map_err(error(Action::Create, &self.folder))?;
        std::fs::write(&path, stored.as_bytes()).map_err(error(Action::Write, &path))?;
        self.bytes += stored.as_bytes().len() as u64;
        self.waiting.insert(key, *stored.digest());
        Ok(())
    }

    /// Waits for the bases of a block that lies here from an earlier attempt.
    pub(crate) fn expect(&mut self, key: BlockKey, digest: &Digest) {
        self.waiting.insert(key, *digest);
    }

    /// The blocks that wait, by number.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = BlockKey> {
        self.waiting.keys().copied()
    }

    /// A waiting block, verified again; it is no longer parked. One that was damaged meanwhile is forgotten: it is fetched again
    /// if it is still wanted.
    pub(crate) fn take(&mut self, key: BlockKey) -> Option<Verified<Bytes>> {
        let digest = self.waiting.remove(&key)?;
        let path = self.path(&digest);
        let read = std::fs::read(&path);
        let _ = std::fs::remove_file(&path);
        let bytes = read.ok()?;
        self.bytes = self.bytes.saturating_sub(bytes.len() as u64);
        let checked = Verified::check(Bytes::from(bytes), &digest);
        checked.inspect_err(|error| tracing::warn!(%error, "a block on disk was damaged")).ok()
    }
}
