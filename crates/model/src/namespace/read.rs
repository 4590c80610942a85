//! Reading a snapshot in place.

use super::layout::{
    ENTRY_BYTES, FLAG_EXECUTABLE, FLAG_FOLDER, FORMAT, HEADER_BYTES, HEADER_FACTS_BYTES, MAGIC,
    PACK_BYTES, stays_below, u16_at, u32_at, u64_at,
};
use super::{Entry, EntryKind, Pack, SnapshotError};
use crate::{Digest, DigestHasher, PackVersion};

/// A snapshot over its bytes: a mapped file, or a slice.
///
/// Opening looks at the header only; each access checks what it touches. Whatever the bytes are, no
/// method panics or reads outside of them: a damaged snapshot gives errors or wrong answers, and
/// [`verify`](Self::verify) tells it from a good one.
#[derive(Debug)]
pub struct Snapshot<B> {
    pub(super) bytes: B,
    pub(super) generation: u64,
    pub(super) pack_count: u32,
    pub(super) entry_count: u32,
}

impl<B: AsRef<[u8]>> Snapshot<B> {
    /// Opens a snapshot. Costs the same whatever its size.
    ///
    /// # Errors
    /// [`SnapshotError`] when the bytes do not begin like a snapshot of this format, or are not as
    /// many as the header says.
    pub fn open(bytes: B) -> Result<Self, SnapshotError> {
        let file = bytes.as_ref();
        let length = |expected_bytes| SnapshotError::Length {
            expected_bytes,
            actual_bytes: file.len() as u64,
        };
        let header = file.get(..HEADER_BYTES).ok_or_else(|| length(HEADER_BYTES as u64))?;
        if !header.starts_with(MAGIC) {
            return Err(SnapshotError::Magic);
        }
        let whole = "the header was checked to be whole";
        let format = u32_at(header, 8).expect(whole);
        if format != FORMAT {
            return Err(SnapshotError::Format { format });
        }
        let pack_count = u32_at(header, 12).expect(whole);
        let generation = u64_at(header, 16).expect(whole);
        let entry_count = u32_at(header, 24).expect(whole);
        let strings_bytes = u32_at(header, 28).expect(whole);
        let expected_bytes = HEADER_BYTES as u64
            + u64::from(pack_count) * PACK_BYTES as u64
            + u64::from(entry_count) * ENTRY_BYTES as u64
            + u64::from(strings_bytes);
        if expected_bytes != file.len() as u64 {
            return Err(length(expected_bytes));
        }
        Ok(Self { bytes, generation, pack_count, entry_count })
    }

    /// Reads all bytes and compares them with the digest in the header.
    ///
    /// The service does this when it starts, and when it is asked to verify; readers trust the
    /// folder that the snapshot lies in.
    ///
    /// # Errors
    /// [`SnapshotError::Digest`] when they differ.
    pub fn verify(&self) -> Result<(), SnapshotError> {
        let file = self.bytes.as_ref();
        let mut hasher = DigestHasher::new();
        hasher.update(file.get(..HEADER_FACTS_BYTES).unwrap_or_default());
        hasher.update(file.get(HEADER_BYTES..).unwrap_or_default());
        let promised = file
            .get(HEADER_FACTS_BYTES..HEADER_BYTES)
            .and_then(|bytes| bytes.try_into().ok())
            .map(Digest::from_bytes);
        if promised == Some(hasher.finish()) { Ok(()) } else { Err(SnapshotError::Digest) }
    }

    /// The generation: rises with each change of what can be read.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Number of paths, counted once for each pack that has them.
    #[must_use]
    pub const fn entry_count(&self) -> u32 {
        self.entry_count
    }

    /// Every pack, by id.
    pub fn packs(&self) -> impl Iterator<Item = Result<Pack<'_>, SnapshotError>> {
        (0..self.pack_count).map(|index| self.pack_at(index))
    }

    /// Every path, by its bytes, then by pack.
    pub fn entries(&self) -> impl Iterator<Item = Result<Entry<'_>, SnapshotError>> {
        (0..self.entry_count).map(|index| self.entry_at(index))
    }

    pub(super) fn pack_at(&self, index: u32) -> Result<Pack<'_>, SnapshotError> {
        self.read_pack(index).ok_or(SnapshotError::Record { what: "pack", index })
    }

    pub(super) fn entry_at(&self, index: u32) -> Result<Entry<'_>, SnapshotError> {
        let found = self.read_entry(index);
        let (path, kind, pack) = found.ok_or(SnapshotError::Record { what: "path", index })?;
        Ok(Entry { path, kind, pack: self.pack_at(pack)? })
    }

    /// The path and the pack of an entry, without what a search does not look at.
    pub(super) fn key_at(&self, index: u32) -> Result<(&str, u32), SnapshotError> {
        let key = || {
            let record = self.entry_record(index)?;
            Some((self.path_of(record)?, u32_at(record, 16)?))
        };
        key().ok_or(SnapshotError::Record { what: "path", index })
    }

    fn read_pack(&self, index: u32) -> Option<Pack<'_>> {
        let record =
            self.record(HEADER_BYTES, index, PACK_BYTES).filter(|_| index < self.pack_count)?;
        let text = |offset, length| self.text(u32_at(record, offset)?, u16_at(record, length)?);
        let root = text(20, 30).filter(|root| stays_below(root))?;
        Some(Pack {
            version: PackVersion(u64_at(record, 0)?),
            installed_bytes: u64_at(record, 8)?,
            id: text(16, 28)?,
            root,
            language: Some(text(24, 32)?).filter(|tag| !tag.is_empty()),
            file_count: u64::from(u32_at(record, 36)?),
        })
    }

    fn read_entry(&self, index: u32) -> Option<(&str, EntryKind, u32)> {
        let record = self.entry_record(index)?;
        let path = self.path_of(record).filter(|path| stays_below(path))?;
        let size_bytes = u64_at(record, 0)?;
        let kind = match u16_at(record, 14)? {
            FLAG_FOLDER => EntryKind::Folder,
            0 => EntryKind::File { size_bytes, executable: false },
            FLAG_EXECUTABLE => EntryKind::File { size_bytes, executable: true },
            _ => return None,
        };
        Some((path, kind, u32_at(record, 16)?))
    }

    fn entry_record(&self, index: u32) -> Option<&[u8]> {
        let table = HEADER_BYTES.checked_add(table_bytes(self.pack_count, PACK_BYTES)?)?;
        self.record(table, index, ENTRY_BYTES).filter(|_| index < self.entry_count)
    }

    fn path_of<'a>(&'a self, record: &[u8]) -> Option<&'a str> {
        self.text(u32_at(record, 8)?, u16_at(record, 12)?)
    }

    fn text(&self, offset: u32, length: u16) -> Option<&str> {
        let area = HEADER_BYTES
            .checked_add(table_bytes(self.pack_count, PACK_BYTES)?)?
            .checked_add(table_bytes(self.entry_count, ENTRY_BYTES)?)?;
        let begin = area.checked_add(usize::try_from(offset).ok()?)?;
        let end = begin.checked_add(usize::from(length))?;
        std::str::from_utf8(self.bytes.as_ref().get(begin..end)?).ok()
    }

    fn record(&self, table: usize, index: u32, record_bytes: usize) -> Option<&[u8]> {
        let begin = table.checked_add(table_bytes(index, record_bytes)?)?;
        self.bytes.as_ref().get(begin..begin.checked_add(record_bytes)?)
    }
}

fn table_bytes(records: u32, record_bytes: usize) -> Option<usize> {
    usize::try_from(records).ok()?.checked_mul(record_bytes)
}
