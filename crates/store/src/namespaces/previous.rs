//! What the newest snapshot says, for the one that follows it.

use std::collections::HashMap;
use std::path::Path;

use headstart_model::PackPath;
use headstart_model::namespace::{EntryKind, Snapshot};
use headstart_sys::map::MappedFile;

use super::{LivePack, broken, packs_of};
use crate::error::StoreError;

/// The packs of a snapshot and what each has.
#[derive(Debug, Default)]
pub(super) struct Previous {
    packs: Vec<LivePack>,
    /// By the pack's id. Taken out as the packs are used.
    entries: HashMap<String, Vec<(PackPath, EntryKind)>>,
}

impl Previous {
    /// Reads the snapshot at `path` and checks its digest: what is copied from it gets a digest anew.
    pub(super) fn read(path: &Path) -> Result<Self, StoreError> {
        let snapshot =
            Snapshot::open(MappedFile::open(path)?).map_err(|error| broken(path, error))?;
        snapshot.verify().map_err(|error| broken(path, error))?;
        let packs = packs_of(path, &snapshot)?;
        let mut entries: HashMap<String, Vec<(PackPath, EntryKind)>> = HashMap::new();
        for entry in snapshot.entries() {
            let entry = entry.map_err(|error| broken(path, error))?;
            let at = PackPath::new(entry.path).map_err(|error| broken(path, error))?;
            match entries.get_mut(entry.pack.id) {
                Some(of_pack) => of_pack.push((at, entry.kind)),
                None => drop(entries.insert(entry.pack.id.to_owned(), vec![(at, entry.kind)])),
            }
        }
        Ok(Self { packs, entries })
    }

    /// Whether it has these packs, sorted by id, and no others.
    pub(super) fn is_exactly(&self, packs: &[LivePack]) -> bool {
        self.packs == packs
    }

    /// What `pack` has, if it is there in the same version and folder.
    pub(super) fn take(&mut self, pack: &LivePack) -> Option<Vec<(PackPath, EntryKind)>> {
        let stays = |had: &LivePack| {
            had.id == pack.id && had.version == pack.version && had.folder == pack.folder
        };
        let there = self.packs.iter().any(stays);
        there.then(|| self.entries.remove(pack.id.as_str()).unwrap_or_default())
    }
}
