//! The pack format from files to files.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "a test fails by panicking, on the machines that run it"
)]
#![allow(missing_docs, unreachable_pub, reason = "nobody uses a test")]

mod archive;
mod delta;
mod format;
mod golden;
mod world;
