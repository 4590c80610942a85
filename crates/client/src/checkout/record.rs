//! What a checkout put into a folder.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use headstart_model::{AppId, PackVersion};
use headstart_sys::durable::write_file;
use headstart_sys::identity::FileStamp;
use headstart_sys::mode::Mode;
use headstart_sys::{Action, FileError};
use serde::{Deserialize, Serialize};

/// The name of the record in the folder of the state.
pub(super) const RECORD: &str = "checkout.json";
/// Format of the record. A later one is not read.
const FORMAT: u32 = 1;

/// What identifies a state of a file, and is not moved by a rename or by a second name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Identity {
    device: u64,
    inode: u64,
    size_bytes: u64,
    modified_ns: i64,
}

impl Identity {
    /// Of what is at `path`, a link itself; none when nothing is.
    pub(super) fn of_path(path: &Path) -> Result<Option<Self>, FileError> {
        match FileStamp::of_path(path) {
            Ok(FileStamp { device, inode, size_bytes, modified_ns, .. }) => {
                Ok(Some(Self { device, inode, size_bytes, modified_ns }))
            }
            // A folder above it became a file: then it is not there either.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// A file as it was put there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Placed {
    /// The file of the pack that it was made of.
    pub(super) source: Identity,
    /// What was put there.
    pub(super) target: Identity,
}

/// What the last checkout put into a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    format: u32,
    pub(super) app: AppId,
    pub(super) pack: String,
    /// The version; none before the first checkout has ended.
    pub(super) version: Option<PackVersion>,
    /// By path; two for a file while it is being replaced: whichever is there is ours.
    pub(super) files: BTreeMap<String, Vec<Placed>>,
    /// The folders that were made, by path.
    pub(super) folders: Vec<String>,
}

impl Record {
    pub(super) fn new(app: AppId, pack: &str) -> Self {
        let pack = pack.to_owned();
        let (files, folders) = (BTreeMap::new(), Vec::new());
        Self { format: FORMAT, app, pack, version: None, files, folders }
    }

    /// The record at `path`; none when there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, FileError> {
        let unreadable = |error| FileError::new(Action::Read, path, error);
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let invalid = |what: String| unreadable(io::Error::new(io::ErrorKind::InvalidData, what));
        let record: Self =
            serde_json::from_slice(&bytes).map_err(|error| invalid(error.to_string()))?;
        if record.format != FORMAT {
            return Err(invalid(format!("it has format {}", record.format)));
        }
        Ok(Some(record))
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), FileError> {
        let bytes = serde_json::to_vec(self).expect("a record holds only what JSON can hold");
        write_file(&folder.join(RECORD), &bytes, Mode::SHARED)
    }

    /// The file of the pack that what is at a path was made of; none when something else is there by now, or nothing.
    pub(super) fn source_of(&self, path: &str, there: Option<Identity>) -> Option<Identity> {
        let placed = self.files.get(path)?.iter();
        placed.rev().find(|placed| Some(placed.target) == there).map(|placed| placed.source)
    }
}
