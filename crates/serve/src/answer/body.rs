//! Sends a payload piece by piece, in bounded memory, and misbehaves on the way if told to.

use super::{
    payload::{Payload, Piece},
    record::Record,
};
use crate::wire::Signals;
use bytes::Bytes;
use futures::{StreamExt, stream, stream::BoxStream};
use hyper::body::{Body, Frame, SizeHint};
use std::{
    collections::VecDeque,
    fs::File,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

/// Bytes read from disk at once, and so the memory that one answer needs beside the connection's
/// own buffers.
const PIECE_BYTES: u64 = 128 * 1024;
/// A drip of [`Manner::Drip`].
const DRIP_BYTES: u64 = 1024;
/// The pause before each drip but the first.
const DRIP_PAUSE: Duration = Duration::from_millis(20);
/// How long a cut over HTTP/2 waits for a flush; see [`Feed::stop`].
const LONGEST_FLUSH: Duration = Duration::from_millis(100);

/// How the bytes are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// As fast as the client takes them.
    Steady,
    /// Slowly.
    Drip,
    /// Up to that offset; then the connection ends.
    CutAt(u64),
    /// Up to that offset; then nothing until the connection ends.
    StallAt(u64),
}

/// How an answer's body differs from what is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) manner: Manner,
    /// Offsets in the body and the bits that are flipped there.
    pub(super) flips: Vec<(u64, u8)>,
}

impl Delivery {
    pub(super) const fn steady() -> Self {
        Self { manner: Manner::Steady, flips: Vec::new() }
    }
}

/// Which protocol carries the body: only over HTTP/1 does a flush follow each pause of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    Http1,
    Http2,
}

/// The body of an answer.
pub(crate) struct SendBody {
    bytes: BoxStream<'static, io::Result<Bytes>>,
    left: u64,
    record: Record,
}

impl SendBody {
    pub(super) fn empty(mut record: Record) -> Self {
        record.complete();
        Self { bytes: stream::empty().boxed(), left: 0, record }
    }

    pub(super) fn new(
        payload: Payload,
        delivery: Delivery,
        carrier: Carrier,
        signals: Arc<Signals>,
        record: Record,
    ) -> Self {
        if payload.len == 0 {
            return Self::empty(record);
        }
        let left = payload.len;
        let feed = Feed { pieces: payload.pieces, position: 0, delivery, carrier, signals };
        let bytes =
            stream::unfold(
                feed,
                |mut feed| async move { feed.next().await.map(|bytes| (bytes, feed)) },
            );
        Self { bytes: bytes.boxed(), left, record }
    }
}

impl Body for SendBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let Some(bytes) = ready!(self.bytes.poll_next_unpin(cx)).transpose()? else {
            return Poll::Ready(None);
        };
        let len = bytes.len() as u64;
        self.left = self.left.saturating_sub(len);
        self.record.sent(len);
        if self.left == 0 {
            self.record.complete();
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// What is still to be sent.
struct Feed {
    pieces: VecDeque<Piece>,
    position: u64,
    delivery: Delivery,
    carrier: Carrier,
    signals: Arc<Signals>,
}

impl Feed {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        let most = match self.delivery.manner {
            Manner::Steady => PIECE_BYTES,
            Manner::Drip => {
                if self.position > 0 {
                    tokio::time::sleep(DRIP_PAUSE).await;
                }
                DRIP_BYTES
            }
            Manner::CutAt(offset) | Manner::StallAt(offset) => {
                if self.position >= offset {
                    self.stop().await;
                }
                PIECE_BYTES.min(offset.saturating_sub(self.position))
            }
        };
        let bytes = match self.take(most).await? {
            Ok(bytes) => self.flip(bytes),
            Err(error) => return Some(Err(error)),
        };
        self.position += bytes.len() as u64;
        Some(Ok(bytes))
    }

    /// Ends the connection at the right moment, and never returns: who polls this is dropped with
    /// the connection.
    async fn stop(&self) {
        match (self.delivery.manner, self.carrier) {
            (Manner::StallAt(_), _) => self.signals.stopping.cancelled().await,
            // The task that waits here is the one that writes: once this is pending it flushes, so
            // exactly the bytes before the point arrive.
            (_, Carrier::Http1) => self.signals.flushed().await,
            // Another task writes, and may have flushed before this one began to wait.
            (_, Carrier::Http2) => {
                let _ = tokio::time::timeout(LONGEST_FLUSH, self.signals.flushed()).await;
            }
        }
        self.signals.cut.cancel();
        std::future::pending::<()>().await;
    }

    async fn take(&mut self, most: u64) -> Option<io::Result<Bytes>> {
        let piece = self.pieces.front_mut()?;
        let (taken, empty) = match piece {
            Piece::Bytes(bytes) => {
                let most = usize::try_from(most).unwrap_or(usize::MAX).min(bytes.len());
                (Ok(bytes.split_to(most)), bytes.is_empty())
            }
            Piece::File { file, offset, len } => {
                let (at, step) = (*offset, most.min(*len));
                *offset += step;
                *len -= step;
                let empty = *len == 0;
                (read(Arc::clone(file), at, step).await, empty)
            }
        };
        if empty {
            self.pieces.pop_front();
        }
        Some(taken)
    }

    fn flip(&self, bytes: Bytes) -> Bytes {
        let end = self.position + bytes.len() as u64;
        let hits = |at: u64| (self.position..end).contains(&at);
        if !self.delivery.flips.iter().any(|(at, _)| hits(*at)) {
            return bytes;
        }
        let mut changed = bytes.to_vec();
        for (at, bits) in &self.delivery.flips {
            let index = at.checked_sub(self.position).and_then(|i| usize::try_from(i).ok());
            if let Some(byte) = index.and_then(|index| changed.get_mut(index)) {
                *byte ^= bits;
            }
        }
        changed.into()
    }
}

async fn read(file: Arc<File>, offset: u64, len: u64) -> io::Result<Bytes> {
    let read = tokio::task::spawn_blocking(move || {
        // At most a piece: the callers ask for no more.
        let mut buffer = vec![0; usize::try_from(len.min(PIECE_BYTES)).unwrap_or_default()];
        read_exact_at(&file, &mut buffer, offset)?;
        Ok(Bytes::from(buffer))
    });
    read.await.map_err(io::Error::other)?
}

/// A file that has become shorter than its Content-Length ends in an error, and so in a broken
/// connection: the client must not take what came for all of it.
#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, buffer, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        offset += read as u64;
        buffer = std::mem::take(&mut buffer).get_mut(read..).unwrap_or_default();
    }
    Ok(())
}
