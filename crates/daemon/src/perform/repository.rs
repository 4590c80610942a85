//! Asking a repository for its catalog.

use std::sync::Arc;

use headstart_deliver::{Location, LocationError, Mirror, RepositoryAccess};
use headstart_engine::record::{Repository, ServerAccess};
use headstart_engine::{EffectId, Event};
use headstart_model::{AppId, ChannelName, ErrorKind, Failure, ReleaseNumber};
use headstart_repo::TrustStore;
use headstart_transfer::{Tracking, Urgency};

use super::challenges::Challenger;
use super::clients::https_policy;
use super::context::{Context, blocking};
use crate::clock::Clock;
use crate::inbox::CoreHandle;

/// Which catalog is wanted.
pub(super) struct Ask {
    pub(super) app: AppId,
    pub(super) repository: Repository,
    pub(super) channel: ChannelName,
    pub(super) access: ServerAccess,
    pub(super) held: Option<ReleaseNumber>,
}

/// Access to a repository, as an installation allows it.
pub(super) fn access(
    context: &Context,
    repository: &Repository,
    allowed: &ServerAccess,
    tracking: Tracking,
) -> Result<RepositoryAccess, Failure> {
    let refused = |error: LocationError| {
        Failure::from_error(ErrorKind::Refused, "badRepositoryUrl", &error)
            .with_hint("use https, or install the app with --dev to reach a server on this machine")
    };
    let https = https_policy(allowed.trust);
    let location = Location::parse(&repository.url, https).map_err(refused)?;
    let mirrors = repository.mirrors.iter().filter_map(|url| {
        let mirror = Location::parse(url, https);
        // It was good when the app was installed; one mirror less is no reason to do without the repository.
        mirror.inspect_err(|error| tracing::warn!(%error, "a mirror is left out")).ok()
    });
    let mirrors = mirrors.map(Mirror::Repository).collect();
    let access =
        RepositoryAccess::new(location, context.clients.for_repository(allowed)?, tracking);
    Ok(access.with_mirrors(mirrors))
}

pub(super) async fn fetch_catalog(
    context: &Arc<Context>,
    core: &CoreHandle,
    effect: EffectId,
    ask: Ask,
) -> Event {
    match check(context, Challenger::of_content(core.clone(), effect), &ask).await {
        Ok(event) => event(effect),
        Err(failure) => Event::CatalogFailed { effect, failure },
    }
}

async fn check(
    context: &Arc<Context>,
    challenger: Challenger,
    ask: &Ask,
) -> Result<Box<dyn FnOnce(EffectId) -> Event + Send>, Failure> {
    let folder = context.layout.app_trust(&ask.app);
    let store = blocking(move || TrustStore::open(&folder)).await?.map_err(|e| e.to_failure())?;
    let store = store.ok_or_else(|| no_root(&ask.app))?;
    // A catalog is small, and somebody may wait for what it says.
    let pace = context.pacing.of_app(&ask.app, Urgency::Foreground);
    let tracking = Tracking::new(&format!("catalog of {}", ask.app)).with_pace(pace);
    let tracking = tracking.with_authenticator(Arc::new(challenger));
    let access = access(context, &ask.repository, &ask.access, tracking)?;
    let checked = store.check(Arc::new(access), &ask.channel, Clock::timestamp()).await;
    let catalog = checked.map_err(|error| error.to_failure())?.catalog;
    if ask.held == Some(catalog.release) {
        return Ok(Box::new(|effect| Event::CatalogUnchanged { effect }));
    }
    let packs = catalog.packs_for(&context.device_id).to_vec();
    let release = catalog.release;
    Ok(Box::new(move |effect| Event::CatalogFetched { effect, release, packs }))
}

fn no_root(app: &AppId) -> Failure {
    let message = format!("app `{app}` has no root of trust for its repository");
    Failure::new(ErrorKind::Untrusted, "noRoot", message)
        .with_hint("put the repository's `root.json` into the app bundle and install it again")
}
