//! Files of a version that were handed over to somebody: they are not there any more, and are not missed.

use std::collections::BTreeMap;
use std::path::Path;

use headstart_model::PackPath;
use headstart_sys::mode::Mode;
use headstart_sys::{Action, FileError, durable};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

/// The list of them, in the folder of the version: JSON, by path.
pub(crate) const CONSUMED: &str = "consumed.json";

/// How far handing a file over has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Progress {
    /// It was begun: the file is in the pack, or where it is handed over.
    Begun,
    /// It lay where it is handed over. What is still in the pack is there for readers who hold an older generation.
    Done,
}

pub(crate) type Consumed = BTreeMap<PackPath, Progress>;

/// The files of the version in `folder` that were handed over, by path. A list that is damaged is none: the files are missed then, and a
/// repair brings them again.
///
/// # Errors
/// [`StoreError`] when the list cannot be read.
pub(crate) fn read(folder: &Path) -> Result<Consumed, StoreError> {
    let path = folder.join(CONSUMED);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Consumed::new()),
        Err(error) => return Err(FileError::new(Action::Read, path, error).into()),
    };
    Ok(serde_json::from_slice(&bytes).unwrap_or_else(|error| {
        tracing::warn!(%error, path = %path.display(), "what was handed over is not known any more");
        Consumed::new()
    }))
}

/// Notes how far a file has come. Durable.
///
/// # Errors
/// [`StoreError`] when the list cannot be read or written.
pub(crate) fn note(folder: &Path, file: &PackPath, progress: Progress) -> Result<(), StoreError> {
    let mut files = read(folder)?;
    if files.insert(file.clone(), progress) != Some(progress) {
        let bytes = serde_json::to_vec(&files).expect("paths are what JSON can hold");
        durable::write_file(&folder.join(CONSUMED), &bytes, Mode::PRIVATE)?;
    }
    Ok(())
}
