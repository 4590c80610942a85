//! The service's own lease: what it reads for long must not be removed meanwhile.

use std::fs::File;

use headstart_sys::lock::{FileLock, Sharing};
use headstart_sys::{Action, FileError};

use super::{LivePack, Namespaces, read_packs};
use crate::error::StoreError;

/// The newest generation, held: what it names stays on disk.
#[derive(Debug)]
pub struct Lease {
    packs: Vec<LivePack>,
    _lock: FileLock,
}

impl Lease {
    /// The packs of the generation that is held, by id.
    #[must_use]
    pub fn packs(&self) -> &[LivePack] {
        &self.packs
    }
}

impl Namespaces {
    /// Takes a lease on the newest generation, as a reader does; `None` before the first switch.
    ///
    /// # Errors
    /// [`StoreError`] when the snapshot cannot be read.
    pub fn lease(&self) -> Result<Option<Lease>, StoreError> {
        loop {
            let Some(generation) = self.current()? else { return Ok(None) };
            let path = self.snapshot(generation);
            let file = match File::open(&path) {
                Ok(file) => file,
                // It was removed since it was named: a newer one is there.
                Err(error)
                    if error.kind() == std::io::ErrorKind::NotFound
                        && self.current()? != Some(generation) =>
                {
                    continue;
                }
                Err(error) => return Err(FileError::new(Action::Open, path, error).into()),
            };
            let lock = FileLock::on_file(file, &path, Sharing::Shared)?;
            if lock.is_at(&path) {
                return Ok(Some(Lease { packs: read_packs(&path)?, _lock: lock }));
            }
        }
    }
}
