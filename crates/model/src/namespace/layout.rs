//! Numbers of the format. All integers are little endian. `docs/format/namespace.md` has the
//! tables.

pub(super) const MAGIC: &[u8; 8] = b"HSTNAMES";
pub(super) const FORMAT: u32 = 1;

/// Magic, format, number of packs, generation, number of entries, bytes of the string area: the
/// part of the header that the digest covers.
pub(super) const HEADER_FACTS_BYTES: usize = 32;
/// The facts, then the digest.
pub(super) const HEADER_BYTES: usize = 64;
pub(super) const PACK_BYTES: usize = 40;
pub(super) const ENTRY_BYTES: usize = 24;

pub(super) const FLAG_FOLDER: u16 = 1;
pub(super) const FLAG_EXECUTABLE: u16 = 1 << 1;

pub(super) fn u16_at(record: &[u8], at: usize) -> Option<u16> {
    record.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes)
}

pub(super) fn u32_at(record: &[u8], at: usize) -> Option<u32> {
    record.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

pub(super) fn u64_at(record: &[u8], at: usize) -> Option<u64> {
    record.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes)
}

/// Whether a path, joined to a folder, stays below it on every platform: a snapshot may be
/// anybody's file, and what it names is opened.
pub(super) fn stays_below(path: &str) -> bool {
    let safe = |part: &str| !part.is_empty() && part != "." && part != "..";
    !path.contains(['\\', ':', '\0']) && path.split('/').all(safe)
}
