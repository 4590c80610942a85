//! The local socket: Varlink, one task for each connection.

pub(crate) mod ahead;
mod apps;
mod connection;
mod consume;
mod device;
mod downloads;
mod extension;
mod headers;
mod identity;
mod languages;
mod listening;
mod meant;
mod packs;
mod reply;
mod rights;
mod service;
mod translate;
mod verify;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use headstart_engine::{ClientId, Event};
use headstart_sys::dirs::SocketPlace;
use headstart_sys::socket::Listener;
use tokio_util::sync::CancellationToken;

pub(crate) use connection::{Role, converse};

use rights::Rights;

use crate::clock::Clock;
use crate::extension::Asker;
use crate::inbox::CoreHandle;
use crate::perform::Context;

/// What every connection shares.
#[derive(Debug)]
pub struct Shared {
    /// The way to the engine.
    pub core: CoreHandle,
    /// The device.
    pub context: Arc<Context>,
    /// The clock.
    pub clock: Clock,
    /// Ends the service.
    pub stop: CancellationToken,
    /// Asks apps and extensions.
    pub asker: Asker,
    /// The user whose service this is.
    pub uid: u32,
    clients: AtomicU64,
    /// What connections have until the engine forgets it.
    rights: Rights,
}

impl Shared {
    /// Shared by all connections of one service.
    #[must_use]
    pub fn new(
        core: CoreHandle,
        context: Arc<Context>,
        clock: Clock,
        (stop, asker): (CancellationToken, Asker),
    ) -> Self {
        let uid = headstart_sys::process::own_user();
        Self {
            uid,
            core,
            context,
            clock,
            stop,
            asker,
            clients: AtomicU64::new(0),
            rights: Rights::default(),
        }
    }

    /// The engine has forgotten who listens and who has exclusive control: their connections end, and they open others.
    pub(crate) fn lose_rights(&self) {
        self.rights.lose();
    }

    /// Cancelled when what the connections of this moment listen for or have is forgotten.
    fn rights(&self) -> CancellationToken {
        self.rights.present()
    }

    /// The number of the next connection.
    pub(crate) fn next_client(&self) -> ClientId {
        ClientId(self.clients.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// How long nothing is accepted after the system refused, such as for too many open files: trying on at once would take a
/// whole core and end nothing sooner.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Connections at once; one more waits until another ends. `Ours:` a program uses one for each call under way.
const CONNECTIONS_MAX: usize = 512;
/// How often the socket is looked after, whether it is still there.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Accepts connections until the service stops. The socket is made again at `place` when it was taken away.
///
/// # Errors
/// When the socket cannot be given to the runtime.
pub async fn serve(
    listener: Listener,
    place: SocketPlace,
    shared: Arc<Shared>,
) -> std::io::Result<()> {
    let mut listening = listening::Listening::new(listener, place)?;
    let mut look = tokio::time::interval(LOOK_EVERY);
    let places = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
    loop {
        let place = tokio::select! {
            () = shared.stop.cancelled() => return Ok(()),
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let accepted = tokio::select! {
            () = shared.stop.cancelled() => return Ok(()),
            accepted = listening.accept() => accepted,
            _ = look.tick() => {
                listening.look_after();
                continue;
            }
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                // Such as too many open files: others may end, so the service goes on.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let client = shared.next_client();
            if let Err(error) = converse(stream, client, &shared, Role::Program).await {
                tracing::debug!(%error, client = client.0, "a connection ended");
            }
            shared.core.event(Event::ClientGone { client });
            drop(place);
        });
    }
}
