//! The description of an app bundle: `headstart.toml`, or an Apple-style `Info.plist`. `Spec: app-bundle 1, 3`.
//!
//! The original system ends an app whose description has a mistake, and tells one mistake at a time. `Ours:` every mistake
//! is found when the bundle is read, and all of them are told at once ([`BundleError::Problems`]).

mod bundle;
mod domain;
mod node;
mod problem;
mod property_list;
mod read;
mod restrictions;
#[cfg(test)]
mod tests;
mod toml_text;
mod validate;
mod version;

pub use bundle::{AppBundle, BackgroundAssets, ContentMode};
pub use domain::{DomainError, DomainPattern};
pub use problem::{BundleError, BundleProblem, ProblemKind, ValueError};
pub use restrictions::InitialDownloadRestrictions;
pub use version::{AppVersion, VersionError};

/// Name of our own description in the bundle's folder.
pub const TOML_FILE: &str = "headstart.toml";

/// Name of the Apple-style description in the bundle's folder.
pub const PLIST_FILE: &str = "Info.plist";

/// Most bytes of a description.
pub const DESCRIPTION_BYTES_MAX: usize = 1024 * 1024;
