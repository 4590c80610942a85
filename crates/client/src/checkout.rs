//! A pack as a folder of one's own, that can be written to and follows updates.
//!
//! What was put there is recorded beside the folder, in `DEST.headstart/`, so that the next checkout knows which files somebody
//! changed since. Every file is replaced by a rename: a program that has one open is not disturbed.

mod change;
mod place;
mod record;

use std::path::Path;

use headstart_model::{ErrorKind, PackVersion};

use crate::error::Error;
use crate::namespace::Namespace;
use change::Changes;
pub(crate) use change::{PackFile, PackFiles};
use place::Place;

/// Files that a message names; of more it says how many there are.
const NAMED_MAX: usize = 10;

/// What happens to files that somebody changed, where a checkout would put another one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// Nothing is done at all: the checkout fails and names them.
    #[default]
    Refused,
    /// Every file of the pack becomes what it is in the pack. Files that the pack does not have stay.
    Allowed,
}

/// What a checkout did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkout {
    /// The version that the folder has now.
    pub version: PackVersion,
    /// Files of the pack.
    pub files: u64,
    /// Files that were written.
    pub written: u64,
    /// Files that were removed, because the pack has them no more.
    pub removed: u64,
    /// Files that somebody changed or removed and that were left so, because the pack's did not change. By path.
    pub kept: Vec<String>,
    /// Bytes that had to be copied; the others are shared with the installed pack, as clones of the file system.
    pub bytes_copied: u64,
}

/// Brings what `namespace` has of `pack` into the folder `destination`.
pub(crate) fn checkout(
    namespace: &Namespace,
    pack: &str,
    destination: &Path,
    overwrite: Overwrite,
) -> Result<Checkout, Error> {
    let version = namespace.local_version(pack)?;
    let place = Place::at(destination, namespace.home())?;
    let _alone = place.lock()?;
    let record = place.record(namespace.app(), pack, overwrite)?;
    let wanted = namespace.files_of(pack)?;
    let changes = Changes::between(&place, &record, &wanted, overwrite)?;
    if !changes.conflicts.is_empty() {
        return Err(conflict(&place, &changes.conflicts));
    }
    let (written, removed) = (changes.put.len() as u64, changes.remove.len() as u64);
    let bytes_copied = changes.make(&place, record, version, &wanted)?;
    let (files, kept) = (wanted.files.len() as u64, changes.kept);
    Ok(Checkout { version, files, written, removed, kept, bytes_copied })
}

fn conflict(place: &Place, paths: &[String]) -> Error {
    let mut named: Vec<String> =
        paths.iter().take(NAMED_MAX).map(|path| format!("`{path}`")).collect();
    if paths.len() > NAMED_MAX {
        named.push(format!("{} more", paths.len() - NAMED_MAX));
    }
    let text = format!(
        "somebody changed what the checkout would replace in {}: {}",
        place.folder().display(),
        named.join(", ")
    );
    Error::new(ErrorKind::Conflict, "checkoutConflict", text)
        .with_hint("move these files away, or let them be replaced (--force)")
}
