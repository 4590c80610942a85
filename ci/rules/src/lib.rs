//! The rules of this workspace that no compiler checks, as functions over plain values; the tests in `tests/it` apply them to
//! the workspace itself.
//!
//! - [`floors`]: a crate uses only what `ci/floors.toml` lets it use.
//! - [`dependencies`]: licences and bans of `deny.toml`, for every dependency.
//! - [`forbidden`]: text that no committed file may contain (`ci/forbidden.toml`).
//! - [`citations`]: a cited section of `docs/spec` exists.
//! - [`codes`]: `docs/errors.md` has every stable error code, and no other; `docs/spec/api.md` says which are never given.
//! - [`manifests`]: every crate takes the workspace's lints, and stricter clippy files repeat the common settings.
//! - [`pages`]: links between pages lead somewhere, and source files that pages name exist.
//! - [`rows`]: `docs/spec/tests.md` has a test for each row of certain tables.
//! - [`size`]: a `lib.rs` is a table of contents, and `crates/compat` is thin.
//!
//! Every check returns what it found as [`Finding`]s, and each has tests that show it finding something.

pub mod citations;
pub mod codes;
pub mod dependencies;
mod finding;
pub mod floors;
pub mod forbidden;
pub mod manifests;
pub mod pages;
pub mod rows;
pub mod size;
mod workspace;

pub use finding::{Finding, report};
pub use workspace::{Member, Workspace, WorkspaceError};
