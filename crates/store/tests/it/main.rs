//! Versions on disk: built, resumed, reused, switched, removed.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "a test fails by panicking, on the machines that run it"
)]
#![allow(missing_docs, unreachable_pub, reason = "nobody uses a test")]

mod assembly;
mod consume;
mod heal;
mod namespaces;
mod opened;
mod reuse;
mod world;
