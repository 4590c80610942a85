//! Links to files and folders, for folders of our own that show files which lie elsewhere.

use std::io;
use std::path::Path;

use crate::error::{Action, FileError};

/// Makes `link` a symbolic link to the folder `target`, which is taken as it is written: relative to the folder of `link`.
///
/// On Windows this needs a right that not every user has; what follows from an error is the caller's to decide. Written,
/// not run there.
///
/// # Errors
/// [`FileError`], of kind `AlreadyExists` if something is at `link`.
pub fn link_folder(target: &Path, link: &Path) -> Result<(), FileError> {
    symlink(target, link).map_err(FileError::at(Action::Create, link))
}

/// As [`link_folder`], to a file. On Windows, where the right is missing, a second name of the file
/// instead.
///
/// # Errors
/// As [`link_folder`].
pub fn link_file(target: &Path, link: &Path) -> Result<(), FileError> {
    symlink_file(target, link).map_err(FileError::at(Action::Create, link))
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(unix)]
use symlink as symlink_file;

#[cfg(windows)]
fn symlink_file(target: &Path, link: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(target, link).or_else(|_| std::fs::hard_link(target, link))
}

#[cfg(not(any(unix, windows)))]
use symlink as symlink_file;

#[cfg(windows)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_dir(target, link)
}

#[cfg(not(any(unix, windows)))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn files_of_the_target_are_seen_through_the_link() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("target")).unwrap();
        std::fs::write(folder.path().join("target/file"), "x").unwrap();
        let link = folder.path().join("link");
        link_folder(Path::new("target"), &link).unwrap();
        assert_eq!(std::fs::read(link.join("file")).unwrap(), b"x");
        link_file(&folder.path().join("target/file"), &folder.path().join("file")).unwrap();
        assert_eq!(std::fs::read(folder.path().join("file")).unwrap(), b"x");
        let again = link_folder(Path::new("target"), &link).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    }
}
