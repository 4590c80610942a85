//! What can be wrong with a snapshot.

use crate::{PackId, PackPath};

/// A file is not a namespace snapshot, or a damaged one. The service writes a new one when it is
/// asked to verify.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It does not begin like one.
    #[error("the file is no namespace snapshot")]
    Magic,
    /// A format that this program does not know.
    #[error("the namespace snapshot has format {format}; this program reads format 1")]
    Format {
        /// The format that it names.
        format: u32,
    },
    /// Shorter or longer than its header says.
    #[error(
        "the namespace snapshot has {actual_bytes} bytes where its header says {expected_bytes}"
    )]
    Length {
        /// Bytes that the header says; for a file without a whole header, those of a header.
        expected_bytes: u64,
        /// Bytes that are there.
        actual_bytes: u64,
    },
    /// A record points out of the file, or says something that cannot be.
    #[error("{what} {index} of the namespace snapshot is damaged")]
    Record {
        /// Which table.
        what: &'static str,
        /// Which record of the table.
        index: u32,
    },
    /// The bytes do not have the digest of the header.
    #[error("the namespace snapshot does not have the digest that its header says")]
    Digest,
}

/// Why packs cannot be written as a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A pack was given twice.
    #[error("pack `{id}` stands in the namespace twice")]
    DuplicatePack {
        /// The pack.
        id: PackId,
    },
    /// A pack has a path twice, or one path is both a file and a folder of it.
    #[error("pack `{id}` has the path `{path}` twice")]
    DuplicatePath {
        /// The pack.
        id: PackId,
        /// The path.
        path: PackPath,
    },
    /// The folder of a pack is not a path below the home.
    #[error("`{root}` is no folder below the home, so pack `{id}` cannot lie there")]
    Root {
        /// The pack.
        id: PackId,
        /// The folder as given.
        root: String,
    },
    /// More than the format can count.
    #[error("the namespace is too large: more than {limit} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much of it there may be.
        limit: u64,
    },
}
