//! What an app's downloader extension does and may do, for people to see.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::protocol::{Reason, wire_time};
use crate::{AppGroupId, Failure};

/// The folder that the members of an app group share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupFolder {
    /// The group.
    pub group: AppGroupId,
    /// The folder, absolute.
    pub folder: String,
}

/// An app's downloader extension. `Spec: concepts 10`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionDetails {
    /// Its program, absolute.
    pub program: String,
    /// Run time used within the present day, in milliseconds.
    pub used_milliseconds: u64,
    /// Run time that it may use in a day, in milliseconds.
    pub allowed_milliseconds: u64,
    /// Its runs since the service started, newest first; the older ones are forgotten.
    pub runs: Vec<ExtensionRun>,
    /// Why it is not asked anything at present; none when it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_back: Option<Reason>,
    /// Why its last answer was none, or was refused; none when it was good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// What an extension did from its start to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionRun {
    /// When it was started.
    #[serde(with = "wire_time")]
    pub started_at: Option<SystemTime>,
    /// How many times it was asked something.
    pub calls: u64,
    /// Time in calls, in milliseconds, as the run-time budget counts it.
    pub used_milliseconds: u64,
    /// The most anonymous memory that was seen, in bytes.
    pub peak_memory: u64,
    /// Why it ended; none while it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
}
