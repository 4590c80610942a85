//! Finding things in a snapshot: binary searches over the tables.

use super::{Entry, Pack, Snapshot, SnapshotError};
use crate::{Language, PackId};

impl<B: AsRef<[u8]>> Snapshot<B> {
    /// The pack with this id, if it can be read.
    ///
    /// # Errors
    /// [`SnapshotError::Record`] when the search meets a damaged record.
    pub fn pack(&self, id: &PackId) -> Result<Option<Pack<'_>>, SnapshotError> {
        self.find_pack(id).map(|found| found.map(|(_, pack)| pack))
    }

    /// What stands at `path`, in the first pack that has it.
    ///
    /// # Errors
    /// [`SnapshotError::Record`] when the search meets a damaged record.
    pub fn lookup(&self, path: &str) -> Result<Option<Entry<'_>>, SnapshotError> {
        self.lookup_all(path)?.next().transpose()
    }

    /// What stands at `path` in each pack that has it, by pack.
    ///
    /// # Errors
    /// [`SnapshotError::Record`] when the search meets a damaged record; so may each item.
    pub fn lookup_all<'a>(
        &'a self,
        path: &str,
    ) -> Result<impl Iterator<Item = Result<Entry<'a>, SnapshotError>> + use<'a, B>, SnapshotError>
    {
        let begin = self.first_at_or_after(path, 0)?;
        let mut end = begin;
        while end < self.entry_count && self.key_at(end)?.0 == path {
            end += 1;
        }
        Ok((begin..end).map(|index| self.entry_at(index)))
    }

    /// What stands at `path` in this pack.
    ///
    /// # Errors
    /// [`SnapshotError::Record`] when the search meets a damaged record.
    pub fn lookup_in(&self, pack: &PackId, path: &str) -> Result<Option<Entry<'_>>, SnapshotError> {
        let Some((pack, _)) = self.find_pack(pack)? else {
            return Ok(None);
        };
        let index = self.first_at_or_after(path, pack)?;
        if index < self.entry_count && self.key_at(index)? == (path, pack) {
            self.entry_at(index).map(Some)
        } else {
            Ok(None)
        }
    }

    /// What stands at `path` in the first pack with this very tag, else in the first whose tag means the same when implied
    /// subtags are filled in: `en` is `en-US`, and is not `en-CA`. `Spec: packs 9`.
    ///
    /// # Errors
    /// [`SnapshotError::Record`] when the search meets a damaged record.
    pub fn lookup_for(
        &self,
        language: &Language,
        path: &str,
    ) -> Result<Option<Entry<'_>>, SnapshotError> {
        let mut same = None;
        for entry in self.lookup_all(path)? {
            let entry = entry?;
            match entry.pack.language {
                Some(tag) if tag == language.as_str() => return Ok(Some(entry)),
                Some(tag) if same.is_none() && language.is_same_as_tag(tag) => same = Some(entry),
                _ => {}
            }
        }
        Ok(same)
    }

    fn find_pack(&self, id: &PackId) -> Result<Option<(u32, Pack<'_>)>, SnapshotError> {
        let index = partition(0..self.pack_count, |at| Ok(self.pack_at(at)?.id < id.as_str()))?;
        if index == self.pack_count {
            return Ok(None);
        }
        let pack = self.pack_at(index)?;
        Ok((pack.id == id.as_str()).then_some((index, pack)))
    }

    /// Index of the first entry that is not before `path` in `pack`.
    pub(super) fn first_at_or_after(&self, path: &str, pack: u32) -> Result<u32, SnapshotError> {
        partition(0..self.entry_count, |at| Ok(self.key_at(at)? < (path, pack)))
    }
}

/// The first index of `range` that is not `before`. Ends for every answer that `before` may give.
fn partition(
    range: std::ops::Range<u32>,
    before: impl Fn(u32) -> Result<bool, SnapshotError>,
) -> Result<u32, SnapshotError> {
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle)? { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}
