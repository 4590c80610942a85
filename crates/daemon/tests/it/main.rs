//! The real service: real processes, real sockets, a real server on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::manual_assert,
    clippy::needless_for_each,
    clippy::needless_pass_by_value,
    clippy::redundant_closure_for_method_calls,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "a test fails by panicking, on the machines that run it"
)]
#![allow(missing_docs, unreachable_pub, reason = "nobody uses a test")]
#![allow(clippy::print_stderr, reason = "a failing seed is printed")]

mod ahead;
mod app_files;
mod app_versions;
mod bad_input;
mod child;
mod device;
mod downloads;
mod extension;
mod files;
mod kill;
mod languages;
mod launcher;
mod local_pack;
mod mirrors;
mod plain_manifest;
mod planning;
mod private;
mod publisher;
mod readme;
mod real_input;
mod releases;
mod repair;
mod skip;
mod storm;
mod story;
