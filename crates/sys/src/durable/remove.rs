//! Removing a tree, whatever is in it.

#[cfg(not(unix))]
mod portable;
#[cfg(unix)]
mod unix;

use std::path::Path;

use crate::crash;
use crate::error::{Action, FileError};

#[cfg(not(unix))]
use portable::remove_at;
#[cfg(unix)]
use unix::remove_at;
#[cfg(unix)]
pub(crate) use unix::remove_entry;

/// Removes a file, a symbolic link itself, or a folder with all it holds. Missing is done.
///
/// Follows no symbolic link, not even one that appears while it runs: on Unix it moves along
/// descriptors and not names, so a program that may write in the tree (a sandboxed extension)
/// cannot turn it against files elsewhere. Takes read-only folders and trees of any depth.
/// Not durable by itself: a removal that must not come undone is followed by a sync of the folder.
///
/// # Errors
/// [`FileError`] if something cannot be removed; the rest of the tree may be gone.
pub fn remove_tree(path: &Path) -> Result<(), FileError> {
    crash::point("remove.begin");
    remove_at(path).map_err(FileError::at(Action::Remove, path))?;
    crash::point("remove.done");
    Ok(())
}
