//! Questions about the state that change nothing: lists, status flags, whether an app may be launched.

mod extension;
mod queue;

pub use extension::{ExtensionView, extension};
pub(crate) use queue::status_of;
pub use queue::{DownloadView, FileView, Subject, current, downloads, find_download, queue};

use std::collections::BTreeSet;

use headstart_model::protocol::packs::Trust as PackTrust;
use headstart_model::{
    AppId, DownloadPolicy, Failure, Language, PackId, PackVersion, ReleaseNumber, Status,
};

use crate::effect::Withheld;
use crate::failures;
use crate::id::{DownloadId, PackKey};
use crate::live::Course;
use crate::record::{App, InstallStage, Pack, Phase};
use crate::state::State;
use crate::time::WallTime;

/// A pack as listings show it. `Spec: cli`, `packs list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackView {
    /// The pack.
    pub id: PackId,
    /// The version that is offered.
    pub version: Option<PackVersion>,
    /// The version that can be read.
    pub local_version: Option<PackVersion>,
    /// Its status flags.
    pub status: Status,
    /// Bytes of a fresh download of the offered version.
    pub download_bytes: Option<u64>,
    /// Bytes on disk: of the local version, else of the offered one.
    pub installed_bytes: Option<u64>,
    /// When it is downloaded.
    pub policy: Option<DownloadPolicy>,
    /// Its language.
    pub language: Option<Language>,
    /// Whatever the author put there.
    pub user_info: Option<serde_json::Value>,
    /// The newest version, when it is not for this version of the app.
    pub withheld: Option<Withheld>,
    /// What vouches for its bytes.
    pub trust: PackTrust,
}

/// The packs of an app, by id; none when the app is not installed.
#[must_use]
pub fn packs(state: &State, app: &AppId) -> Option<Vec<PackView>> {
    state.records.app(app)?;
    Some(
        state
            .records
            .packs_of(app)
            .filter(|(_, pack)| is_known(pack))
            .map(|(key, pack)| pack_view(state, key, pack))
            .collect(),
    )
}

/// One pack; none when the app has never heard of it.
#[must_use]
pub fn pack(state: &State, key: &PackKey) -> Option<PackView> {
    let pack = state.records.pack(key)?;
    is_known(pack).then(|| pack_view(state, key, pack))
}

fn is_known(pack: &Pack) -> bool {
    pack.offer.is_some() || pack.local.is_some() || pack.withheld.is_some()
}

fn pack_view(state: &State, key: &PackKey, pack: &Pack) -> PackView {
    let described = pack.offer.as_ref().or(pack.described());
    let described = described.or(pack.withheld.as_deref().filter(|_| pack.local.is_none()));
    let (offer, local) = (described, pack.local.as_ref());
    PackView {
        id: key.pack.clone(),
        withheld: pack.withheld.as_deref().and_then(Withheld::of),
        trust: pack.trust(),
        version: offer.map(|offer| offer.version),
        local_version: local.map(|local| local.version),
        status: flags(state, key, pack),
        download_bytes: offer.map(|offer| offer.download_size),
        installed_bytes: local
            .map(|local| local.installed_bytes)
            .or(offer.map(|offer| offer.installed_size)),
        policy: offer.map(|offer| offer.download_policy.clone()),
        language: offer.and_then(|offer| offer.language.clone()),
        user_info: offer.and_then(|offer| offer.user_info.clone()),
    }
}

/// The languages of an app. `Spec: packs 9`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LanguagesView {
    /// The app's own first language; none when its bundle names none.
    pub primary: Option<Language>,
    /// The languages of the packs that are offered, by tag.
    pub available: Vec<Language>,
    /// What the app has set; none when it follows its person.
    pub chosen: Option<Language>,
    /// The language whose packs come by themselves.
    pub resolved: Option<Language>,
}

/// The languages of an app; none when it is not installed.
#[must_use]
pub fn languages(state: &State, app: &AppId) -> Option<LanguagesView> {
    let record = state.records.app(app)?;
    let available: BTreeSet<&Language> =
        state.records.packs_of(app).flat_map(|(_, pack)| pack.listed_languages()).collect();
    Some(LanguagesView {
        primary: record.bundle.languages.first().cloned(),
        available: available.into_iter().cloned().collect(),
        chosen: record.languages.chosen.clone(),
        resolved: record.languages.resolved.clone(),
    })
}

/// What vouches for the packs of an app: the least that does for any of them. None when it has none and is offered none.
#[must_use]
pub fn trust(state: &State, app: &AppId) -> Option<PackTrust> {
    let known = state.records.packs_of(app).filter(|(_, pack)| is_known(pack));
    known.map(|(_, pack)| pack.trust().max(pack.offer_trust_if_any())).max()
}

/// Whether the service keeps the packs of an app.
#[must_use]
pub fn is_managed(state: &State, app: &AppId) -> bool {
    state.records.app(app).is_some_and(App::is_managed)
}

/// Whether the service keeps the packs of an app and nobody knows yet which it is offered.
#[must_use]
pub fn awaits_catalog(state: &State, app: &AppId) -> bool {
    state.records.app(app).is_some_and(|app| app.is_managed() && app.checked_at.is_none())
}

/// The status flags of a pack, measured against the newest catalog held. An unknown pack has none. `Spec: packs 8.1`.
#[must_use]
pub fn status(state: &State, key: &PackKey) -> Status {
    state.records.pack(key).map_or(Status::EMPTY, |pack| flags(state, key, pack))
}

fn flags(state: &State, key: &PackKey, pack: &Pack) -> Status {
    let mut status = local_flags(state, key, pack);
    if pack.offer.is_some() {
        status = status.with(Status::DOWNLOAD_AVAILABLE);
    }
    if pack.is_current() {
        status = status.with(Status::UP_TO_DATE);
    } else if pack.local.is_some() && pack.offer.is_some() {
        status = status.with(Status::UPDATE_AVAILABLE);
    }
    if pack.download.is_some_and(|id| is_moving(state, id)) {
        status = status.with(Status::DOWNLOADING);
    }
    status
}

/// The flags that need no server. `Spec: packs 8.2`, `localStatus`.
#[must_use]
pub fn local_status(state: &State, key: &PackKey) -> Status {
    state.records.pack(key).map_or(Status::EMPTY, |pack| local_flags(state, key, pack))
}

fn local_flags(state: &State, key: &PackKey, pack: &Pack) -> Status {
    // Before the first catalog nobody knows what is offered: packs may be left from an earlier installation.
    let catalog_held = state.records.app(&key.app).is_some_and(|app| app.release.is_some());
    match (&pack.local, &pack.offer) {
        (None, _) => Status::EMPTY,
        (Some(local), None) if pack.withheld.as_ref().is_some_and(|newest| !local.is(newest)) => {
            Status::DOWNLOADED.with(Status::OUT_OF_DATE)
        }
        (Some(_), None) if catalog_held && pack.is_obsolete() => {
            Status::DOWNLOADED.with(Status::OBSOLETE)
        }
        (Some(_), None) => Status::DOWNLOADED,
        (Some(local), Some(offer)) if local.is(offer) => Status::DOWNLOADED,
        (Some(_), Some(_)) => Status::DOWNLOADED.with(Status::OUT_OF_DATE),
    }
}

/// The local copy measured against `version`, which the caller learned of earlier: an update counts as available only if
/// the server still offers that version. `Spec: packs 8.2`, `status(relativeTo:)`.
#[must_use]
pub fn status_relative_to(state: &State, key: &PackKey, version: PackVersion) -> Status {
    let Some(pack) = state.records.pack(key) else { return Status::EMPTY };
    let kept =
        [Status::DOWNLOAD_AVAILABLE, Status::OBSOLETE, Status::DOWNLOADING, Status::DOWNLOADED];
    let flags = flags(state, key, pack);
    let status =
        kept.into_iter().filter(|flag| flags.contains(*flag)).fold(Status::EMPTY, Status::with);
    let offered = pack.offer.as_ref().is_some_and(|offer| offer.version == version);
    match &pack.local {
        None => status,
        Some(local) if local.version == version => status.with(Status::UP_TO_DATE),
        Some(_) if offered => status.with(Status::OUT_OF_DATE).with(Status::UPDATE_AVAILABLE),
        Some(_) => status.with(Status::OUT_OF_DATE),
    }
}

fn is_moving(state: &State, id: DownloadId) -> bool {
    state.live.order_of(id).is_some_and(|(_, active)| active.course == Course::Running)
}

/// Where an app stands. `Spec: cli`, `app list`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AppState {
    /// Being installed or updated.
    Installing,
    /// May be launched.
    Launchable,
    /// Being removed.
    Removing,
}

/// An app as listings show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppView {
    /// The app.
    pub id: AppId,
    /// Its version.
    pub version: String,
    /// Where it stands.
    pub state: AppState,
    /// The phase of its installation.
    pub stage: Option<InstallStage>,
    /// Essential packs that its installation still waits for.
    pub essential_pending: Vec<PackId>,
    /// Essential single downloads that it still waits for, by identifier.
    pub essential_downloads: Vec<String>,
    /// When it was first launched.
    pub first_launch: Option<WallTime>,
    /// The release of the catalog that is held.
    pub release: Option<ReleaseNumber>,
    /// When a check last succeeded.
    pub checked_at: Option<WallTime>,
    /// Why the last check failed.
    pub check_failure: Option<Failure>,
}

/// Every app, by id.
#[must_use]
pub fn apps(state: &State) -> Vec<AppView> {
    state.records.apps().map(|(id, record)| app_view(state, id, record)).collect()
}

/// One app; none when it is not installed.
#[must_use]
pub fn app(state: &State, id: &AppId) -> Option<AppView> {
    state.records.app(id).map(|record| app_view(state, id, record))
}

fn app_view(state: &State, id: &AppId, record: &App) -> AppView {
    AppView {
        id: id.clone(),
        version: record.bundle.version.clone(),
        state: match record.phase {
            Phase::Installing(_) => AppState::Installing,
            Phase::Launchable => AppState::Launchable,
            Phase::Removing(_) => AppState::Removing,
        },
        stage: record.installation().map(|installation| installation.stage),
        essential_pending: essential_pending(state, id),
        essential_downloads: essential_downloads(state, id),
        first_launch: record.first_launch,
        release: record.release,
        checked_at: record.checked_at,
        check_failure: record.check_failure.as_ref().map(|check| check.failure.clone()),
    }
}

/// Essential packs that the installation of `app` still waits for, in the order in which they were asked for.
#[must_use]
pub fn essential_pending(state: &State, app: &AppId) -> Vec<PackId> {
    let pending = state.live.essential.get(app).into_iter().flatten();
    let downloads = pending.filter_map(|id| state.records.download(*id));
    downloads.map(|download| download.key.pack.clone()).collect()
}

/// Essential single downloads that the installation of `app` still waits for, by identifier, in the order in which they were
/// asked for.
#[must_use]
pub fn essential_downloads(state: &State, app: &AppId) -> Vec<String> {
    let pending = state.live.essential.get(app).into_iter().flatten();
    let files = pending.filter_map(|id| state.records.file(*id));
    files.map(|file| file.download.identifier.clone()).collect()
}

/// Whether an app may be launched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaunchGate {
    /// It may.
    Open,
    /// Its installation is going on, and waits for these essential packs and single downloads if it has come that far.
    Pending(Vec<PackId>, Vec<String>),
    /// It may not.
    Closed(Failure),
}

/// Whether `app` may be launched. `Spec: cli`, `app launch`.
#[must_use]
pub fn launch_gate(state: &State, app: &AppId) -> LaunchGate {
    match state.records.app(app).map(|record| &record.phase) {
        None => LaunchGate::Closed(failures::app_not_found(app)),
        Some(Phase::Removing(_)) => LaunchGate::Closed(failures::app_being_removed(app)),
        Some(Phase::Installing(_)) => {
            let (packs, downloads) =
                (essential_pending(state, app), essential_downloads(state, app));
            LaunchGate::Pending(packs, downloads)
        }
        Some(Phase::Launchable) => LaunchGate::Open,
    }
}

#[cfg(test)]
mod tests;
