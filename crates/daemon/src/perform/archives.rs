//! Packs whose archives a plain download manifest names: reading it, and reaching them. `Spec: packs 4.1`.

mod patience;

use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use headstart_deliver::{
    Announced, ArchiveLocation, ArchivePlace, DeliverError, Location, OwnIndex, RepositoryAccess,
};
use headstart_engine::record::{ArchiveEntry, ServerAccess, Trust, Unreadable};
use headstart_engine::{ArchivedOffer, EffectId, Event, Supply};
use headstart_model::catalog::CatalogPack;
use headstart_model::download_manifest::{
    DOWNLOAD_MANIFEST_BYTES_MAX, DownloadManifest, DownloadManifestError, DownloadPack,
};
use headstart_model::{AppId, ErrorKind, Failure, PackId, Platform, UrlPolicy};
use headstart_transfer::{
    Client, Condition, EntityTag, SmallRequest, SmallResponse, Tracking, TransferError, Urgency,
    Violation,
};
use url::Url;

use super::challenges::Challenger;
use super::context::Context;
use super::repository;
use crate::inbox::CoreHandle;
use patience::Patience;

/// Archives that are looked at side by side.
const LOOKS_MAX: usize = 8;
/// Times of a look that a manifest may take: it may be as long as two hundred indexes, and everything waits for it.
const MANIFEST_LOOKS: u32 = 5;

/// Which manifest is wanted.
pub(super) struct Ask {
    pub(super) app: AppId,
    pub(super) url: String,
    pub(super) access: ServerAccess,
    pub(super) known: Vec<ArchivedOffer>,
    /// The state of the manifest that is held.
    pub(super) held: Option<String>,
}

pub(super) async fn read_manifest(
    context: &Arc<Context>,
    core: &CoreHandle,
    effect: EffectId,
    ask: Ask,
) -> Event {
    match read(context, Challenger::of_content(core.clone(), effect), &ask).await {
        Ok(Some(Read { packs, unreadable, tag })) => {
            Event::ManifestRead { effect, packs, unreadable, tag }
        }
        Ok(None) => Event::CatalogUnchanged { effect },
        Err(failure) => Event::CatalogFailed { effect, failure },
    }
}

#[derive(Default)]
struct Read {
    packs: Vec<ArchivedOffer>,
    unreadable: Vec<(PackId, Unreadable)>,
    /// What the server calls this state of the manifest.
    tag: Option<String>,
}

/// What there is to read; none when the manifest is the one that is held.
async fn read(
    context: &Context,
    challenger: Challenger,
    ask: &Ask,
) -> Result<Option<Read>, Failure> {
    let policy = match ask.access.trust {
        Trust::Ordinary => UrlPolicy::Secure,
        Trust::Development => UrlPolicy::Development,
        Trust::Insecure => UrlPolicy::Insecure,
    };
    let url = address(&ask.url)?;
    policy.check_web(&url).map_err(|problem| refused(&problem))?;
    let client = context.clients.for_archives(&ask.access)?;
    // A manifest is small, as is what tells of an archive, and somebody may wait for what they say.
    let pace = context.pacing.of_app(&ask.app, Urgency::Foreground);
    let tracking = Tracking::new(&format!("manifest of {}", ask.app)).with_pace(pace);
    let tracking = tracking.with_authenticator(Arc::new(challenger));
    let limit = context.look_timeout;
    let held = ask.held.as_deref().and_then(EntityTag::new);
    let fetching = fetch(&client, (url, held), &tracking);
    let fetched = tokio::time::timeout(limit * MANIFEST_LOOKS, fetching).await;
    let fetched = fetched.unwrap_or_else(|_| Err(manifest_too_slow(limit * MANIFEST_LOOKS)))?;
    let Some((manifest, tag)) = fetched else { return Ok(None) };
    let known: BTreeMap<&PackId, &ArchivedOffer> =
        ask.known.iter().map(|known| (&known.pack.id, known)).collect();
    let here = Platform::current();
    let patience = Patience::new(limit);
    let mut looks = Vec::new();
    for listed in manifest.asset_packs {
        if listed.is_for(here) {
            let known = known.get(&listed.id).filter(|known| is_as_listed(known, &listed));
            let known = known.map(|known| (*known).clone());
            let how = (policy, client.clone(), tracking.clone());
            looks.push(look((listed, known), &patience, how));
        }
    }
    let mut looks = futures::stream::iter(looks).buffer_unordered(LOOKS_MAX);
    let mut read = Read { tag, ..Read::default() };
    while let Some((listed, looked)) = looks.next().await {
        match looked {
            Ok(pack) => {
                read.packs.push(ArchivedOffer { pack, archive: listed.url.to_string() });
            }
            Err(failure) => {
                tracing::warn!(app = %ask.app, pack = %listed.id, %failure, "its archive cannot be offered");
                let (policy, language) = (listed.download_policy, listed.language);
                let archive = listed.url.to_string();
                let entry = Some(ArchiveEntry { version: listed.version, archive });
                read.unreadable.push((listed.id, Unreadable { policy, language, entry, failure }));
            }
        }
    }
    // In whatever order servers have answered.
    read.packs.sort_by(|a, b| a.pack.id.cmp(&b.pack.id));
    read.unreadable.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(Some(read))
}

/// The manifest and its server's tag; none when it is still the one with the tag that is held.
async fn fetch(
    client: &Client,
    (url, held): (Url, Option<EntityTag>),
    tracking: &Tracking,
) -> Result<Option<(DownloadManifest, Option<String>)>, Failure> {
    let mut request = SmallRequest::new(url, DOWNLOAD_MANIFEST_BYTES_MAX as u64);
    if let Some(tag) = held {
        request.condition = Condition::IfChanged(tag);
    }
    let failed = |error: headstart_transfer::TransferError| {
        error.to_failure().within("the download manifest could not be fetched")
    };
    let body = match client.fetch_small(&request, tracking).await.map_err(failed)? {
        SmallResponse::Body(body) => body,
        SmallResponse::NotModified => return Ok(None),
    };
    let manifest = DownloadManifest::from_json(&body.bytes).map_err(|error| {
        Failure::from_error(ErrorKind::InvalidInput, "downloadManifestRefused", &error)
            .with_hint("correct what is named; `headstart download-manifest` makes such files")
    })?;
    Ok(Some((manifest, body.etag.map(|tag| tag.to_string()))))
}

/// Whether what is known of an archive is told of the one that is listed: a published archive is never changed.
fn is_as_listed(known: &ArchivedOffer, listed: &DownloadPack) -> bool {
    known.pack.version == listed.version
        && known.pack.download_size == listed.download_size
        && known.archive == listed.url.as_str()
}

/// What is offered of a pack: what its archive says of itself, and the manifest of the rest.
async fn look(
    (listed, known): (DownloadPack, Option<ArchivedOffer>),
    patience: &Patience,
    (policy, client, tracking): (UrlPolicy, Client, Tracking),
) -> (DownloadPack, Result<CatalogPack, Failure>) {
    if let Err(source) = policy.check_web(&listed.url) {
        let error = DownloadManifestError::Url { id: listed.id.clone(), source };
        return (listed, Err(refused(&error)));
    }
    let pack = if let Some(known) = known {
        known.pack
    } else {
        let announced = Announced { pack: &listed.id, bytes: listed.download_size };
        let fetching = OwnIndex::fetch(&listed.url, announced, (&client, &tracking));
        match patience.with(&listed.url, fetching).await {
            Ok(Ok(index)) => index.describe(listed.version),
            Ok(Err(error)) => return (listed, Err(error.to_failure())),
            Err(too_slow) => {
                let failure = too_slow.of(&listed.id);
                return (listed, Err(failure));
            }
        }
    };
    let listed_as = CatalogPack {
        download_policy: listed.download_policy.clone(),
        platforms: listed.platforms.clone(),
        language: listed.language.clone(),
        user_info: listed.user_info.clone(),
        ..pack
    };
    (listed, Ok(listed_as))
}

fn manifest_too_slow(limit: Duration) -> Failure {
    let seconds = limit.as_secs_f32();
    let message = format!("the download manifest has not arrived within {seconds} s");
    Failure::new(ErrorKind::Network, "manifestTooSlow", message)
        .with_hint("it is tried again later; look after its server")
}

fn refused(problem: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::from_error(ErrorKind::InvalidInput, "downloadManifestRefused", problem).with_hint(
        "use https; installed with --dev, an app reaches a server on this machine by http",
    )
}

fn address(text: &str) -> Result<Url, Failure> {
    text.parse().map_err(|error: url::ParseError| {
        Failure::from_error(ErrorKind::InvalidInput, "downloadManifestRefused", &error)
            .within("an address in the download manifest is none")
            .with_hint("give the whole address, with https://")
    })
}

/// Access to wherever `pack` is fetched from, as an installation allows it.
pub(super) fn access(
    context: &Context,
    (supply, pack): (&Supply, &CatalogPack),
    allowed: &ServerAccess,
    tracking: Tracking,
) -> Result<RepositoryAccess, Failure> {
    match supply {
        Supply::Repository(repository) => {
            repository::access(context, repository, allowed, tracking)
        }
        Supply::Archive(url) => {
            let place = ArchivePlace::Url(address(url)?);
            let location = Location::Archive(ArchiveLocation::new(place, pack));
            Ok(RepositoryAccess::new(location, context.clients.for_archives(allowed)?, tracking))
        }
    }
}

/// What a failed delivery means. Of an archive it is not that a signature does not hold: it is another one by now than it was when it was
/// looked at.
pub(super) fn failure(error: &DeliverError, supply: &Supply) -> Failure {
    let of_content = match error {
        DeliverError::Untrusted { .. }
        | DeliverError::Format { .. }
        | DeliverError::Plan { .. } => true,
        // Another length than it had.
        DeliverError::Transfer { source, .. } => matches!(
            **source,
            TransferError::Shorter { .. }
                | TransferError::Unusable {
                    violation: Violation::OtherSize { .. } | Violation::Replaced,
                    ..
                }
        ),
        _ => false,
    };
    if !of_content || matches!(supply, Supply::Repository(_)) {
        return error.to_failure();
    }
    let message =
        "the archive is not the one any more that the download manifest named, or is damaged";
    let failure = match error.source() {
        Some(source) => {
            Failure::from_error(ErrorKind::Untrusted, "archiveChanged", source).within(message)
        }
        None => Failure::new(ErrorKind::Untrusted, "archiveChanged", message),
    };
    failure.with_hint(
        "put the archive of each version under an address of its own, and never change one",
    )
}
