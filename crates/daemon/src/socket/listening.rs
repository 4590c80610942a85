//! The listening socket, which is made again when it was taken away: else the service would run on and nobody could reach it.

use std::io;

use headstart_sys::dirs::SocketPlace;
use headstart_sys::socket::{Claim, Listener};
use tokio::net::{UnixListener, UnixStream};

/// The socket of a running service.
#[derive(Debug)]
pub(super) struct Listening {
    place: SocketPlace,
    /// None while the socket cannot be made again.
    open: Option<(UnixListener, Claim)>,
}

impl Listening {
    /// Goes on with `listener`; `place` is where it is made again.
    pub(super) fn new(listener: Listener, place: SocketPlace) -> io::Result<Self> {
        Ok(Self { place, open: Some(in_runtime(listener)?) })
    }

    /// The next connection. Cancel safe.
    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        match &self.open {
            Some((listener, _)) => listener.accept().await.map(|(stream, _)| stream),
            None => std::future::pending().await,
        }
    }

    /// Makes the socket again if clients do not find it any more: a cleaner of temporary folders took it, or a person.
    pub(super) fn look_after(&mut self) {
        if self.open.as_ref().is_some_and(|(_, claim)| claim.is_in_place()) {
            return;
        }
        // Given up first: whoever binds takes the lock that this holds.
        let lost = self.open.take().is_some();
        match self.listen() {
            Ok(open) => {
                tracing::warn!(socket = %self.place.path().display(), "the socket was gone; it was made again");
                self.open = Some(open);
            }
            Err(error) if lost => {
                tracing::error!(%error, "the socket is gone and cannot be made again yet");
            }
            Err(error) => tracing::debug!(%error, "the socket still cannot be made again"),
        }
    }

    fn listen(&self) -> io::Result<(UnixListener, Claim)> {
        self.place.prepare().map_err(io::Error::other)?;
        in_runtime(Listener::bind(self.place.path()).map_err(io::Error::other)?)
    }
}

fn in_runtime(listener: Listener) -> io::Result<(UnixListener, Claim)> {
    let (listener, claim) = listener.into_parts();
    listener.set_nonblocking(true)?;
    Ok((UnixListener::from_std(listener)?, claim))
}
