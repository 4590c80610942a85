//! `io.headstart.Packs.ReadAhead`.

use headstart_deliver::{AheadError, Arrived};
use headstart_engine::record::Freshness;
use headstart_engine::{ClientId, Event, PackKey, Reply, State, Terms, view};
use headstart_model::protocol::packs::{ArrivedPart, ReadAhead, Readable};
use headstart_model::{AppId, ErrorKind, Failure, Until};

use super::meant::{Meant, app_of};
use super::packs::internal;
use super::reply::{Caller, End, Replies};
use crate::inbox::CoreHandle;

/// The pack is ensured for as long as the part is waited for; whichever comes first is the answer.
pub(super) async fn read_ahead(
    caller: Caller<'_>,
    call: ReadAhead,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = app_of(caller, call.app.clone(), Meant::Has(call.pack.clone())).await?;
    let (core, context) = (&caller.shared.core, &caller.shared.context);
    // There before the delivery asks who reads.
    let readers = context.readers.of(&app, &call.pack);
    core.event(Event::FactsChanged { news: context.free_space() });
    let key = PackKey::new(app.clone(), call.pack.clone());
    let is_local = move |state: &State, _| view::pack(state, &key).map(|pack| pack.local_version);
    // What can be read is read as it is, also while another version is on its way.
    let is_local = core.query(is_local).await?.flatten().is_some();
    let waiting = Waiting { core: core.clone(), client: caller.shared.next_client() };
    let readable = tokio::select! {
        biased;
        ensured = ensure(&waiting, &app, &call) => ensured?,
        arrived = readers.arrival(&call.path, call.offset, call.bytes), if !is_local => {
            let arrived = arrived.map_err(|error| refused(&call, &error))?;
            // Whoever reads goes on reading: until the next question the pack stays as urgent as it is.
            context.readers.linger(&app, &call.pack, waiting);
            Readable::Arrived(part(arrived))
        }
    };
    replies.last::<ReadAhead>(&readable).await
}

/// Waits until the pack can be read.
async fn ensure(waiting: &Waiting, app: &AppId, call: &ReadAhead) -> Result<Readable, End> {
    let terms = Terms { freshness: Freshness::Any, urgency: call.urgency, until: Until::All };
    let (app, packs) = (app.clone(), vec![call.pack.clone()]);
    let event = move |caller| Event::EnsureRequested { caller, app, packs, terms };
    let Reply::Ensured { mut failed, .. } = waiting.core.call(waiting.client, event).await? else {
        return Err(internal());
    };
    match failed.remove(&call.pack) {
        Some(failure) => Err(failure.into()),
        None => Ok(Readable::Installed {}),
    }
}

/// One who waits for a pack, to the engine: until it is dropped. Whoever reads a large file asks often, and what waits goes with the
/// question, not with the connection.
pub(crate) struct Waiting {
    core: CoreHandle,
    client: ClientId,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.core.event(Event::ClientGone { client: self.client });
    }
}

/// The part as it is described to clients.
fn part(arrived: Arrived) -> ArrivedPart {
    let Arrived { file, stamp, version, content, size, end } = arrived;
    let (device, inode) = (stamp.device, stamp.inode);
    let file = file.to_string_lossy().into_owned();
    ArrivedPart { file, device, inode, version, content, size, end }
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
