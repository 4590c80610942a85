//! Two folders change places.

use std::fs;
use std::io;
use std::path::Path;

use super::{folder_of, sync_folder};
use crate::crash;
use crate::error::{Action, FileError};

/// Lets the folders at `one` and `other`, both of which exist on one file system, change places, durably.
///
/// Where the system can do it (Linux, on the usual file systems) this is one step: at no moment is either name missing.
/// Elsewhere it takes three renames, and a kill in between leaves `other` under the name `aside`, which the caller has to
/// look for. `aside` must not exist.
///
/// # Errors
/// [`FileError`] naming what could not be renamed.
pub fn exchange_folders(one: &Path, other: &Path, aside: &Path) -> Result<(), FileError> {
    crash::point("exchange.begin");
    let at_once = exchange_at_once(one, other);
    if at_once.as_ref().is_err_and(is_unsupported) {
        let rename = |from: &Path, to: &Path| {
            fs::rename(from, to).map_err(FileError::at(Action::Rename, from))
        };
        rename(other, aside)?;
        crash::point("exchange.aside");
        rename(one, other)?;
        rename(aside, one)?;
    } else {
        at_once.map_err(FileError::at(Action::Rename, one))?;
    }
    crash::point("exchange.renamed");
    let (first, second) = (folder_of(one), folder_of(other));
    sync_folder(second)?;
    if first != second {
        sync_folder(first)?;
    }
    Ok(())
}

fn is_unsupported(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput)
}

#[cfg(target_os = "linux")]
fn exchange_at_once(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(target_os = "linux"))]
fn exchange_at_once(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_folder_is_where_the_other_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["one", "other"] {
            fs::create_dir(path(name)).unwrap();
            fs::write(path(name).join("file"), name).unwrap();
        }
        exchange_folders(&path("one"), &path("other"), &path("aside")).unwrap();
        assert_eq!(fs::read_to_string(path("one/file")).unwrap(), "other");
        assert_eq!(fs::read_to_string(path("other/file")).unwrap(), "one");
        assert!(!path("aside").exists());
    }

    #[test]
    fn a_missing_folder_is_an_error_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("one")).unwrap();
        assert!(exchange_folders(&path("one"), &path("other"), &path("aside")).is_err());
        assert!(path("one").exists() && !path("aside").exists());
    }
}
