//! The one descriptor that an extension inherits: on it, it asks for connections. `docs/format/socket.md`.

use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;

use headstart_engine::Event;
use headstart_sys::socket::send_with_descriptor;
use tokio::io::{AsyncReadExt as _, Interest};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;

use super::Inner;
use super::run::Run;
use crate::socket;

/// Connections of one extension at the same time; a further one waits.
const CONNECTIONS_MAX: usize = 16;

/// Hands connections out until the extension ends. An extension that closes its port while it lives is ended: it cannot be
/// asked anything any more.
pub(super) fn serve(
    inner: &Arc<Inner>,
    run: &Arc<Run>,
    service_end: StdStream,
) -> std::io::Result<()> {
    service_end.set_nonblocking(true)?;
    let _guard = inner.runtime.enter();
    let port = UnixStream::from_std(service_end)?;
    let (inner, run) = (Arc::clone(inner), Arc::clone(run));
    let runtime = inner.runtime.clone();
    runtime.spawn(async move {
        tokio::select! {
            result = hand_out(&inner, &run, port) => {
                if let Err(error) = result {
                    tracing::debug!(app = %run.app(), %error, "an extension's port broke");
                }
                run.disconnected().await;
            }
            () = run.until_ended() => {}
        }
    });
    Ok(())
}

async fn hand_out(inner: &Arc<Inner>, run: &Arc<Run>, mut port: UnixStream) -> std::io::Result<()> {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut wish = [0_u8; 1];
    while port.read(&mut wish).await? > 0 {
        let place = Arc::clone(&places).acquire_owned().await.map_err(std::io::Error::other)?;
        let Some(shared) = inner.shared.get().and_then(std::sync::Weak::upgrade) else {
            return Ok(());
        };
        let (ours, theirs) = StdStream::pair()?;
        ours.set_nonblocking(true)?;
        let stream = UnixStream::from_std(ours)?;
        loop {
            port.writable().await?;
            let send = || send_with_descriptor(&port, &[1], theirs.as_fd());
            match port.try_io(Interest::WRITABLE, send) {
                Ok(_) => break,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        drop(theirs);
        let run = Arc::clone(run);
        tokio::spawn(async move {
            let client = shared.next_client();
            let role = socket::Role::Extension(run);
            if let Err(error) = socket::converse(stream, client, &shared, role).await {
                tracing::debug!(%error, client = client.0, "a connection of an extension ended");
            }
            shared.core.event(Event::ClientGone { client });
            drop(place);
        });
    }
    Ok(())
}
