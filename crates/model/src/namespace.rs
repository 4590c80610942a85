//! The namespace snapshot: everything that an app can read at one moment, as one immutable file to
//! map into memory.
//!
//! An app's packs share one tree of paths (`Spec: concepts 5.1`). Each time what can be read
//! changes, the service writes the next *generation*: which packs are there, where their folders
//! lie, and every path with the pack that has it. An app maps the newest snapshot and finds files
//! in it without asking the service; the shared lock that it holds on the file is the lease that
//! keeps everything named in it on disk.
//!
//! [`Builder`] writes a snapshot, [`Snapshot`] looks things up straight in its bytes.
//! `docs/format/namespace.md` says every byte.
//!
//! Where several packs have the same path, all are found, in the byte order of the packs' ids, and
//! a lookup that names no pack gives the first. `Ours:` the specification leaves the choice
//! undefined (`Spec: api 2`).

use crate::PackVersion;

mod build;
mod children;
mod collisions;
mod error;
mod layout;
mod lookup;
mod read;

pub use build::{Builder, NewPack};
pub use children::Children;
pub use collisions::Collision;
pub use error::{BuildError, SnapshotError};
pub use read::Snapshot;

/// The name of the file, in an app's namespace folder, that holds the newest generation as decimal
/// text.
///
/// `Ours:` a reader opens it, then the snapshot, locks that, and reads this again: if it changed in
/// between, the snapshot may already have been given up, and the reader begins anew.
pub const CURRENT_FILE: &str = "current";

/// The name of the snapshot file of `generation` in an app's namespace folder.
#[must_use]
pub fn file_name(generation: u64) -> String {
    format!("{generation}.ns")
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A regular file.
    File {
        /// Its length.
        size_bytes: u64,
        /// Whether it may be executed.
        executable: bool,
    },
}

/// A pack of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pack<'a> {
    /// Its id.
    pub id: &'a str,
    /// The version that can be read.
    pub version: PackVersion,
    /// Its language tag; none when it is not localized.
    pub language: Option<&'a str>,
    /// Its folder: a path below the home, parts joined by `/`, never leaving the home.
    pub root: &'a str,
    /// Bytes of all its files.
    pub installed_bytes: u64,
    /// Number of its files.
    pub file_count: u64,
}

/// A path of a snapshot, in one pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The path, as in [`PackPath`](crate::PackPath); it never leaves the pack's folder.
    pub path: &'a str,
    /// What stands there.
    pub kind: EntryKind,
    /// The pack that has it.
    pub pack: Pack<'a>,
}

#[cfg(test)]
mod tests;
