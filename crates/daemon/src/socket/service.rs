//! `io.headstart.Service` and `org.varlink.service`.

use std::sync::Arc;

use headstart_engine::Event;
use headstart_model::protocol::introspection::{self, GetInfo, GetInterfaceDescription};
use headstart_model::protocol::service::{
    Hello, ServiceStatus, Status, Stop, Stopping, Welcome, common_protocol,
};
use headstart_model::{AppId, ErrorKind, Failure};
use headstart_sys::socket::PeerIdentity;

use super::reply::{Caller, End, Replies};
use super::{Shared, identity, languages};
use crate::extension::Run;

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(super) async fn info(_: &GetInfo, replies: &mut Replies<'_>) -> Result<(), End> {
    replies.last::<GetInfo>(&introspection::info(VERSION)).await
}

pub(super) async fn describe(
    call: &GetInterfaceDescription,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let description = introspection::describe(call).map_err(End::Error)?;
    replies.last::<GetInterfaceDescription>(&description).await
}

/// Finds out whether both sides can talk, are of the same home, and which app the program is.
pub(super) async fn hello(
    shared: &Arc<Shared>,
    (peer, run): (&PeerIdentity, Option<&Arc<Run>>),
    call: Hello,
) -> Result<(Option<AppId>, Welcome), End> {
    let Some(protocol) = common_protocol(call.oldest_protocol, call.newest_protocol) else {
        let message = format!(
            "the program speaks protocol {} to {}, which this service does not",
            call.oldest_protocol, call.newest_protocol
        );
        return Err(Failure::new(ErrorKind::Unavailable, "protocolMismatch", message)
            .with_hint("stop the service (`headstart service stop`): the newest installed one is started then")
            .into());
    };
    let home = shared.context.layout.home().to_string_lossy().into_owned();
    if call.home != home {
        let message = format!("the service keeps `{home}`, the program means `{}`", call.home);
        return Err(Failure::new(ErrorKind::Conflict, "otherHome", message)
            .with_hint("set HEADSTART_HOME and HEADSTART_SOCKET alike for both")
            .into());
    }
    let app = if let Some(run) = run {
        Some(run.app().clone())
    } else {
        let app = identity::identify(shared, peer, &call).await?;
        languages::heard(shared, app.as_ref(), call.languages);
        if let Some(app) = &app {
            shared.core.event(Event::AppUsed { app: app.clone() });
        }
        app
    };
    let welcome = Welcome {
        protocol,
        service_version: VERSION.to_owned(),
        home,
        pid: std::process::id(),
        uptime_seconds: shared.clock.uptime_seconds(),
        app: app.clone(),
    };
    Ok((app, welcome))
}

pub(super) async fn status(caller: Caller<'_>, replies: &mut Replies<'_>) -> Result<(), End> {
    let status = ServiceStatus {
        pid: std::process::id(),
        version: VERSION.to_owned(),
        home: caller.shared.context.layout.home().to_string_lossy().into_owned(),
        uptime_seconds: caller.shared.clock.uptime_seconds(),
    };
    replies.last::<Status>(&status).await
}

pub(super) async fn stop(caller: Caller<'_>, replies: &mut Replies<'_>) -> Result<(), End> {
    replies.last::<Stop>(&Stopping {}).await?;
    tracing::info!("asked to stop");
    caller.shared.stop.cancel();
    Ok(())
}
