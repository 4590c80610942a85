//! How much room there is on disk.

use std::io;
use std::path::Path;

use crate::error::{Action, FileError};

/// How many bytes this user can still write to the file system that `path` lies on, or will lie on:
/// if it does not exist, its nearest existing parent is asked.
///
/// What the system keeps for the administrator does not count. Quotas count only where the file
/// system reports them so. Ours: a figure for plans; only [`crate::positioned::preallocate`] holds.
///
/// # Errors
/// [`FileError`] if no part of the path can be asked.
pub fn available_bytes(path: &Path) -> Result<u64, FileError> {
    let path = std::path::absolute(path).map_err(FileError::at(Action::MeasureSpace, path))?;
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for place in path.ancestors() {
        match fs4::available_space(place) {
            Ok(bytes) => return Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => failure = error,
            Err(error) => return Err(FileError::new(Action::MeasureSpace, place, error)),
        }
    }
    Err(FileError::new(Action::MeasureSpace, path, failure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_will_exist_has_the_space_of_its_parent() {
        let folder = tempfile::tempdir().unwrap();
        assert!(available_bytes(folder.path()).unwrap() > 0);
        assert!(available_bytes(&folder.path().join("to/be/created")).unwrap() > 0);
    }

    #[test]
    fn a_file_in_the_middle_of_the_path_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        assert!(available_bytes(&file.join("below")).is_err());
    }
}
