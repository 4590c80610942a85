//! What has arrived: one record of fixed length for each chunk, appended after its bytes were written.
//!
//! The journal is not synced: it is a hint about what to read again, and each hint is checked against the bytes on disk.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use headstart_model::Digest;
use headstart_sys::{Action, FileError};

use crate::error::StoreError;
use crate::numbers::size;

const RECORD_BYTES: usize = 4 + Digest::LEN;

#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the journal at `path` for `content`, with the chunks that it notes. When it belongs to another content, or is
    /// none, `begin_anew` is called and it begins empty.
    pub(super) fn open(
        path: &Path,
        content: &Digest,
        begin_anew: impl FnOnce() -> Result<(), FileError>,
    ) -> Result<(Self, Vec<(u32, Digest)>), StoreError> {
        let error = |action| move |source| FileError::new(action, path, source);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(error(Action::Open))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(error(Action::Read))?;
        let noted: Vec<_> = if let Some(records) = bytes.strip_prefix(content.as_bytes()) {
            records.as_chunks::<RECORD_BYTES>().0.iter().map(record).collect()
        } else {
            begin_anew()?;
            file.set_len(0).map_err(error(Action::Write))?;
            file.seek(SeekFrom::Start(0)).map_err(error(Action::Write))?;
            file.write_all(content.as_bytes()).map_err(error(Action::Write))?;
            Vec::new()
        };
        // A record that was cut off by a crash is overwritten.
        let end = Digest::LEN + noted.len() * RECORD_BYTES;
        file.seek(SeekFrom::Start(size(end))).map_err(error(Action::Write))?;
        Ok((Self { path: path.to_owned(), file }, noted))
    }

    /// Notes chunks whose bytes are written.
    pub(super) fn note(&mut self, chunks: &[(u32, Digest)]) -> Result<(), StoreError> {
        let records = chunks
            .iter()
            .flat_map(|(chunk, name)| chunk.to_le_bytes().into_iter().chain(*name.as_bytes()));
        let records: Vec<u8> = records.collect();
        self.file
            .write_all(&records)
            .map_err(|error| FileError::new(Action::Write, &self.path, error).into())
    }

    /// Forgets everything: whoever opens the journal next begins anew.
    pub(super) fn forget(&self) -> Result<(), StoreError> {
        let forgotten = self.file.set_len(0).and_then(|()| self.file.sync_all());
        forgotten.map_err(|error| FileError::new(Action::Write, &self.path, error).into())
    }

    /// Lets go of the file.
    pub(super) fn close(self) {
        drop(self);
    }
}

fn record(bytes: &[u8; RECORD_BYTES]) -> (u32, Digest) {
    let [a, b, c, d, name @ ..] = *bytes;
    (u32::from_le_bytes([a, b, c, d]), Digest::from_bytes(name))
}
