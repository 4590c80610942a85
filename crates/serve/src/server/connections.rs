//! Accepts connections and speaks HTTP on each until it ends.

use super::Limits;
use crate::{
    answer::{Answerer, Connection},
    conditioner::Link,
    seed::Draws,
    wire::{Signals, Wire},
};
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Wait after a failed accept: such failures (no free descriptors) last a while.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Bytes that may wait within one HTTP/2 stream for the client to take them.
const STREAM_BUFFER_BYTES: usize = 128 * 1024;

/// What all connections share.
pub(super) struct Host {
    pub(super) answerer: Arc<Answerer>,
    pub(super) link: Link,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) limits: Limits,
    pub(super) permits: Arc<Semaphore>,
    /// No new connections and requests; finish the others.
    pub(super) stop: CancellationToken,
    /// End everything.
    pub(super) abort: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl Host {
    pub(super) async fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut number = 0;
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.abort.cancelled() => return,
                () = self.stop.cancelled() => return,
                accepted = self.next(&listener) => accepted,
            };
            match accepted {
                Ok((stream, peer, permit)) => {
                    number += 1;
                    let host = Arc::clone(&self);
                    self.tasks.spawn(async move {
                        host.run(stream, peer, number).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// A permit first: clients beyond the limit wait in the system's queue and cost nothing here.
    async fn next(
        &self,
        listener: &TcpListener,
    ) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(io::Error::other)?;
        let (stream, peer) = listener.accept().await?;
        Ok((stream, peer, permit))
    }

    async fn run(&self, stream: TcpStream, peer: SocketAddr, number: u64) {
        let signals = Arc::new(Signals::new(self.abort.child_token(), self.stop.clone()));
        let connection = Arc::new(Connection { number, peer, signals: Arc::clone(&signals) });
        // Without it the last, short segment of each answer waits for an acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(number, "cannot set TCP_NODELAY: {error}");
        }
        let draws = Draws::new(self.link.conditions().seed, number);
        let wire = Wire::new(stream, self.link.clone(), draws, Arc::clone(&signals));
        let Some(acceptor) = &self.tls else {
            return self.serve(wire, connection).await;
        };
        let accepted = tokio::select! {
            () = signals.cut.cancelled() => return,
            () = self.stop.cancelled() => return,
            accepted = tokio::time::timeout(self.limits.head_time, acceptor.accept(wire)) => accepted,
        };
        match accepted {
            Ok(Ok(stream)) => self.serve(stream, connection).await,
            Ok(Err(error)) => tracing::debug!(number, "TLS hand-shake failed: {error}"),
            Err(_) => tracing::debug!(number, "TLS hand-shake took too long"),
        }
    }

    async fn serve<S>(&self, stream: S, connection: Arc<Connection>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (number, signals) = (connection.number, Arc::clone(&connection.signals));
        let answerer = Arc::clone(&self.answerer);
        let service = service_fn(move |request| {
            let (answerer, connection) = (Arc::clone(&answerer), Arc::clone(&connection));
            async move { Ok::<_, Infallible>(answerer.answer(&connection, request).await) }
        });
        let protocol = self.protocol(&signals);
        let mut http = pin!(protocol.serve_connection(TokioIo::new(stream), service));
        let mut opening = pin!(tokio::time::sleep(self.limits.head_time));
        let (mut is_opening, mut is_stopping) = (true, false);
        loop {
            tokio::select! {
                biased;
                () = signals.cut.cancelled() => return,
                () = self.stop.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    http.as_mut().graceful_shutdown();
                }
                ended = http.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(number, "connection ended: {error}");
                    }
                    return;
                }
                // Before the first bytes show which protocol is spoken, no time-out of that
                // protocol runs; whoever sends nothing would keep the connection for ever.
                () = opening.as_mut(), if is_opening => {
                    is_opening = false;
                    if !signals.has_requests() {
                        tracing::debug!(number, "no request came");
                        return;
                    }
                }
            }
        }
    }

    fn protocol(&self, signals: &Arc<Signals>) -> auto::Builder<Tasks> {
        let tasks = Tasks { tasks: self.tasks.clone(), signals: Arc::clone(signals) };
        let mut builder = auto::Builder::new(tasks);
        let head_bytes = self.limits.head_bytes.max(8192);
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_time)
            .max_buf_size(usize::try_from(head_bytes).unwrap_or(usize::MAX));
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(self.limits.head_time)
            .keep_alive_timeout(self.limits.head_time)
            .max_concurrent_streams(self.limits.streams)
            .max_send_buf_size(STREAM_BUFFER_BYTES)
            .max_header_list_size(head_bytes);
        builder
    }
}

/// Runs the streams of an HTTP/2 connection as tasks that end with it and that a shutdown awaits.
#[derive(Clone)]
struct Tasks {
    tasks: TaskTracker,
    signals: Arc<Signals>,
}

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, stream: F) {
        let signals = Arc::clone(&self.signals);
        self.tasks.spawn(async move {
            tokio::select! {
                () = signals.cut.cancelled() => {}
                _ = stream => {}
            }
        });
    }
}
