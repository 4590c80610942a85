//! The socket below HTTP and TLS: where the link is conditioned, and where it is seen that bytes
//! have left.

use crate::{
    conditioner::{Grant, Link},
    seed::Draws,
};
use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::watch,
    time::{Instant, Sleep},
};
use tokio_util::sync::CancellationToken;

/// What the parts of one connection tell each other.
#[derive(Debug)]
pub(crate) struct Signals {
    /// Ends this connection at once; a child of the server's own token.
    pub(crate) cut: CancellationToken,
    /// The server is shutting down: finish what is under way.
    pub(crate) stopping: CancellationToken,
    flushes: watch::Sender<()>,
    requests: AtomicU64,
}

impl Signals {
    pub(crate) fn new(cut: CancellationToken, stopping: CancellationToken) -> Self {
        Self { cut, stopping, flushes: watch::Sender::new(()), requests: AtomicU64::new(0) }
    }

    pub(crate) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn has_requests(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }

    /// Waits until everything that was written before has been handed to the kernel. Ends only
    /// with the next flush, so the caller must be sure that one comes.
    pub(crate) async fn flushed(&self) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self.flushes.subscribe().changed().await;
    }
}

/// A socket whose writes obey the link conditioner.
pub(crate) struct Wire<S> {
    socket: S,
    link: Link,
    draws: Draws,
    signals: Arc<Signals>,
    granted: usize,
    not_before: Option<Pin<Box<Sleep>>>,
}

impl<S> Wire<S> {
    pub(crate) const fn new(socket: S, link: Link, draws: Draws, signals: Arc<Signals>) -> Self {
        Self { socket, link, draws, signals, granted: 0, not_before: None }
    }

    /// How many of `wanted` bytes may be written now.
    fn poll_granted(&mut self, wanted: usize, cx: &mut Context<'_>) -> Poll<usize> {
        loop {
            if let Some(sleep) = &mut self.not_before {
                ready!(sleep.as_mut().poll(cx));
                self.not_before = None;
            }
            if self.granted > 0 {
                return Poll::Ready(self.granted.min(wanted));
            }
            let now = Instant::now();
            match self.link.grant(wanted, &mut self.draws, now) {
                Grant::Free => return Poll::Ready(wanted),
                Grant::Piece { bytes, at } => {
                    self.granted = bytes;
                    if at > now {
                        self.not_before = Some(Box::pin(tokio::time::sleep_until(at)));
                    }
                }
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let most = ready!(self.poll_granted(bytes.len(), cx));
        let piece = bytes.get(..most).unwrap_or(bytes);
        let written = ready!(Pin::new(&mut self.socket).poll_write(cx, piece))?;
        self.granted = self.granted.saturating_sub(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.socket).poll_flush(cx))?;
        self.signals.flushes.send_replace(());
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{conditioner::LinkConditions, quantity::Percent};
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn wire(
        conditions: LinkConditions,
    ) -> (Wire<tokio::io::DuplexStream>, tokio::io::DuplexStream) {
        let (near, far) = tokio::io::duplex(1 << 20);
        let token = CancellationToken::new();
        let signals = Arc::new(Signals::new(token.clone(), token));
        (Wire::new(near, Link::new(conditions), Draws::new(0, 0), signals), far)
    }

    async fn time_to_send(conditions: LinkConditions, len: usize) -> Duration {
        let (mut wire, mut far) = wire(conditions);
        let sent: Vec<u8> = (0_u8..251).cycle().take(len).collect();
        let started = Instant::now();
        wire.write_all(&sent).await.unwrap();
        wire.flush().await.unwrap();
        let taken = started.elapsed();
        drop(wire);
        let mut received = Vec::new();
        far.read_to_end(&mut received).await.unwrap();
        assert!(received == sent, "the bytes arrive as they were sent");
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn bandwidth_paces_the_bytes_that_are_written() {
        let conditions = LinkConditions {
            bandwidth: Some("100kB".parse().unwrap()),
            ..LinkConditions::default()
        };
        let taken = time_to_send(conditions, 300_000).await;
        assert!((2_940..=3_010).contains(&taken.as_millis()), "{taken:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn loss_holds_each_piece_back() {
        let conditions = LinkConditions {
            loss: Percent::new(100),
            latency: Duration::from_millis(100),
            ..LinkConditions::default()
        };
        let taken = time_to_send(conditions, 4 * 16 * 1024).await;
        assert!((400..=408).contains(&taken.as_millis()), "{taken:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn link_without_conditions_takes_no_time() {
        let taken = time_to_send(LinkConditions::default(), 300_000).await;
        assert_eq!(taken, Duration::ZERO);
    }

    #[tokio::test]
    async fn waiting_for_a_flush_ends_with_it() {
        let (mut wire, _far) = wire(LinkConditions::default());
        let signals = Arc::clone(&wire.signals);
        let ((), flushed) = tokio::join!(signals.flushed(), wire.flush());
        flushed.unwrap();
    }
}
