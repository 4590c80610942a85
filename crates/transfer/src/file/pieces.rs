//! What is missing of a file, by several requests at once.
//!
//! `Ours:` further connections are opened when the length is known, and not along with the first request: over 20 Mbit/s with 40 ms that
//! would save a megabyte half a round trip and eight of them nothing, and every short file, and every server with HTTP/2, would get
//! connections that nobody uses.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use http::StatusCode;
use tokio::sync::OwnedSemaphorePermit;

use super::board::Piece;
use super::fetch::Fetch;
use super::receive::Gather;
use super::spread::Spread;
use crate::http::Answer;
use crate::{Notice, TransferError, Urgency, Violation};

/// How often it is considered whether more connections would pay: after the first ones have got up to speed, and not for what ends soon.
const CONSIDERED_EVERY: Duration = Duration::from_secs(1);

/// One who fetches pieces until none is left.
type Worker<'f> = BoxFuture<'f, Result<(), TransferError>>;

impl Fetch<'_> {
    /// Everything that is missing, by several requests at once.
    pub(super) async fn receive_pieces(
        &self,
        answer: Answer,
        piece: Piece,
    ) -> Result<(), TransferError> {
        let disk = self.disk().map_err(|source| self.failed(source))?;
        let mut spread = Spread::new();
        let mut workers = FuturesUnordered::<Worker<'_>>::new();
        workers.push(Box::pin(self.work(Some((answer, piece)), None)));
        self.grow(&mut workers, &spread);
        let mut ticks = tokio::time::interval(CONSIDERED_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        ticks.tick().await;
        let mut measured: Option<(Instant, u64)> = None;
        loop {
            tokio::select! {
                ended = workers.next() => {
                    let result = ended.unwrap_or(Ok(()));
                    if self.part.is_complete() {
                        return Ok(());
                    }
                    self.after_worker(result, workers.len(), &mut spread)?;
                    self.grow(&mut workers, &spread);
                }
                _ = ticks.tick() => {
                    // Only a time in which the same connections were open tells something about them.
                    let (now, bytes) = (Instant::now(), disk.bytes());
                    let gives_way = self.tracking.pace().urgency() == Urgency::Background;
                    measured = match measured.take() {
                        // How fast it is says nothing about the path.
                        _ if gives_way => None,
                        Some((since, before)) => {
                            let seconds = now.saturating_duration_since(since).as_secs_f64();
                            spread.measured((bytes - before) as f64 / seconds.max(0.001));
                            None
                        }
                        None => Some((now, bytes)),
                    };
                    self.grow(&mut workers, &spread);
                }
            }
        }
    }

    /// One of those who fetch has ended. The failure of the last one is that of the round; when others go on it only shows
    /// that the server does not bear so many.
    fn after_worker(
        &self,
        result: Result<(), TransferError>,
        left: usize,
        spread: &mut Spread,
    ) -> Result<(), TransferError> {
        let Err(error) = result else { return Ok(()) };
        let replaced =
            matches!(&error, TransferError::Unusable { violation: Violation::Replaced, .. });
        if left == 0 || error.is_local() || replaced {
            return Err(error);
        }
        spread.refused(left);
        self.meter.count(|counts| counts.retries += 1);
        let origin = self.meter.origin();
        let delay = Duration::ZERO;
        self.tracking.notify(&Notice::Retrying { origin: &origin, delay, error: &error });
        Ok(())
    }

    /// Brings the number of workers to what `spread` wants, as far as there is something to do and connections are free. One
    /// there always is.
    fn grow<'f>(&'f self, workers: &mut FuturesUnordered<Worker<'f>>, spread: &Spread) {
        let target = spread.target(self.tracking.pace().urgency());
        self.wanted.store(target, Ordering::Relaxed);
        while workers.len() < target {
            let slot = Arc::clone(&self.client.inner.file_slots).try_acquire_owned().ok();
            if slot.is_none() && !workers.is_empty() {
                return;
            }
            let Some(piece) = self.claim(self.part.total_bytes.unwrap_or(0)) else { return };
            workers.push(Box::pin(self.fetch_from(piece, slot)));
        }
    }

    async fn fetch_from(
        &self,
        piece: Piece,
        slot: Option<OwnedSemaphorePermit>,
    ) -> Result<(), TransferError> {
        let held = Held { fetch: self, number: piece.number };
        let answer = self.open_piece(piece).await?;
        std::mem::forget(held);
        self.work(Some((answer, piece)), slot).await
    }

    /// Fetches pieces until none is left; the first one has been asked for already.
    async fn work(
        &self,
        mut next: Option<(Answer, Piece)>,
        _slot: Option<OwnedSemaphorePermit>,
    ) -> Result<(), TransferError> {
        let _working = Working::of(&self.working);
        loop {
            let (mut answer, held, piece) = if let Some((answer, piece)) = next.take() {
                (answer, Held { fetch: self, number: piece.number }, piece)
            } else {
                let Some(piece) = self.claim(self.part.total_bytes.unwrap_or(0)) else {
                    return Ok(());
                };
                let held = Held { fetch: self, number: piece.number };
                (self.open_piece(piece).await?, held, piece)
            };
            self.receive_piece(&mut answer, piece).await?;
            drop(held);
            // Fewer are wanted than there were.
            if self.working.load(Ordering::Relaxed) > self.wanted.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
    }

    async fn receive_piece(&self, answer: &mut Answer, piece: Piece) -> Result<(), TransferError> {
        let disk = self.disk().map_err(|source| self.failed(source))?;
        let mut gather = Gather::new(disk, &self.request.path, &self.meter, piece.start);
        while self.board().left(piece.number) > 0 {
            let Some(mut chunk) = gather.next(&mut answer.body).await? else {
                if answer.body.received_bytes() == 0 {
                    return Err(answer.body.ended_early());
                }
                break;
            };
            self.count_down(&chunk);
            let taken = self.board().arrived(piece.number, chunk.len() as u64);
            chunk.truncate(usize::try_from(taken).unwrap_or(usize::MAX));
            gather.push(chunk).await?;
        }
        gather.flush().await?;
        if self.board().left(piece.number) == 0 {
            // The end of the body, so that the connection can be used again; only if nothing more comes before it.
            answer.body.finish().await;
        }
        Ok(())
    }

    async fn open_piece(&self, piece: Piece) -> Result<Answer, TransferError> {
        let answer = self.ask_piece(piece, false).await?;
        match answer.status {
            StatusCode::PARTIAL_CONTENT => {
                self.check_piece(&answer, piece)?;
                Ok(answer)
            }
            // It has changed, or the server has no ranges any more: found out by the next round, which asks alone.
            StatusCode::OK | StatusCode::RANGE_NOT_SATISFIABLE => {
                Err(answer.unusable(Violation::Replaced))
            }
            _ => Err(answer.into_status_error().await),
        }
    }
}

/// Counts as one who works, until it is dropped.
struct Working<'a>(&'a AtomicUsize);

impl<'a> Working<'a> {
    fn of(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A piece that is given back when its holder ends, in whatever way.
struct Held<'f, 'a> {
    fetch: &'f Fetch<'a>,
    number: u64,
}

impl Drop for Held<'_, '_> {
    fn drop(&mut self) {
        self.fetch.board().release(self.number);
    }
}
