//! Performs the engine's orders and reports how they ended.
//!
//! Every order is idempotent: after a kill the same order comes again, and whatever the last life did is found and used.

mod archives;
mod challenges;
mod clients;
mod context;
mod copy;
mod deliver;
mod files;
mod incoming;
mod pacing;
mod prepare;
mod readers;
mod removals;
mod remove;
mod repair;
mod repository;
mod switch;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use headstart_engine::{Class, EffectId, Event, Order};
use headstart_model::{AppId, ErrorKind, Failure};
use headstart_transfer::Rate;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

pub use clients::{Clients, Patience};
pub use context::Context;
pub(crate) use context::blocking;
pub use pacing::Pacing;
pub use readers::Readers;
pub use removals::Removals;
pub(crate) use repair::{Healed, patient, repair};

use crate::inbox::CoreHandle;
use crate::server_headers;

/// Orders that are being performed.
#[derive(Debug, Clone)]
pub struct Performer {
    runtime: Handle,
    core: CoreHandle,
    context: Arc<Context>,
    running: Arc<Mutex<HashMap<EffectId, CancellationToken>>>,
}

impl Performer {
    /// A performer that works on `runtime` and reports to `core`.
    #[must_use]
    pub fn new(runtime: Handle, core: CoreHandle, context: Arc<Context>) -> Self {
        Self { runtime, core, context, running: Arc::default() }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<EffectId, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an order, unless it is being performed already.
    pub fn begin(&self, id: EffectId, order: Order) {
        let token = CancellationToken::new();
        {
            let mut running = self.running();
            if running.contains_key(&id) {
                return;
            }
            running.insert(id, token.clone());
        }
        let span = tracing::info_span!("effect", effect = id.0, download = download_of(&order));
        let this = self.clone();
        let work = async move {
            tracing::debug!(?order, "begins");
            let (failed, app) = (failed_event(&order), content_of(&order));
            let work = perform(&this.context, &this.core, id, order, &token);
            let event = match AssertUnwindSafe(work).catch_unwind().await {
                Ok(event) => event,
                Err(_) => failed(id, panicked()),
            };
            let event = advised(event, app.as_ref());
            tracing::debug!(?event, "ended");
            this.context.pacing.end(id);
            this.core.event(event);
            // Not before its end is told: a stop in between would be answered as if it had not come to its end.
            this.running().remove(&id);
        };
        self.runtime.spawn(work.instrument(span));
    }

    /// Ends an order soon; one that is not running is reported as stopped.
    pub fn stop(&self, id: EffectId) {
        match self.running().get(&id) {
            Some(token) => token.cancel(),
            None => self.core.event(Event::Stopped { effect: id }),
        }
    }

    /// Gives a running order another class.
    pub fn reclass(&self, id: EffectId, class: Class) {
        self.context.pacing.reclass(id, class);
    }

    /// Limits what all transfers together take in a second; none for no limit.
    pub fn limit(&self, bytes_per_second: Option<u64>) {
        self.context.pacing.device().set_rate(bytes_per_second.and_then(Rate::bytes_per_second));
    }

    /// Ends everything; what is owed goes on in the next life.
    pub fn stop_all(&self) {
        self.running().values().for_each(CancellationToken::cancel);
    }
}

/// The id that a download has in every log line of its life.
fn download_of(order: &Order) -> Option<u64> {
    match order {
        Order::Plan(delivery) | Order::Transfer(delivery) => Some(delivery.download.0),
        Order::FetchFile(transfer) => Some(transfer.download.0),
        Order::DiscardFile { download, .. } => Some(download.0),
        _ => None,
    }
}

/// The app whose content an order fetches, from servers that may want a header of it.
fn content_of(order: &Order) -> Option<AppId> {
    match order {
        Order::FetchCatalog { app, .. } | Order::ReadManifest { app, .. } => Some(app.clone()),
        Order::Plan(delivery) | Order::Transfer(delivery) => Some(delivery.app.clone()),
        _ => None,
    }
}

/// Says what helps where a server refused an app's content.
fn advised(event: Event, app: Option<&AppId>) -> Event {
    let advice = |failure| match app {
        Some(app) => server_headers::advised(failure, app),
        None => failure,
    };
    match event {
        Event::CatalogFailed { effect, failure } => {
            Event::CatalogFailed { effect, failure: advice(failure) }
        }
        Event::TransferFailed { effect, failure } => {
            Event::TransferFailed { effect, failure: advice(failure) }
        }
        other => other,
    }
}

fn panicked() -> Failure {
    Failure::new(ErrorKind::Internal, "internal", "the service failed at its work")
        .with_hint("please report this, with the log of the service")
}

/// How the failure of an order is reported.
fn failed_event(order: &Order) -> fn(EffectId, Failure) -> Event {
    match order {
        Order::PrepareApp { .. } => |effect, failure| Event::PrepareFailed { effect, failure },
        Order::FetchCatalog { .. } | Order::ReadManifest { .. } => {
            |effect, failure| Event::CatalogFailed { effect, failure }
        }
        Order::Plan(_) | Order::Transfer(_) | Order::FetchFile(_) => {
            |effect, failure| Event::TransferFailed { effect, failure }
        }
        Order::Switch { .. } => {
            |effect, failure| Event::SwitchFailed { effect, failure, damaged: Vec::new() }
        }
        Order::RemoveVersion { .. }
        | Order::Discard { .. }
        | Order::DiscardFile { .. }
        | Order::RemoveAppData { .. } => |effect, failure| Event::RemovalFailed { effect, failure },
    }
}

/// Performs an order to its end. `stop` breaks off what waits for the network or copies for long; what writes is always
/// waited for, because the engine takes the folder to be free once the end is reported.
async fn perform(
    context: &Arc<Context>,
    core: &CoreHandle,
    id: EffectId,
    order: Order,
    stop: &CancellationToken,
) -> Event {
    match order {
        Order::PrepareApp { app, bundle } => {
            prepare::prepare(context, core, id, (app, bundle), stop).await
        }
        Order::FetchCatalog { app, repository, channel, access, held } => {
            let ask = repository::Ask { app, repository, channel, access, held };
            tokio::select! {
                biased;
                event = repository::fetch_catalog(context, core, id, ask) => event,
                () = stop.cancelled() => Event::Stopped { effect: id },
            }
        }
        Order::ReadManifest { app, url, access, known, held } => {
            let ask = archives::Ask { app, url, access, known, held };
            tokio::select! {
                biased;
                event = archives::read_manifest(context, core, id, ask) => event,
                () = stop.cancelled() => Event::Stopped { effect: id },
            }
        }
        // On the heap: their state is large.
        Order::Plan(delivery) => Box::pin(deliver::plan(context, core, id, delivery, stop)).await,
        Order::Transfer(delivery) => {
            Box::pin(deliver::transfer(context, core, id, delivery, stop)).await
        }
        Order::Switch { app, items } => switch::switch(context, id, app, items).await,
        Order::RemoveVersion { app, pack, version } => {
            remove::version(context, id, (app, pack), version).await
        }
        Order::Discard { app, pack } => remove::staged(context, id, app, pack).await,
        Order::FetchFile(transfer) => files::fetch(context, core, id, *transfer, stop).await,
        Order::DiscardFile { download, group, .. } => {
            files::discard(context, id, download, &group).await
        }
        Order::RemoveAppData { app, keep, groups } => {
            remove::app_data(context, id, app, (keep, groups)).await
        }
    }
}
