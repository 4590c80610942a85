//! What can be wrong with bytes of the format, and what can go wrong while making them.

use std::path::PathBuf;

use headstart_model::{PackPath, PathError, VerifyError};

/// Bytes that are not what the format says. Nothing that was read is used further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The bytes end too early.
    #[error("{what} is cut short")]
    Truncated {
        /// What was being read.
        what: &'static str,
    },
    /// The first bytes are not those of this kind of file.
    #[error("this is not {what}")]
    Magic {
        /// What was expected.
        what: &'static str,
    },
    /// A later version of the format.
    #[error("{what} has format version {found}; this program reads version {known}")]
    Version {
        /// What was being read.
        what: &'static str,
        /// The version found.
        found: u32,
        /// The version known.
        known: u32,
    },
    /// A number above its limit: a mistake, or an attempt to make the reader use up memory.
    #[error("{what} claims {found}, the limit is {limit}")]
    Limit {
        /// The number.
        what: &'static str,
        /// Its value.
        found: u64,
        /// Its limit.
        limit: u64,
    },
    /// A rule of the format is broken.
    #[error("{what}")]
    Rule {
        /// The rule, as a sentence.
        what: &'static str,
    },
    /// A path inside breaks the rules for paths.
    #[error("the index names a path that is not allowed")]
    Path(#[from] PathError),
    /// Two entries whose paths differ by case only.
    #[error(
        "the index names `{first}` and `{second}`, which not every platform can store beside each other"
    )]
    DuplicatePath {
        /// The first of them.
        first: PackPath,
        /// The other.
        second: PackPath,
    },
    /// Bytes do not have the digest that is promised for them.
    #[error("{what} is damaged")]
    Damaged {
        /// What was being read.
        what: &'static str,
        /// How it differs.
        #[source]
        source: VerifyError,
    },
    /// Compressed data cannot be decompressed.
    #[error("block {block} cannot be decompressed")]
    Decompress {
        /// Number of the block.
        block: u64,
    },
    /// Reading failed.
    #[error("reading failed")]
    Io(#[from] std::io::Error),
}

/// Why an archive or bundle could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A source file could not be read.
    #[error("cannot read `{}`", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A source file changed while it was being packed.
    #[error("`{}` changed while it was being packed", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Writing the output failed.
    #[error("cannot write the output")]
    Write(#[source] std::io::Error),
    /// More than the format can hold.
    #[error("the pack has too many {what}: at most {limit} are possible")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// zstd failed, for want of memory as a rule.
    #[error("cannot compress a block: {reason}")]
    Compress {
        /// What zstd says.
        reason: &'static str,
    },
    /// An input in the format itself is wrong.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// Somebody cancelled it.
    #[error("cancelled")]
    Cancelled,
}
