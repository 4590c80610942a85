//! The commands that talk to the service. `Spec: cli, The device`.

mod app;
mod awaited;
mod debug;
mod downloads;
mod explain;
mod nearest;
mod packs;
mod progress;
mod service;
mod settings;
mod unit;

pub(crate) use app::App;
pub(crate) use debug::Debug;
pub(crate) use downloads::Downloads;
pub(crate) use explain::Explain;
pub(crate) use packs::Packs;
pub(crate) use progress::translate;
pub(crate) use service::Service;
pub(crate) use settings::Settings;

use std::time::SystemTime;

use headstart::{AppId, Connector, Error, Start};
use headstart_model::Failure;
use jiff::Timestamp;

use crate::context::{Context, StartPolicy};

/// The way to the service, as the command line says: it is started if need be, unless `--no-start` forbids it.
pub(crate) fn connector(context: &Context, app: Option<&AppId>) -> Connector {
    let start = match context.start {
        StartPolicy::IfNeeded => Start::IfNeeded,
        StartPolicy::Never => Start::Never,
    };
    let connector = Connector::new().start(start);
    match app {
        Some(app) => connector.on_behalf_of(app.clone()),
        None => connector,
    }
}

/// What the library says went wrong, as it stands.
#[expect(clippy::needless_pass_by_value, reason = "used to map errors")]
pub(crate) fn failed(error: Error) -> Failure {
    error.failure().clone()
}

/// A time as it stands in JSON: RFC 3339, UTC.
fn time(at: SystemTime) -> Option<String> {
    Timestamp::try_from(at).ok().map(|time| time.to_string())
}
