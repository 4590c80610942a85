//! Versions on disk: built, resumed, reused, switched, removed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod assembly;
mod namespaces;
mod reuse;
mod world;
