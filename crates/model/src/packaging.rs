//! The packaging manifest: what an author writes about a pack. `Spec: packs 2`.
//!
//! It is JSON with comments (`//`, `/* */`) and trailing commas. [`PackagingManifest::parse`] is strict: what it does not
//! know it refuses, with the line, the column and what was probably meant, since a misspelled key that is silently dropped
//! costs a release. The archive holds the same manifest in its canonical form, [`PackagingManifest::to_json`].

mod document;
mod error;
mod manifest;
mod pattern;
mod policy;
mod read;
mod selector;
mod selector_path;
#[cfg(test)]
mod tests;

pub use error::{JsonProblem, ManifestError, ManifestProblem};
pub use manifest::{LAUNCH_SET_MAX, MANIFEST_BYTES_MAX, NESTING_MAX, PackagingManifest, template};
pub use pattern::Pattern;
pub use selector::FileSelector;
pub use selector_path::{PackFolder, SelectorError, SelectorPath, SourceRoot};
