//! Why a manifest cannot be applied to a folder.

use std::io;
use std::path::PathBuf;

use headstart_model::{PackPath, PathError};

use crate::limits::ENTRIES_MAX;

/// Why the files of a manifest could not be selected. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// The source root is not there, or is no folder.
    #[error("the source root `{}` is not a folder that can be read", .path.display())]
    SourceRoot {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A selector for which there is nothing.
    #[error("`{key}` `{selector}` matches nothing in `{}`", .root.display())]
    NothingMatches {
        /// The key of the selector.
        key: &'static str,
        /// What it selects.
        selector: String,
        /// The source root.
        root: PathBuf,
    },
    /// A selector for a file that names a folder, or the other way round.
    #[error("`{key}` `{selector}` is {found}; select it with `{instead}`")]
    WrongKind {
        /// The key of the selector.
        key: &'static str,
        /// What it selects.
        selector: String,
        /// What is there.
        found: &'static str,
        /// The key to use.
        instead: &'static str,
    },
    /// A link, device, pipe or socket. Links are never followed: what a pack holds must not depend on what lies elsewhere.
    #[error("`{}` is {kind}; a pack holds regular files and folders only: replace it, or leave it out with `fileExclusion`", .path.display())]
    NotRegular {
        /// Where it lies.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// A name that is not Unicode.
    #[error("the name of `{}` is not Unicode text; rename it", .path.display())]
    NotUnicode {
        /// Where it lies; shown with replacement characters.
        path: PathBuf,
    },
    /// A name that a pack cannot hold.
    #[error("`{}` cannot go into a pack under its name; rename it or give it a destination", .path.display())]
    Path {
        /// Where it lies.
        path: PathBuf,
        /// The rule that the name breaks.
        #[source]
        source: PathError,
    },
    /// Two things for one place in the pack.
    #[error("`{path}` in the pack comes from both `{}` and `{}`", .first.display(), .second.display())]
    TwoSources {
        /// The place in the pack.
        path: PackPath,
        /// What was selected first.
        first: PathBuf,
        /// What was selected then.
        second: PathBuf,
    },
    /// Two paths that some platform would store as one.
    #[error(
        "`{first}` and `{second}` differ by case only, so not every platform can store both; rename one"
    )]
    CaseOnly {
        /// The path that was selected first.
        first: PackPath,
        /// The other.
        second: PackPath,
    },
    /// A file or folder that cannot be read.
    #[error("cannot read `{}`", .path.display())]
    Read {
        /// Where it lies.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// More than a pack can hold.
    #[error("more than {limit} files and folders are selected; divide them among several packs", limit = ENTRIES_MAX)]
    TooMany,
}
