//! What can be done to an installation that is going on, and to apps under development.

use serde::{Deserialize, Serialize};

use super::method;
use crate::AppId;

/// What is done to an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum InstallationAction {
    /// What it waits for stops, and keeps what it has.
    Pause,
    /// It goes on.
    Resume,
    /// It ends: a first installation is undone, an update goes on without what has not arrived.
    Cancel,
}

/// Pauses, resumes or cancels the installation of an app. `Spec: concepts 8`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlInstallation {
    /// The app.
    pub app: AppId,
    /// What to do.
    pub action: InstallationAction,
}

/// It is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controlled {}

method!(ControlInstallation, "io.headstart.Apps.ControlInstallation", One, Controlled);

/// Points an app that was installed for development at another repository or manifest. `Spec: cli`, `debug override`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// The app.
    pub app: AppId,
    /// The other place; none goes back to that of its bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The file with the first root of that repository, absolute; needed for a repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
}

/// It is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overridden {}

method!(Override, "io.headstart.Apps.Override", One, Overridden);

/// Waits for the next start of the app's extension, which then stops before its first instruction until a debugger lets it
/// go. Limits of time and memory do not hold for that run. `Spec: cli`, `debug attach`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachDebugger {
    /// The app.
    pub app: AppId,
}

/// The extension has started and waits for a debugger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// Its process.
    pub pid: u32,
    /// Its program, absolute.
    pub program: String,
}

method!(AttachDebugger, "io.headstart.Apps.AttachDebugger", One, Attached);
