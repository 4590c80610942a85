//! Headers for the servers of an app.

use serde::{Deserialize, Serialize};

use super::method;
use crate::{AppId, Headers, ServerOrigin};

/// Gives a server of the app the headers that it wants, such as a token, in place of those that it got; none take them away. They are
/// kept, and sent to that server and no other; what waits for it is tried again at once. `Spec: cli`, the device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetServerHeaders {
    /// The app, for administrative callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// Any address of the server; none for the one that the app's repository or manifest lies on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The headers.
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
}

/// They are on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerHeadersSet {
    /// The server: scheme, host and port.
    pub server: ServerOrigin,
}

method!(SetServerHeaders, "io.headstart.Packs.SetServerHeaders", One, ServerHeadersSet);
