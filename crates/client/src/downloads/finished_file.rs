//! The file of a download that has arrived.

use std::io;
use std::path::{Path, PathBuf};

use headstart_model::ErrorKind;
use headstart_sys::durable::rename_durably;

use crate::error::Error;

/// The file of a download that has arrived, in the container of its group until the news of it has
/// been dealt with. `Spec: concepts 11, 13`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedFile {
    path: PathBuf,
}

impl FinishedFile {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where the file lies, absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the file to `destination`, in place of what may be there, durably. The folder has to
    /// exist, and to be in the container of the download's group or elsewhere in the same file
    /// system. A moved file stays purgeable; nothing is ever copied, since a copy would not.
    /// `Spec: concepts 13`.
    ///
    /// # Errors
    /// `fileNotMoved`: of kind `usage` when `destination` is in another file system, `notFound` when
    /// the file or the folder is not there, else `internal`.
    pub fn move_to(&self, destination: &Path) -> Result<(), Error> {
        rename_durably(&self.path, destination).map_err(|error| {
            let (kind, hint) = match error.kind() {
                io::ErrorKind::CrossesDevices => {
                    (ErrorKind::Usage, "move it to a folder in the container of its group")
                }
                io::ErrorKind::NotFound => {
                    (ErrorKind::NotFound, "make the folder first; a file is handed over once")
                }
                _ => (ErrorKind::Internal, "move it to another folder"),
            };
            let text = format!("the file cannot be moved to {}", destination.display());
            Error::new(kind, "fileNotMoved", text).caused_by(&error).with_hint(hint)
        })
    }
}
