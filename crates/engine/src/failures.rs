//! The failures that the engine itself finds, each with its stable code. Those of effects come from the performer.

use headstart_model::catalog::CatalogPack;
use headstart_model::download::BackgroundAssetsErrorCode as Code;
use headstart_model::{AppGroupId, AppId, ErrorKind, Failure, PackId};

use crate::id::DownloadId;
use crate::record::Pack;

pub(crate) fn app_not_found(app: &AppId) -> Failure {
    Failure::new(ErrorKind::NotFound, "appNotFound", format!("no app `{app}` is installed"))
        .with_hint("`headstart app list` shows what is installed")
}

/// `Spec: api 10`, `assetPackNotFound`.
pub(crate) fn pack_not_found(app: &AppId, pack: &PackId) -> Failure {
    Failure::new(
        ErrorKind::NotFound,
        "assetPackNotFound",
        format!("app `{app}` is offered no pack `{pack}`"),
    )
    .with_hint("`headstart packs list` shows what its repository offers for this device")
}

pub(crate) fn pack_withdrawn(pack: &PackId) -> Failure {
    Failure::new(
        ErrorKind::NotFound,
        "packWithdrawn",
        format!("pack `{pack}` is no longer offered"),
    )
}

/// `Ours:` an old build is never given what breaks it.
pub(crate) fn other_app_version(newest: &CatalogPack) -> Failure {
    let range = newest.app_versions.as_ref().map(ToString::to_string).unwrap_or_default();
    Failure::new(
        ErrorKind::Refused,
        "otherAppVersion",
        format!("pack `{}` is for other versions of the app ({range})", newest.id),
    )
    .with_hint("update the app")
}

/// Why a pack that is known of is not offered.
pub(crate) fn why_not_offered(pack: &Pack) -> Option<Failure> {
    let unreadable = pack.unreadable.as_ref().map(|unreadable| unreadable.failure.clone());
    pack.withheld.as_ref().map(|newest| other_app_version(newest)).or(unreadable)
}

/// `Spec: packs 4.2`: who has the service keep packs does not bring others.
pub(crate) fn packs_managed(app: &AppId) -> Failure {
    Failure::new(
        ErrorKind::Usage,
        "assetPackManaged",
        format!("the packs of app `{app}` are kept by the service, which downloads them itself"),
    )
    .with_hint("call `ensure_local_availability`, or schedule the archive as an ordinary file")
}

/// `Spec: packs 4.1`: what nobody signed never comes beside what is signed.
pub(crate) fn signed_packs(app: &AppId, pack: &PackId) -> Failure {
    Failure::new(
        ErrorKind::Conflict,
        "signedPacks",
        format!("app `{app}` has signed packs, such as `{pack}`, and nothing that is not signed comes beside them"),
    )
    .with_hint("remove them (`headstart packs remove`), or publish in the signed repository")
}

pub(crate) fn already_installed(app: &AppId) -> Failure {
    Failure::new(ErrorKind::Conflict, "alreadyInstalled", format!("app `{app}` is installed"))
        .with_hint("use `headstart app update`")
}

pub(crate) fn app_busy(app: &AppId) -> Failure {
    Failure::new(
        ErrorKind::Conflict,
        "appBusy",
        format!("app `{app}` is just being installed or updated from another bundle"),
    )
    .with_hint("try again when that has ended")
}

pub(crate) fn app_being_removed(app: &AppId) -> Failure {
    Failure::new(ErrorKind::Conflict, "appBeingRemoved", format!("app `{app}` is being removed"))
        .with_hint("try again when that has ended")
}

pub(crate) fn installation_cancelled(app: &AppId) -> Failure {
    Failure::new(
        ErrorKind::Cancelled,
        "cancelled",
        format!("the installation of `{app}` was cancelled"),
    )
}

/// `Spec: concepts 5.4`: a cancelled transfer surfaces as failed.
pub(crate) fn cancelled(pack: &PackId) -> Failure {
    Failure::new(
        ErrorKind::Cancelled,
        "cancelled",
        format!("the download of `{pack}` was cancelled"),
    )
}

/// `Spec: concepts 8`, error 101.
pub(crate) fn not_scheduled(what: &str) -> Failure {
    Failure::new(
        ErrorKind::NotFound,
        "notScheduled",
        format!("nothing is being downloaded for {what}"),
    )
}

pub(crate) fn download_not_scheduled(id: DownloadId) -> Failure {
    not_scheduled(&format!("number {id}"))
}

/// `Spec: api 10`, error 101.
pub(crate) fn file_not_scheduled(identifier: &str) -> Failure {
    let shown: String = identifier.chars().take(80).collect();
    Code::NotScheduled
        .failure(format!("no download `{shown}` is scheduled, or it has ended"))
        .with_hint("`headstart downloads list` shows what is scheduled")
}

pub(crate) fn file_cancelled(identifier: &str) -> Failure {
    Failure::new(
        ErrorKind::Cancelled,
        "cancelled",
        format!("the download of `{identifier}` was cancelled"),
    )
}

/// An acknowledgement that came too late, or from an earlier life of the service.
pub(crate) fn callback_not_open() -> Failure {
    Failure::new(
        ErrorKind::Conflict,
        "notAsked",
        "nobody waits for this acknowledgement, so it does not count",
    )
    .with_hint("what it was about is told again, with another number")
}

pub(crate) fn not_installing(app: &AppId) -> Failure {
    Failure::new(
        ErrorKind::Conflict,
        "notInstalling",
        format!("no installation of app `{app}` is going on"),
    )
}

pub(crate) fn group_taken(app: &AppId, group: &AppGroupId, owner: &AppId) -> Failure {
    Failure::new(
        ErrorKind::Conflict,
        "groupTaken",
        format!("the group `{group}` belongs to app `{owner}`, which does not let `{app}` join it"),
    )
    .with_hint(format!(
        "list `{app}` under the group in [appGroups] of the bundle of `{owner}` and update it"
    ))
}

/// The owner is not there to let anybody join.
pub(crate) fn group_kept(app: &AppId, group: &AppGroupId, owner: &AppId) -> Failure {
    Failure::new(
        ErrorKind::Conflict,
        "groupTaken",
        format!(
            "the group `{group}` holds data that app `{owner}` keeps, which does not let `{app}` join it"
        ),
    )
    .with_hint(format!("install `{owner}` again, and remove it without --keep-data"))
}

/// The app has been updated to a bundle without the group of the download.
pub(crate) fn group_left(identifier: &str, group: &AppGroupId) -> Failure {
    let message =
        format!("`{identifier}` is for the group `{group}`, to which the app belongs no more");
    Code::Invalid.failure(message).with_hint("schedule it anew, for a group of the app")
}

pub(crate) fn no_group(app: &AppId) -> Failure {
    Failure::new(
        ErrorKind::InvalidInput,
        "noGroup",
        format!("the bundle of app `{app}` names no group for what is downloaded"),
    )
    .with_hint("name one with BAAppGroupID and update the app")
}

pub(crate) fn not_for_development(app: &AppId) -> Failure {
    Failure::new(
        ErrorKind::Refused,
        "notForDevelopment",
        format!("app `{app}` was not installed for development"),
    )
    .with_hint("install it with --dev")
}

pub(crate) fn already_finished(pack: &PackId) -> Failure {
    Failure::new(
        ErrorKind::Conflict,
        "alreadyFinished",
        format!("the download of `{pack}` has finished and is being put in place"),
    )
    .with_hint("`headstart packs remove` takes it away again")
}

pub(crate) fn offline() -> Failure {
    Failure::new(ErrorKind::Network, "offline", "there is no network")
}

pub(crate) fn no_space(needed_bytes: u64, free_bytes: u64) -> Failure {
    Failure::new(
        ErrorKind::NoSpace,
        "noSpace",
        format!("{needed_bytes} bytes are needed on disk and {free_bytes} are free"),
    )
    .with_hint("remove packs that are not needed, or free space on the disk")
}

pub(crate) fn no_server(app: &AppId) -> Failure {
    Failure::new(
        ErrorKind::NotFound,
        "noServer",
        format!("the content of app `{app}` comes from no server"),
    )
    .with_hint("install it without headers, and give them to the server that wants them: `headstart settings set header.APP@URL`")
}

pub(crate) fn too_many_servers(app: &AppId) -> Failure {
    Failure::new(
        ErrorKind::Refused,
        "tooManyServers",
        format!("app `{app}` has headers for too many servers"),
    )
    .with_hint("take away those of servers that are no longer used: set them to nothing")
}

pub(crate) fn no_repository(app: &AppId) -> Failure {
    Failure::new(
        ErrorKind::NotFound,
        "noRepository",
        format!("the bundle of `{app}` names no repository"),
    )
    .with_hint("set `BARepositoryURL` in the bundle and update the app")
}
