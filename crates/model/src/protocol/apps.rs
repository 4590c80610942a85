//! `io.headstart.Apps`: installing and launching apps.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::downloads::DownloadFailure;
use super::extension::AppExtensionInfo;
use super::method::method;
use super::packs::Trust;
use super::{PackFailure, Progress, Reason};
mod control;
mod extension_run;

pub use control::{
    AttachDebugger, Attached, ControlInstallation, Controlled, InstallationAction, Overridden,
    Override,
};
pub use extension_run::{ExtensionDetails, ExtensionRun, GroupFolder};

use crate::{AppGroupId, AppId, ChannelName, ContentRequest, Failure, Headers, Language, PackId};

/// Installs the app of a bundle. `Spec: cli`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Install {
    /// The bundle's folder, absolute.
    pub bundle: String,
    /// Copies the bundle instead of registering it where it lies.
    #[serde(default)]
    pub copy: bool,
    /// Installs it for development: a process may say itself that it is this app.
    #[serde(default)]
    pub dev: bool,
    /// Accepts a repository over plain `http://` that is not on this machine.
    #[serde(default)]
    pub insecure: bool,
    /// Headers that its repository, or the server of its manifest, wants: as with
    /// [`SetServerHeaders`](super::packs::SetServerHeaders).
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
}

/// What happens during an installation or update of an app, in this order: any progress,
/// [`Launchable`](Self::Launchable) once, any progress, [`Done`](Self::Done) once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum InstallEvent {
    /// How far it is: one progress over all phases.
    Progress(Progress),
    /// The app may be launched: each essential pack has concluded.
    Launchable(Launchable),
    /// The installation has ended well; the only reply to a call without `more`.
    Done(AppInfo),
}

/// The app may be launched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launchable {
    /// Essential packs that could not be had; they are tried again in the background. `Spec:
    /// concepts 5.1`.
    pub failed: Vec<PackFailure>,
    /// Why no catalog could be had; then nobody knows yet which packs are essential, and what is follows when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<Failure>,
    /// Essential downloads that failed; what becomes of them is the extension's business. `Spec: concepts 4.4`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub downloads: Vec<DownloadFailure>,
}

method!(Install, "io.headstart.Apps.Install", ProgressThenResult, InstallEvent);

/// Replaces an installed app by the version of a bundle. `Spec: cli`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Update {
    /// The new bundle's folder, absolute.
    pub bundle: String,
    /// Accepts a repository over plain `http://` that is not on this machine.
    #[serde(default)]
    pub insecure: bool,
}

method!(Update, "io.headstart.Apps.Update", ProgressThenResult, InstallEvent);

/// Removes an app and its packs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Uninstall {
    /// The app.
    pub app: AppId,
    /// Keeps its packs, for a later installation.
    #[serde(default)]
    pub keep_data: bool,
}

/// The app is gone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uninstalled {}

method!(Uninstall, "io.headstart.Apps.Uninstall", One, Uninstalled);

/// Every installed app.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {}

/// What the service answers to [`List`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppList {
    /// The apps, by id.
    pub apps: Vec<AppInfo>,
}

method!(List, "io.headstart.Apps.List", One, AppList);

/// An installed app in short. The fields are those of `app list`. `Spec: cli`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppInfo {
    /// The app.
    pub id: AppId,
    /// Version of the app, as its bundle says.
    pub version: String,
    /// Whether it can be launched.
    pub state: AppState,
    /// Number of essential packs and downloads that have not concluded.
    pub essential_pending: u64,
}

/// Where an app is in its life. `Spec: cli`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum AppState {
    /// Being installed or updated; essential packs have not concluded.
    Installing,
    /// Can be launched.
    Launchable,
    /// Being removed.
    Removing,
}

impl AppState {
    /// The name as it stands in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Installing => "installing",
            Self::Launchable => "launchable",
            Self::Removing => "removing",
        }
    }
}

impl fmt::Display for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One installed app in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Info {
    /// The app.
    pub app: AppId,
}

/// What the service answers to [`Info`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppDetails {
    /// The app in short.
    pub app: AppInfo,
    /// Folder of its bundle, absolute.
    pub bundle: String,
    /// Its executable, absolute.
    pub executable: String,
    /// Whether it was installed for development.
    pub dev: bool,
    /// Its app group, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_group: Option<AppGroupId>,
    /// Where its packs come from, if it has managed packs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_url: Option<String>,
    /// Copies of that, if its bundle names any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repository_mirrors: Vec<String>,
    /// The channel that it follows there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelName>,
    /// What vouches for the bytes of its packs: the least that does for any that it has or is offered. None when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
    /// Its languages; the first is the primary one.
    pub languages: Vec<Language>,
    /// The language whose packs come by themselves; none when none of those that are offered suits. `Spec: packs 9`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_language: Option<Language>,
    /// Every group that it belongs to, with the folder that the group's members share.
    #[serde(default)]
    pub groups: Vec<GroupFolder>,
    /// The manifest of its own server, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_url: Option<String>,
    /// Its downloader extension, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<ExtensionDetails>,
    /// What limits it until its first launch.
    #[serde(default)]
    pub limits: AppExtensionInfo,
    /// Why nobody knows yet which packs it is offered, as `explain` says it of each; empty once that is known, and where the service
    /// does not keep its packs. `Spec: cli`, `explain`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub awaited: Vec<Reason>,
}

method!(Info, "io.headstart.Apps.Info", One, AppDetails);

/// Asks for what it takes to start an app. Refused while essential packs have not concluded, unless
/// the caller waits. `Spec: concepts 5.1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrepareLaunch {
    /// The app.
    pub app: AppId,
    /// Waits until essential packs have concluded.
    #[serde(default)]
    pub wait: bool,
}

/// What happens until an app can be started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum LaunchEvent {
    /// How far the essential packs are.
    Progress(Progress),
    /// The app may be started, like this.
    Ready(Launch),
}

/// How to start an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Launch {
    /// The executable, absolute.
    pub executable: String,
    /// The folder to start it in, absolute.
    pub folder: String,
    /// Variables to set beside those that the launcher has: among them the app's token, so none of
    /// it is for a log.
    pub environment: BTreeMap<String, String>,
}

method!(PrepareLaunch, "io.headstart.Apps.PrepareLaunch", ProgressThenResult, LaunchEvent);

/// Fires an event of an app as if it had happened; for development. `Spec: packs 7`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulateEvent {
    /// The app.
    pub app: AppId,
    /// The event.
    pub event: ContentRequest,
}

/// What follows from a simulated event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum SimulationEvent {
    /// The packs that the event selected.
    Selected(Vec<PackId>),
    /// The number of downloads that the extension asked for.
    Scheduled(u64),
    /// How far their downloads are.
    Progress(Progress),
    /// Everything that the event began has concluded.
    Done(SimulationOutcome),
}

/// How a simulated event ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SimulationOutcome {
    /// Packs that arrived.
    pub installed: Vec<PackId>,
    /// Packs that did not.
    pub failed: Vec<PackFailure>,
    /// Downloads that arrived, by identifier.
    #[serde(default)]
    pub downloads: Vec<String>,
    /// Downloads that did not.
    #[serde(default)]
    pub failed_downloads: Vec<DownloadFailure>,
    /// Why the extension could not be asked, or gave no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<Failure>,
}

method!(SimulateEvent, "io.headstart.Apps.SimulateEvent", ProgressThenResult, SimulationEvent);
