//! What is known about a half-finished file, beside it on disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use headstart_model::Digest;
use headstart_sys::positioned::write_all_at;
use serde::{Deserialize, Serialize};
use url::Url;

use super::extents::Extents;
use super::validator::Validator;

/// Room for one record. There are two, written in turn, so that a record broken by a power cut leaves the one before.
const SLOT_BYTES: usize = 16 * 1024;
/// The most ranges in a record: with two lists of numbers of 20 digits it fits its slot. Those beyond are fetched again.
const RANGES_MAX: usize = 128;
/// Hexadecimal digits of the digest in front of a record, and the blank behind it.
const DIGEST_CHARACTERS: usize = 2 * Digest::LEN + 1;

/// A state that cannot be read means that the download starts over.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Record {
    /// Grows with each record.
    pub(super) sequence: u64,
    /// Digest of the address without its query and user name, which may be secret and change when a URL is signed anew.
    pub(super) source: Digest,
    /// The strong validator that the bytes belong to.
    validator: String,
    /// Length of the whole file, if the server named it.
    pub(super) total_bytes: Option<u64>,
    /// The start of the machine in which `written` was true.
    pub(super) boot: Option<String>,
    /// What was handed to the system.
    written: Extents,
    /// What survives a power cut.
    durable: Extents,
}

impl Record {
    pub(super) fn new(source: Digest, validator: &Validator, total_bytes: Option<u64>) -> Self {
        Self {
            sequence: 0,
            source,
            validator: validator.as_str().to_owned(),
            total_bytes,
            boot: headstart_sys::boot::boot_id().map(str::to_owned),
            written: Extents::default(),
            durable: Extents::default(),
        }
    }

    pub(super) fn validator(&self) -> Option<Validator> {
        Validator::parse(&self.validator)
    }

    /// The bytes that can be relied on: what was written, unless the machine was started anew since.
    pub(super) fn reliable(&self) -> &Extents {
        let same_boot =
            self.boot.is_some() && self.boot.as_deref() == headstart_sys::boot::boot_id();
        if same_boot { &self.written } else { &self.durable }
    }

    /// Goes on with what can be relied on: what is written now, and what of it survives a power cut.
    pub(super) fn resume(&mut self) -> (Extents, Extents) {
        self.written = self.reliable().clone();
        self.boot = headstart_sys::boot::boot_id().map(str::to_owned);
        (self.written.clone(), self.durable.clone())
    }

    pub(super) fn set(&mut self, written: &Extents, durable: &Extents) {
        self.sequence += 1;
        self.written = written.head(RANGES_MAX);
        self.durable = durable.head(RANGES_MAX);
    }

    fn is_well_formed(&self) -> bool {
        self.written.is_well_formed() && self.durable.is_well_formed()
    }
}

/// The file of records, open for writing.
#[derive(Debug)]
pub(super) struct StateFile(File);

impl StateFile {
    /// A new one; what was there is replaced.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        OpenOptions::new().write(true).create(true).truncate(true).open(path).map(Self)
    }

    /// One that [`read`] has read.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new().write(true).open(path).map(Self)
    }

    /// Writes a record into its slot: one call of the system, which a kill does not divide.
    pub(super) fn write(&self, record: &Record) -> io::Result<()> {
        let text = serde_json::to_string(record).expect("plain fields");
        let line = format!("{} {text}\n", Digest::of(text.as_bytes()));
        write_all_at(&self.0, line.as_bytes(), (record.sequence % 2) * SLOT_BYTES as u64)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// The newest record that is whole; none when there is none.
pub(super) fn read(path: &Path) -> io::Result<Option<Record>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(2 * SLOT_BYTES as u64).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let records = bytes.chunks(SLOT_BYTES).filter_map(parse);
    Ok(records.max_by_key(|record| record.sequence))
}

fn parse(slot: &[u8]) -> Option<Record> {
    let line = slot.split(|byte| *byte == b'\n').next()?;
    let (digest, text) = line.split_at_checked(DIGEST_CHARACTERS)?;
    let digest: Digest = std::str::from_utf8(digest).ok()?.trim_end().parse().ok()?;
    if Digest::of(text) != digest {
        return None;
    }
    serde_json::from_slice::<Record>(text).ok().filter(Record::is_well_formed)
}

/// What tells one source from another: the address without its query, see [`Record::source`].
pub(super) fn source_digest(url: &Url) -> Digest {
    Digest::of(format!("{}{}", url.origin().ascii_serialization(), url.path()).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let validator = Validator::parse("\"one\"").expect("a tag");
        Record::new(Digest::of(b"source"), &validator, Some(9))
    }

    fn extents(end: u64) -> Extents {
        let mut extents = Extents::default();
        extents.insert(0, end);
        extents
    }

    #[test]
    fn the_newest_whole_record_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        assert!(read(&path).expect("readable").is_none());
        let (file, mut record) = (StateFile::create(&path).expect("writable"), record());
        for end in 1..=5 {
            record.set(&extents(end), &extents(0));
            file.write(&record).expect("writable");
        }
        let found = read(&path).expect("readable").expect("a record");
        assert_eq!((found.sequence, found.reliable().bytes()), (5, 5));
        // A power cut breaks the fifth: the fourth is still there.
        write_all_at(&file.0, b"####", SLOT_BYTES as u64 + 70).expect("writable");
        let found = read(&path).expect("readable").expect("a record");
        assert_eq!((found.sequence, found.reliable().bytes()), (4, 4));
    }

    #[test]
    fn after_a_new_start_of_the_machine_only_synced_bytes_count() {
        let mut record = record();
        record.set(&extents(7), &extents(3));
        record.boot = Some("another start".to_owned());
        assert_eq!(record.reliable().bytes(), 3);
        record.boot = None;
        assert_eq!(record.reliable().bytes(), 3);
    }

    #[test]
    fn the_longest_record_fits_its_slot() {
        let mut many = Extents::default();
        for number in 0..1000 {
            many.insert(u64::MAX - 2 * number - 1, u64::MAX - 2 * number);
        }
        let mut record = record();
        record.validator = format!("\"{}\"", "x".repeat(1000));
        record.set(&many, &many);
        let text = serde_json::to_string(&record).expect("plain fields");
        assert!(text.len() + DIGEST_CHARACTERS + 1 < SLOT_BYTES, "{}", text.len());
    }
}
