//! How much a pack takes.

use headstart_model::namespace::EntryKind;
use headstart_sys::identity::{allocated_bytes, link_count};

use super::{Namespace, file_damaged};
use crate::error::Error;

/// What counts as the size of an installed pack. `Ours:` the specification names the parameter and
/// not its values (`Spec: api 2`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SizeCalculationMethod {
    /// The lengths of its files, as the author made them. Taken from the index: costs the same
    /// however many files there are.
    #[default]
    Logical,
    /// What its files take on the disk, in whole blocks. Each file is looked at.
    Allocated,
    /// What its files take on the disk and no other version shares: about what becomes free when
    /// the pack is removed. Each file is looked at. A file that has a second name, in an older
    /// version that is still read, counts nothing; what is shared through clones of the file system
    /// cannot be told and counts.
    Exclusive,
}

impl Namespace {
    /// Bytes that a local pack takes. Folders and the service's own records of it count nothing.
    ///
    /// # Errors
    /// As [`local_version`](Self::local_version); `fileDamaged` when a file cannot be looked at.
    pub fn local_size(&self, id: &str, method: SizeCalculationMethod) -> Result<u64, Error> {
        let pack = self.local_pack(id)?;
        if method == SizeCalculationMethod::Logical {
            return Ok(pack.installed_bytes);
        }
        let mut total = 0_u64;
        for entry in self.held.snapshot.entries() {
            let entry = entry.map_err(|error| self.damaged(&error))?;
            if entry.pack.id != pack.id || entry.kind == EntryKind::Folder {
                continue;
            }
            let at = self.place_of(&entry);
            let metadata = std::fs::symlink_metadata(&at)
                .map_err(|error| file_damaged(entry.path, &at, Some(&error)))?;
            let shared = method == SizeCalculationMethod::Exclusive && link_count(&metadata) > 1;
            if !shared {
                total = total.saturating_add(allocated_bytes(&metadata));
            }
        }
        Ok(total)
    }
}
