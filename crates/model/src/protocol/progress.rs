//! How far something is.

use serde::{Deserialize, Serialize};

use crate::{Failure, PackId};

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Phase {
    /// The app's own files are registered or copied.
    Files,
    /// The app is being set up: trust, catalog, database.
    Install,
    /// Essential packs are downloaded.
    Essential,
    /// Packs are downloaded that nothing waits for but the caller.
    Download,
    /// Installed files are read and compared.
    Verify,
    /// Damaged files are fetched again.
    Repair,
}

/// How far something is. The fields are those of the command line's progress events. `Spec: cli`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// The pack that it is being done to; none when it is several at once, or no pack.
    pub pack: Option<PackId>,
    /// Bytes done.
    pub bytes_done: u64,
    /// Bytes in all.
    pub bytes_total: u64,
    /// Bytes done in a second, over the last seconds.
    pub bytes_per_second: u64,
    /// Seconds until it is done; none when nobody can tell.
    pub eta_seconds: Option<u64>,
    /// The share that is done, 0 to 1; never falls within one call.
    pub fraction: f64,
}

/// A pack for which something failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackFailure {
    /// The pack.
    pub pack: PackId,
    /// What failed.
    pub failure: Failure,
}
