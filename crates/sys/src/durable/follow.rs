//! Where an output goes that is named through a symbolic link.

use std::fs::{self, Metadata};
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
/// folder of ours is replaced like a file. The system does not see that a link is followed, so its rule for links in folders
/// of everybody is kept here, on every Unix and whatever the system is set to.
///
/// # Errors
/// [`FileError`] if a link cannot be read, of kind `InvalidInput` if the links lead in a circle, and of kind
/// `PermissionDenied` if a link lies in a folder where everybody may put files and only their owners may remove them, such
/// as `/tmp`, and is neither ours nor the folder owner's. Whether a file may be at that place is not asked.
pub fn follow_links(path: &Path) -> Result<PathBuf, FileError> {
    let mut place = path.to_owned();
    for _ in 0..=LINKS_MAX {
        let Ok(link) = fs::symlink_metadata(&place) else { return Ok(place) };
        if !link.is_symlink() {
            return Ok(place);
        }
        refuse_foreign(&place, &link)?;
        let target = fs::read_link(&place).map_err(FileError::at(Action::Read, &place))?;
        // An absolute target takes the place of the folder.
        place = folder_of(&place).join(target);
    }
    let circle = io::Error::new(io::ErrorKind::InvalidInput, "its links lead in a circle");
    Err(FileError::new(Action::Create, path, circle))
}

/// Refuses a link that somebody may have put there for others to fall for.
#[cfg(unix)]
fn refuse_foreign(place: &Path, link: &Metadata) -> Result<(), FileError> {
    use std::os::unix::fs::MetadataExt as _;
    let folder = folder_of(place);
    let folder = fs::metadata(folder).map_err(FileError::at(Action::Read, folder))?;
    let caller = rustix::process::geteuid().as_raw();
    if may_follow(folder.mode(), folder.uid(), link.uid(), caller) {
        return Ok(());
    }
    let why = "a link of somebody else, in a folder of everybody, is not followed";
    let refused = io::Error::new(io::ErrorKind::PermissionDenied, why);
    Err(FileError::new(Action::Create, place, refused))
}

#[cfg(not(unix))]
fn refuse_foreign(_: &Path, _: &Metadata) -> Result<(), FileError> {
    Ok(())
}

/// Whether `caller` may follow a link of `owner` in a folder with this mode, of `folder_owner`: what Linux asks where
/// `fs.protected_symlinks` is set.
#[cfg(unix)]
const fn may_follow(folder_mode: u32, folder_owner: u32, owner: u32, caller: u32) -> bool {
    /// Sticky, and everybody may write: as Linux, macOS and the BSDs have it.
    const OF_EVERYBODY: u32 = 0o1002;
    folder_mode & OF_EVERYBODY != OF_EVERYBODY || owner == caller || owner == folder_owner
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_link_in_a_folder_of_everybody_is_not_followed() {
        const SYSTEM: u32 = 0;
        const SOMEBODY: u32 = 1001;
        const CALLER: u32 = 1000;
        for (mode, folder_owner, owner, caller, expected) in [
            (0o41_777, SYSTEM, SOMEBODY, CALLER, false),
            (0o41_777, CALLER, SOMEBODY, CALLER, false),
            (0o41_777, CALLER, SOMEBODY, SYSTEM, false),
            (0o41_777, SYSTEM, CALLER, CALLER, true),
            (0o41_777, SYSTEM, SYSTEM, CALLER, true),
            (0o41_777, SOMEBODY, SOMEBODY, CALLER, true),
            (0o40_777, SYSTEM, SOMEBODY, CALLER, true),
            (0o41_775, SYSTEM, SOMEBODY, CALLER, true),
        ] {
            let told = may_follow(mode, folder_owner, owner, caller);
            assert_eq!(told, expected, "{mode:o} of {folder_owner}, {owner}, {caller}");
        }
    }

    #[test]
    fn a_link_of_ours_in_a_folder_of_everybody_is_followed() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        symlink("file", folder.path().join("link")).unwrap();
        let place = follow_links(&folder.path().join("link")).unwrap();
        assert_eq!(place, folder.path().join("file"));
    }
}
