//! Removal along descriptors.

use std::ffi::{CStr, OsStr};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, fchmod, fstat, openat, renameat, unlinkat};
use rustix::io::Errno;
use rustix::path::Arg;

use super::super::folder_of;

/// Folders nested deeper are first moved up to the top of the tree. Attack: a program could nest
/// folders without end, to use up our descriptors or to make a tree that nobody can remove.
const DEPTH_LIMIT: usize = 64;

/// How often a folder that refuses to be empty is emptied again, when somebody else keeps filling it.
const ROUNDS_LIMIT: usize = 16;

pub(super) fn remove_at(path: &Path) -> io::Result<()> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path ends in no name"));
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match openat(CWD, folder_of(path), flags, Mode::empty()) {
        Ok(parent) => Ok(remove_entry(parent.as_fd(), name)?),
        Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Removes the entry `name` (one component) of the open folder `parent` with all it holds.
pub(crate) fn remove_entry(parent: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<()> {
    let Err(refused) = remove_unless_folder(parent, name)? else { return Ok(()) };
    let top = match open_folder(parent, name) {
        Ok(top) => top,
        Err(Errno::NOENT) => return Ok(()),
        // Not a folder after all: what removing it said stands.
        Err(Errno::NOTDIR | Errno::LOOP) => return Err(refused),
        Err(error) => return Err(error),
    };
    let mut removal = Removal { top, lifted: 0 };
    let mut rounds = 0;
    loop {
        let lifted_before = removal.lifted;
        removal.empty_top()?;
        match unlinkat(parent, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::NOTEMPTY | Errno::EXIST) if removal.lifted > lifted_before => {}
            Err(Errno::NOTEMPTY | Errno::EXIST) if rounds < ROUNDS_LIMIT => rounds += 1,
            Err(error) => return Err(error),
        }
    }
}

struct Removal {
    top: OwnedFd,
    /// How many folders were moved up so far: names the next one.
    lifted: u64,
}

impl Removal {
    fn empty_top(&mut self) -> rustix::io::Result<()> {
        let top = self
            .top
            .try_clone()
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::MFILE))?;
        self.empty(top.as_fd(), 0)
    }

    fn empty(&mut self, folder: BorrowedFd<'_>, depth: usize) -> rustix::io::Result<()> {
        let mut entries = Dir::read_from(folder)?;
        while let Some(entry) = entries.read() {
            let entry = entry?;
            let name = entry.file_name();
            if name != c"." && name != c".." {
                self.remove(folder, name, depth)?;
            }
        }
        Ok(())
    }

    fn remove(
        &mut self,
        folder: BorrowedFd<'_>,
        name: &CStr,
        depth: usize,
    ) -> rustix::io::Result<()> {
        let Err(refused) = remove_unless_folder(folder, name)? else { return Ok(()) };
        let inner = match open_folder(folder, name) {
            Ok(inner) => inner,
            Err(Errno::NOENT) => return Ok(()),
            Err(Errno::NOTDIR | Errno::LOOP) => return Err(refused),
            Err(error) => return Err(error),
        };
        if depth >= DEPTH_LIMIT {
            return self.lift(folder, name);
        }
        self.empty(inner.as_fd(), depth + 1)?;
        match unlinkat(folder, name, AtFlags::REMOVEDIR) {
            // Filled again meanwhile: the rounds at the top come back to it.
            Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Moves a folder to the top of the tree under a name of its own; the next round meets it there.
    fn lift(&mut self, folder: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<()> {
        for _ in 0..ROUNDS_LIMIT {
            self.lifted += 1;
            let place = format!(".headstart-lifted-{}-{}", std::process::id(), self.lifted);
            match renameat(folder, name, &self.top, place) {
                Ok(()) | Err(Errno::NOENT) => return Ok(()),
                Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Errno::EXIST)
    }
}

/// Unlinks what is not a folder. The inner error is the refusal to unlink what may be one: Linux
/// says "is a directory", other systems "not permitted".
fn remove_unless_folder<P: Arg>(
    folder: BorrowedFd<'_>,
    name: P,
) -> rustix::io::Result<Result<(), Errno>> {
    match unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(Ok(())),
        Err(error @ (Errno::ISDIR | Errno::PERM)) => Ok(Err(error)),
        Err(error) => Err(error),
    }
}

/// Opens a folder that is about to be emptied, never through a link, and lets us write in it.
fn open_folder<P: Arg + Copy>(parent: BorrowedFd<'_>, name: P) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = match openat(parent, name, flags, Mode::empty()) {
        Err(Errno::ACCESS) => {
            unlock_unreadable(parent, name)?;
            openat(parent, name, flags, Mode::empty())?
        }
        opened => opened?,
    };
    let mode = Mode::from_raw_mode(fstat(&folder)?.st_mode);
    if !mode.contains(Mode::RWXU) {
        // Not ours to change: then the removal itself says what is wrong.
        let _ = fchmod(&folder, mode | Mode::RWXU);
    }
    Ok(folder)
}

/// Lets the owner into a folder that not even the owner may read.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn unlock_unreadable<P: Arg>(parent: BorrowedFd<'_>, name: P) -> rustix::io::Result<()> {
    use std::os::fd::AsRawFd as _;

    // A descriptor that only names the folder needs no right to read it; through /proc the change
    // reaches exactly that folder, where a change by name could be led through a link.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(parent, name, flags, Mode::empty())?;
    rustix::fs::chmod(format!("/proc/self/fd/{}", folder.as_raw_fd()), Mode::RWXU)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn unlock_unreadable<P: Arg>(parent: BorrowedFd<'_>, name: P) -> rustix::io::Result<()> {
    rustix::fs::chmodat(parent, name, Mode::RWXU, AtFlags::SYMLINK_NOFOLLOW)
}
