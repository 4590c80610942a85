//! Where an output goes that is named through a symbolic link.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::folder_of;
use crate::error::{Action, FileError};

/// More links in a row are a circle: as many as Linux follows.
const LINKS_MAX: usize = 40;

/// The path that a file named `path` is written at: where the symbolic link there leads to, whether something is there or
/// not; `path` itself where there is no link. A [`DurableFile`](super::DurableFile) of it leaves the link as it is.
///
/// Ours: a person who links an output to another place means that place. Only what a person named is followed: a link in a
/// folder of ours is replaced like a file.
///
/// # Errors
/// [`FileError`] if a link cannot be read, or the links lead in a circle. Whether a file may be at that place is not asked.
pub fn follow_links(path: &Path) -> Result<PathBuf, FileError> {
    let mut place = path.to_owned();
    for _ in 0..=LINKS_MAX {
        let is_link = fs::symlink_metadata(&place).is_ok_and(|metadata| metadata.is_symlink());
        if !is_link {
            return Ok(place);
        }
        let target = fs::read_link(&place).map_err(FileError::at(Action::Read, &place))?;
        // An absolute target takes the place of the folder.
        place = folder_of(&place).join(target);
    }
    let circle = io::Error::new(io::ErrorKind::InvalidInput, "its links lead in a circle");
    Err(FileError::new(Action::Create, path, circle))
}
