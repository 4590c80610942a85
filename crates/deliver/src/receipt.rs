//! What a delivery costs, said beforehand.

use headstart_model::PackVersion;
use serde::Serialize;

/// The way that a delivery takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    /// The content is here already, under another version or name.
    Same,
    /// The delta bundle from a version that is held.
    Delta {
        /// That version.
        from: PackVersion,
    },
    /// The full bundle without the blocks of which everything is held.
    Matched,
    /// The full bundle.
    Full,
}

/// What a delivery costs from where it stands, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The way taken.
    pub way: Way,
    /// Requests for the bundle; the index was fetched already.
    pub requests: u64,
    /// Bytes still to be fetched.
    pub bytes_down: u64,
    /// Bytes of the whole transfer, those that earlier attempts fetched included.
    pub bytes_total: u64,
    /// Bytes that were fetched to know all this: the index.
    pub index_bytes_down: u64,
    /// Bytes of files that come from what is held, or were fetched by an earlier attempt.
    pub bytes_reused: u64,
    /// Bytes that will be written to files, at most: what can be cloned is not written.
    pub bytes_written: u64,
    /// Bytes of free space that are needed, at most, until the delivery has ended.
    pub peak_extra_disk: u64,
}
