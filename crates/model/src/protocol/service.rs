//! `io.headstart.Service`: meeting the service, and running it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::method::method;
use crate::{AppId, Language};

/// The newest protocol that this program speaks.
pub const PROTOCOL_NEWEST: u32 = 1;

/// The oldest protocol that this program speaks. `Ours:` two back from the newest are kept, so that
/// an app that was built earlier meets a newer service.
pub const PROTOCOL_OLDEST: u32 = 1;

/// The protocol to speak with a peer that speaks `oldest` to `newest`: the newest that both know,
/// or none.
#[must_use]
pub fn common_protocol(oldest: u32, newest: u32) -> Option<u32> {
    let common = newest.min(PROTOCOL_NEWEST);
    (common >= oldest.max(PROTOCOL_OLDEST)).then_some(common)
}

/// A secret that tells the service which app a process is; a launcher hands it to an app that is
/// run by an interpreter.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AppToken(String);

impl AppToken {
    /// A token from its text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The token's text: to be passed on, never to be logged.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }
}

/// Says nothing of the secret, so that no log line can.
impl fmt::Debug for AppToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppToken")
    }
}

/// The first call of each connection: who meets whom, in which protocol, over which home.
///
/// Fails with `conflict` where the two have different homes: a client that goes on would install
/// into another device's folders than it reads from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hello {
    /// The oldest protocol that the client speaks.
    pub oldest_protocol: u32,
    /// The newest protocol that the client speaks.
    pub newest_protocol: u32,
    /// The client's home folder, absolute.
    pub home: String,
    /// What the client calls itself; for logs.
    pub client_name: String,
    /// The client's process, as it sees it; for logs. The kernel says which process it really is.
    pub client_pid: u32,
    /// The app that the process says it is. Believed only of apps that were installed for
    /// development.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// The token that a launcher gave to the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_token: Option<AppToken>,
    /// What the person before the process reads, best first; empty when it cannot tell. `Ours:` what a process of an app says
    /// counts for that app, what others say only where the service itself knows nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<Language>,
}

/// What the service answers to a [`Hello`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// The protocol to speak from here on.
    pub protocol: u32,
    /// Version of the service's program.
    pub service_version: String,
    /// The service's home folder, absolute.
    pub home: String,
    /// The service's process.
    pub pid: u32,
    /// Seconds since it started.
    pub uptime_seconds: u64,
    /// The app that the service takes the client for; none when it is no app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
}

method!(Hello, "io.headstart.Service.Hello", One, Welcome);

/// How the service is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {}

/// What the service answers to [`Status`]. The fields are those of `service status`. `Spec: cli`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    /// The service's process.
    pub pid: u32,
    /// Version of its program.
    pub version: String,
    /// Its home folder, absolute.
    pub home: String,
    /// Seconds since it started.
    pub uptime_seconds: u64,
}

method!(Status, "io.headstart.Service.Status", One, ServiceStatus);

/// Ends the service. It answers at once, finishes what must not be interrupted, and closes every
/// connection when it is gone: who wants to know waits for the end of this connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {}

/// What the service answers to [`Stop`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopping {}

method!(Stop, "io.headstart.Service.Stop", One, Stopping);
