//! Making versions live.

use std::sync::Arc;

use headstart_engine::record::SwitchItem;
use headstart_engine::{EffectId, Event};
use headstart_model::catalog::CatalogPack;
use headstart_model::protocol::packs::Collision;
use headstart_model::{AppId, Failure, PackId};
use headstart_store::{InstalledVersion, LivePack, Namespaces, StoreError};

use super::context::{Context, blocking};
use super::deliver::key;
use super::remove;
use crate::collisions::collisions;

pub(super) async fn switch(
    context: &Arc<Context>,
    effect: EffectId,
    app: AppId,
    items: Vec<SwitchItem>,
) -> Event {
    let context = Arc::clone(context);
    match blocking(move || apply(&context, &app, &items)).await {
        Ok(Ok(())) => Event::Switched { effect },
        Ok(Err(Refused { failure, damaged })) => {
            Event::SwitchFailed { effect, failure: *failure, damaged }
        }
        Err(failure) => Event::SwitchFailed { effect, failure, damaged: Vec::new() },
    }
}

struct Refused {
    failure: Box<Failure>,
    damaged: Vec<PackId>,
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self { failure: Box::new(error.to_failure()), damaged: Vec::new() }
    }
}

/// Collisions that are logged at each switch. `explain` tells more.
const COLLISIONS_LOGGED_MAX: usize = 10;

/// One new generation with all items, then what else was staged for their packs goes.
fn apply(context: &Context, app: &AppId, items: &[SwitchItem]) -> Result<(), Refused> {
    let _alone = context.alone();
    let namespaces = Namespaces::new(&context.layout, app);
    if let Err(error) = namespaces.sweep_consumed() {
        tracing::warn!(%error, "files that were handed over are removed another time");
    }
    let mut live = namespaces.live()?;
    for item in items {
        live.retain(|pack| pack.id != item.pack);
        if item.to.is_some() {
            live.push(incoming(context, app, item)?);
        }
    }
    let generation = namespaces.switch(live)?;
    tracing::info!(%app, generation, "switched");
    for Collision { path, packs } in collisions(&context.layout, app, None, COLLISIONS_LOGGED_MAX) {
        tracing::warn!(%app, %path, ?packs, "several packs have this file: that of the first is read");
    }
    for item in items {
        if let Err(error) = remove::staged_of(context, app, &item.pack) {
            tracing::warn!(%error, pack = %item.pack, "what was staged is removed another time");
        }
    }
    Ok(())
}

/// The version that becomes live, which has to be whole.
fn incoming(context: &Context, app: &AppId, item: &SwitchItem) -> Result<LivePack, Refused> {
    let Some(version) = &item.to else { return Err(damaged(item, "nothing was named")) };
    let folder = context.layout.version(app, &item.pack, key(version));
    let installed = InstalledVersion::open(&folder).map_err(|error| Refused {
        failure: Box::new(error.to_failure()),
        damaged: vec![item.pack.clone()],
    })?;
    if installed.complete().content() != version.content {
        return Err(damaged(item, "its content is another one"));
    }
    let about = installed.about()?;
    let language =
        serde_json::from_slice::<CatalogPack>(&about).ok().and_then(|about| about.language);
    Ok(LivePack {
        id: item.pack.clone(),
        version: version.version,
        language,
        folder: LivePack::folder_of(&context.layout, app, &item.pack, key(version)),
    })
}

fn damaged(item: &SwitchItem, why: &str) -> Refused {
    let message = format!("the new version of pack `{}` cannot be used: {why}", item.pack);
    let failure = Failure::new(headstart_model::ErrorKind::Untrusted, "contentDamaged", message)
        .with_hint("it is fetched anew");
    Refused { failure: Box::new(failure), damaged: vec![item.pack.clone()] }
}
