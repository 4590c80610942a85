//! Why something does not happen yet.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::wire_time;

/// A fact that something waits for. `Ours:` the specification gives no reasons for a pause; here
/// each can be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// The fact's stable name, in `camelCase`: `noNetwork`, `lowDisk` …
    pub fact: String,
    /// The fact in words, for people.
    pub text: String,
    /// Since when it is so; none when nobody noted it.
    #[serde(default, with = "wire_time", skip_serializing_if = "Option::is_none")]
    pub since: Option<SystemTime>,
    /// When it is expected to change; none when nobody can tell.
    #[serde(default, with = "wire_time", skip_serializing_if = "Option::is_none")]
    pub until: Option<SystemTime>,
}
