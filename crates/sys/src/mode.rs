//! Permissions of files, in the few shapes that Headstart uses.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use crate::error::{Action, FileError};

/// Whether a file may be run as a program.
///
/// Spec: cli "Authors": a pack keeps the executable bit of its files and nothing else of their
/// permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Executable {
    /// It may be run.
    Yes,
    /// It is data.
    No,
}

/// Who may read and write a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// The owner alone reads and writes: keys, the database, the socket.
    Private,
    /// The owner writes, everybody reads.
    Shared,
    /// Everybody reads, nobody writes: installed files, which apps open by path and must not change.
    ReadOnly,
}

/// The permissions of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mode {
    /// Who may read and write it.
    pub access: Access,
    /// Whether it may be run.
    pub executable: Executable,
}

impl Mode {
    /// The owner's own data file: `0600`.
    pub const PRIVATE: Self = Self { access: Access::Private, executable: Executable::No };
    /// An ordinary data file: `0644`.
    pub const SHARED: Self = Self { access: Access::Shared, executable: Executable::No };
    /// An installed data file: `0444`.
    pub const READ_ONLY: Self = Self { access: Access::ReadOnly, executable: Executable::No };

    /// The permission bits of a Unix file.
    #[must_use]
    pub fn bits(self) -> u32 {
        match (self.access, self.executable) {
            (Access::Private, Executable::No) => 0o600,
            (Access::Private, Executable::Yes) => 0o700,
            (Access::Shared, Executable::No) => 0o644,
            (Access::Shared, Executable::Yes) => 0o755,
            (Access::ReadOnly, Executable::No) => 0o444,
            (Access::ReadOnly, Executable::Yes) => 0o555,
        }
    }

    /// Gives an open file exactly these permissions, whatever the process's file mask is.
    ///
    /// Where there are no Unix permissions only the read-only mark is set or taken.
    ///
    /// # Errors
    /// The system's error, most likely because the file belongs to somebody else.
    pub fn apply_to(self, file: &File) -> io::Result<()> {
        apply(file, self)
    }
}

impl Access {
    /// The permission bits of a Unix folder.
    #[must_use]
    pub fn folder_bits(self) -> u32 {
        match self {
            Self::Private => 0o700,
            Self::Shared => 0o755,
            Self::ReadOnly => 0o555,
        }
    }
}

/// Whether the owner may run the file. Where there is no such bit: [`Executable::No`].
#[must_use]
pub fn executable_of(metadata: &Metadata) -> Executable {
    if owner_may_run(metadata) { Executable::Yes } else { Executable::No }
}

/// Gives the file at `path` exactly the permissions of `mode`.
///
/// # Errors
/// [`FileError`] if it cannot be opened, is a symbolic link (following it would change a file
/// that nobody named), or is not ours.
pub fn set_mode(path: &Path, mode: Mode) -> Result<(), FileError> {
    open_itself(path)
        .and_then(|file| mode.apply_to(&file))
        .map_err(FileError::at(Action::SetMode, path))
}

/// Takes the right to write from everybody; the executable bit stays as it is.
///
/// # Errors
/// As [`set_mode`].
pub fn make_read_only(path: &Path) -> Result<(), FileError> {
    let change = |file: File| {
        let executable = executable_of(&file.metadata()?);
        Mode { access: Access::ReadOnly, executable }.apply_to(&file)
    };
    open_itself(path).and_then(change).map_err(FileError::at(Action::SetMode, path))
}

#[cfg(unix)]
fn open_itself(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // O_NONBLOCK: opening a pipe that somebody planted here would otherwise wait for a writer.
    OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)
}

#[cfg(not(unix))]
fn open_itself(path: &Path) -> io::Result<File> {
    if std::fs::symlink_metadata(path)?.is_symlink() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a symbolic link"));
    }
    OpenOptions::new().read(true).open(path)
}

#[cfg(unix)]
fn apply(file: &File, mode: Mode) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(mode.bits()))
}

#[cfg(not(unix))]
fn apply(file: &File, mode: Mode) -> io::Result<()> {
    let mut permissions = file.metadata()?.permissions();
    permissions.set_readonly(mode.access == Access::ReadOnly);
    file.set_permissions(permissions)
}

#[cfg(unix)]
fn owner_may_run(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn owner_may_run(_: &Metadata) -> bool {
    false
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn bits(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn read_only_keeps_the_executable_bit() {
        let folder = tempfile::tempdir().unwrap();
        let (program, data) = (folder.path().join("program"), folder.path().join("data"));
        for (path, before, after) in [(&program, 0o755, 0o555), (&data, 0o640, 0o444)] {
            fs::write(path, "x").unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(before)).unwrap();
            make_read_only(path).unwrap();
            assert_eq!(bits(path), after);
        }
        assert_eq!(executable_of(&fs::metadata(&program).unwrap()), Executable::Yes);
        assert_eq!(executable_of(&fs::metadata(&data).unwrap()), Executable::No);
    }

    #[test]
    fn a_link_is_refused_and_its_target_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "x").unwrap();
        set_mode(&target, Mode::PRIVATE).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let error = set_mode(&link, Mode::SHARED).unwrap_err();
        assert_eq!(error.path(), link);
        assert_eq!(bits(&target), 0o600);
    }
}
