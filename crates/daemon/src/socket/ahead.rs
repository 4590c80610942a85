//! `io.headstart.Packs.ReadAhead`.

use headstart_deliver::{AheadError, Arrived};
use headstart_engine::record::Freshness;
use headstart_engine::{ClientId, Event, Reply, Terms};
use headstart_model::protocol::packs::{ArrivedPart, ReadAhead, Readable};
use headstart_model::{AppId, ErrorKind, Failure, Until};

use super::packs::{app_of, internal};
use super::reply::{Caller, End, Replies};
use crate::inbox::CoreHandle;

/// The pack is ensured for as long as the part is waited for; whichever comes first is the answer.
pub(super) async fn read_ahead(
    caller: Caller<'_>,
    call: ReadAhead,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = app_of(caller, call.app.clone(), Some(&call.pack)).await?;
    let (core, context) = (&caller.shared.core, &caller.shared.context);
    // There before the delivery asks who reads.
    let readers = context.readers.of(&app, &call.pack);
    core.event(Event::FactsChanged { news: context.free_space() });
    let ensuring = ensure(core, caller.shared.next_client(), &app, &call);
    tokio::pin!(ensuring);
    let readable = tokio::select! {
        biased;
        ensured = &mut ensuring => ensured?,
        arrived = readers.arrival(&call.path, call.offset, call.bytes) => {
            let arrived = arrived.map_err(|error| refused(&call, &error))?;
            Readable::Arrived(part(arrived))
        }
    };
    replies.last::<ReadAhead>(&readable).await
}

/// Waits until the pack can be read.
async fn ensure(
    core: &CoreHandle,
    client: ClientId,
    app: &AppId,
    call: &ReadAhead,
) -> Result<Readable, End> {
    // Whoever reads a large file asks often: what waits for the pack goes with each question, not with the connection.
    let _leaving = Leaving { core, client };
    let terms = Terms { freshness: Freshness::Any, urgency: call.urgency, until: Until::All };
    let (app, packs) = (app.clone(), vec![call.pack.clone()]);
    let event = move |caller| Event::EnsureRequested { caller, app, packs, terms };
    let Reply::Ensured { mut failed, .. } = core.call(client, event).await? else {
        return Err(internal());
    };
    match failed.remove(&call.pack) {
        Some(failure) => Err(failure.into()),
        None => Ok(Readable::Installed {}),
    }
}

struct Leaving<'a> {
    core: &'a CoreHandle,
    client: ClientId,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.core.event(Event::ClientGone { client: self.client });
    }
}

/// The part as it is described to clients.
fn part(arrived: Arrived) -> ArrivedPart {
    let Arrived { file, version, content, size, end } = arrived;
    let file = file.to_string_lossy().into_owned();
    ArrivedPart { file, version, content, size, end }
}

fn refused(call: &ReadAhead, error: &AheadError) -> Failure {
    let (kind, code, hint) = match error {
        AheadError::TooMany => {
            (ErrorKind::Unavailable, "tooManyReaders", "wait for one of them to be done")
        }
        _ => (
            ErrorKind::NotFound,
            "fileNotFound",
            "`headstart packs status PACK` tells what is known of the pack",
        ),
    };
    let message = format!("pack `{}` cannot be read ahead", call.pack);
    Failure::from_error(kind, code, error).within(message).with_hint(hint)
}
