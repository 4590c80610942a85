//! Bringing the content of one file to another place as cheaply as the file system can.

mod outcome;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io;
use std::path::Path;

pub use outcome::{Allowed, CloneError, Cloned, ClonedUnchanged};

use crate::error::{Action, FileError};
use crate::identity::FileStamp;

/// Makes `to`, which must not exist, a file with the content and permissions of `from`.
///
/// A reflink is always tried first; `allowed` says what may follow. Not durable by itself:
/// the tree that `to` lies in is synced before it is published.
///
/// # Errors
/// [`CloneError::NotAllowed`] if only a way that `allowed` leaves out would do;
/// [`CloneError::File`] if `from` is missing or no regular file (a link is not followed),
/// if `to` exists, or if the disk is full. `to` does not exist afterwards, unless it did before.
pub fn clone_file(from: &Path, to: &Path, allowed: Allowed) -> Result<Cloned, CloneError> {
    let source = open_regular(from)?;
    clone_opened(&source, from, to, allowed)
}

/// As [`clone_file`], but only if `from` is still in the state in which it was verified.
///
/// The state is compared before and after, on the file that was opened, so that a file which is
/// exchanged or written meanwhile is not passed off as the verified one.
///
/// # Errors
/// [`CloneError::Changed`] if the stamp differs: the caller reads and hashes instead; else as
/// [`clone_file`].
pub fn clone_unchanged(
    from: &Path,
    expected: &FileStamp,
    to: &Path,
    allowed: Allowed,
) -> Result<ClonedUnchanged, CloneError> {
    let changed = || CloneError::Changed { path: from.to_owned() };
    let source = open_regular(from)?;
    if stamp_of(&source, from)? != *expected {
        return Err(changed());
    }
    let how = clone_opened(&source, from, to, allowed)?;
    let result = check_clone(&source, from, to, how).and_then(|(source_stamp, target)| {
        let unchanged = match how {
            // The link itself moved the change time; content and file must be as they were.
            Cloned::HardLink => {
                FileStamp { changed_ns: expected.changed_ns, ..source_stamp } == *expected
            }
            Cloned::Reflink | Cloned::Copied { .. } => source_stamp == *expected,
        };
        if unchanged {
            Ok(ClonedUnchanged { how, source: source_stamp, target })
        } else {
            Err(changed())
        }
    });
    if result.is_err() {
        // A clone of something else than was verified must not stay; the first error is the one told.
        let _ = fs::remove_file(to);
    }
    result
}

/// Fills the empty open file `to` with the content of the open file `from`: a reflink where the
/// file system can, else a copy. Permissions are the caller's.
///
/// For files opened through [`crate::beneath`] or [`crate::durable::DurableFile`], where going by
/// name would open the way for links.
///
/// # Errors
/// The system's error; `to` may then hold part of the content.
pub fn clone_content(from: &File, to: &File) -> io::Result<Cloned> {
    match reflink_copy::reflink_file(from, to) {
        Ok(()) => Ok(Cloned::Reflink),
        Err(error) if is_final(&error) => Err(error),
        Err(_) => copy_content(from, to).map(|bytes| Cloned::Copied { bytes }),
    }
}

fn clone_opened(
    source: &File,
    from: &Path,
    to: &Path,
    allowed: Allowed,
) -> Result<Cloned, CloneError> {
    let failed = |error| CloneError::File(FileError::new(Action::Clone, to, error));
    let mut refusal = match reflink_copy::reflink_file_to_path(source, to) {
        Ok(()) => return Ok(Cloned::Reflink),
        Err(error) if is_final(&error) => return Err(failed(error)),
        Err(error) => error,
    };
    if allowed.hard_link() {
        refusal = match link_to(source, from, to) {
            Ok(()) => return Ok(Cloned::HardLink),
            Err(error) if is_final(&error) => return Err(failed(error)),
            Err(error) => error,
        };
    }
    if allowed.copy() {
        return copy_to(source, to).map(|bytes| Cloned::Copied { bytes }).map_err(failed);
    }
    Err(CloneError::NotAllowed { path: from.to_owned(), source: refusal })
}

/// Errors that another way of cloning would meet again.
fn is_final(error: &io::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, NotFound, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(
        error.kind(),
        AlreadyExists | NotFound | QuotaExceeded | ReadOnlyFilesystem | StorageFull
    )
}

/// Hard links are made by name, so the name may have been given to another file since it was
/// opened: what was linked is compared with what was opened.
fn link_to(source: &File, from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    let linked = fs::symlink_metadata(to).map(|metadata| FileStamp::of(&metadata))?;
    if linked.is_same_file(&FileStamp::of_file(source)?) {
        return Ok(());
    }
    fs::remove_file(to)?;
    Err(io::Error::other("the file was exchanged while it was being linked"))
}

fn copy_to(source: &File, to: &Path) -> io::Result<u64> {
    let target = File::create_new(to)?;
    let copied = copy_content(source, &target)
        .and_then(|bytes| target.set_permissions(source.metadata()?.permissions()).map(|()| bytes));
    if copied.is_err() {
        // Half a copy must not stay; why it failed is what counts.
        let _ = fs::remove_file(to);
    }
    copied
}

/// `io::copy` lets the kernel move the bytes. Its cursor starts wherever `from` was left, hence
/// the rewind.
fn copy_content(from: &File, to: &File) -> io::Result<u64> {
    use std::io::{Seek as _, copy};
    let (mut from, mut to) = (from, to);
    from.rewind()?;
    copy(&mut from, &mut to)
}

fn check_clone(
    source: &File,
    from: &Path,
    to: &Path,
    how: Cloned,
) -> Result<(FileStamp, FileStamp), CloneError> {
    let source_stamp = stamp_of(source, from)?;
    let target = FileStamp::of_path(to)?;
    let same_length = target.size_bytes == source_stamp.size_bytes;
    if same_length && (how != Cloned::HardLink || target.is_same_file(&source_stamp)) {
        Ok((source_stamp, target))
    } else {
        Err(CloneError::Changed { path: from.to_owned() })
    }
}

fn stamp_of(file: &File, path: &Path) -> Result<FileStamp, FileError> {
    FileStamp::of_file(file).map_err(FileError::at(Action::Read, path))
}

fn open_regular(path: &Path) -> Result<File, FileError> {
    let refuse = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
    let open = || {
        // Looked at by name first, since opening a device or a pipe has effects of its own.
        if !fs::symlink_metadata(path)?.is_file() {
            return Err(refuse("it is not a regular file"));
        }
        let file = open_itself(path)?;
        if file.metadata()?.is_file() { Ok(file) } else { Err(refuse("it is not a regular file")) }
    };
    open().map_err(FileError::at(Action::Open, path))
}

#[cfg(unix)]
fn open_itself(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)
}

#[cfg(not(unix))]
fn open_itself(path: &Path) -> io::Result<File> {
    File::open(path)
}
