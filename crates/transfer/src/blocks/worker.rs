//! The workers that fetch ranges side by side.

mod attempt;

use std::convert::Infallible;
use std::sync::{Mutex as StdMutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::BlockRequest;
use super::board::{Board, Ticket};
use super::growth::{Growth, Trouble};
use super::heads::Heads;
use super::precedence::Precedence;
use super::sink::BlockSink;
use super::sources::{Choice, Source, Sources};
use crate::pacing::BACKGROUND_RANGES_MAX;
use crate::retry::{Attempts, Pause, Waits};
use crate::{Client, Notice, RangePlan, RequestError, Tracking, TransferError, Urgency};

/// How often a worker without work looks whether somebody needs help.
const LOOK_AROUND: Duration = Duration::from_millis(250);
/// A range shorter than this says nothing about the speed of its source.
const RATED_AFTER: Duration = Duration::from_millis(200);
/// An attempt that brings so much of a block is not in vain.
const ADVANCE_BYTES_MIN: usize = 16 * 1024;

/// One call of [`Client::fetch_blocks`]. All workers run within the caller's future, so dropping it stops them all.
pub(super) struct Fetch<'a, S> {
    client: &'a Client,
    request: &'a BlockRequest,
    tracking: &'a Tracking,
    sources: Sources<'a>,
    board: Board,
    heads: Heads,
    growth: StdMutex<Growth>,
    /// Workers wait here with their verified block while another one is being taken.
    sink: Mutex<&'a mut S>,
    began: Instant,
}

/// Why an attempt ended before its range did.
enum Setback {
    /// The source, or the way to it, failed.
    Failed(TransferError),
    /// Wrong bytes that came from several sources: the block is fetched again, and nobody is to blame.
    Mixed(TransferError),
    /// Others have all blocks of the range.
    Lost,
}

impl From<TransferError> for Setback {
    fn from(error: TransferError) -> Self {
        Self::Failed(error)
    }
}

impl<'a, S: BlockSink> Fetch<'a, S> {
    pub(super) fn new(
        client: &'a Client,
        (request, ranges): (&'a BlockRequest, &[RangePlan]),
        heads: Heads,
        sink: &'a mut S,
        tracking: &'a Tracking,
    ) -> Self {
        Self {
            client,
            request,
            tracking,
            sources: Sources::new(&request.sources, tracking.meter()),
            board: Board::new(&request.blocks, ranges, request.options.coalesce),
            heads,
            growth: StdMutex::new(Growth::new(client.inner.config.concurrency)),
            sink: Mutex::new(sink),
            began: Instant::now(),
        }
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn growth<T>(&self, change: impl FnOnce(&mut Growth) -> T) -> T {
        // Nothing panics while it is held, and every state of it is a good one.
        change(&mut self.growth.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many ranges may be under way now.
    fn allowed(&self) -> usize {
        let allowed = self.growth(|growth| growth.allowed());
        match self.tracking.pace().urgency() {
            Urgency::Foreground => allowed,
            Urgency::Background => allowed.min(BACKGROUND_RANGES_MAX),
        }
    }

    /// Fetches ranges until no block is left.
    pub(super) async fn work(&self) -> Result<(), TransferError> {
        loop {
            let changed = self.board.changed.notified();
            if let Some(ticket) = self.next() {
                let finished = self.finish(&ticket).await;
                self.board.end(ticket.job, self.now());
                self.board.changed.notify_waiters();
                finished?;
            } else if self.board.is_done() {
                return Ok(());
            } else {
                // At the time-out somebody may have become slow; before it nobody can.
                let _ = tokio::time::timeout(LOOK_AROUND, changed).await;
            }
        }
    }

    /// Brings forward what is wanted first, whenever that changes. Never ends.
    pub(super) async fn follow(&self, precedence: &Precedence) -> Infallible {
        let mut wanted = precedence.follow();
        // A server without ranges is read from the first byte on: that is known when the first answer is there.
        loop {
            let changed = self.board.changed.notified();
            if self.growth(|growth| growth.is_opened()) {
                break;
            }
            changed.await;
        }
        loop {
            self.board.prefer(&wanted.borrow_and_update());
            if wanted.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn next(&self) -> Option<Ticket> {
        let (allowed, now) = (self.allowed(), self.now());
        let waiting =
            if self.board.busy() < allowed { self.board.take(allowed, now) } else { None };
        // Help may exceed what is allowed by one: a range that is silent is hardly under way.
        let spare = self.board.busy() <= allowed;
        let limited = self.tracking.pace().limit().narrowest().is_some();
        let may_help = spare && !limited && self.sources.is_any_left();
        match waiting {
            None if may_help => self.board.help(self.growth(|growth| growth.rates()), now),
            other => other,
        }
    }

    /// Fetches all blocks of a range, in as many attempts as it takes.
    async fn finish(&self, ticket: &Ticket) -> Result<(), TransferError> {
        let mut attempts = Attempts::new(self.client, self.tracking);
        while let Some(first) = self.board.front(ticket.job) {
            let source = match self.sources.choose(self.now()) {
                Choice::Ask(source) => source,
                Choice::Wait(time) => {
                    self.pause(ticket, time).await;
                    continue;
                }
                Choice::Nobody => {
                    let error = self.sources.last_error();
                    return self.give_up(ticket, error.unwrap_or(RequestError::NoSource.into()));
                }
            };
            let kept_bytes = self.heads.kept_bytes(&first);
            let attempt = self.attempt(source, ticket, attempts.past_caches()).await;
            let rate = self.board.rate(ticket.job, self.now());
            self.sources
                .done(source, rate.filter(|(_, age)| *age > RATED_AFTER).map(|(rate, _)| rate));
            let error = match attempt {
                Err(Setback::Mixed(error)) if attempts.is_corrupt_too_often() => return Err(error),
                Ok(()) | Err(Setback::Mixed(_) | Setback::Lost) => continue,
                Err(Setback::Failed(error)) => error,
            };
            if self.board.front(ticket.job) != Some(first) {
                attempts.progressed();
            } else if self.heads.kept_bytes(&first) >= kept_bytes + ADVANCE_BYTES_MIN {
                attempts.advanced();
            }
            if error.is_local() {
                return Err(error);
            }
            if !self.board.give_back(ticket.job) {
                return Ok(());
            }
            self.sources.failed(source, &error);
            if let Err(error) = self.after_failure(error, source, (ticket, &mut attempts)).await {
                return self.give_up(ticket, error);
            }
        }
        Ok(())
    }

    /// A range has failed for good: so has the transfer, unless others fetch its blocks too, who have attempts of their own.
    fn give_up(&self, ticket: &Ticket, error: TransferError) -> Result<(), TransferError> {
        if !self.board.is_held_by_others(ticket.job) {
            return Err(error);
        }
        self.sources.keep(error);
        Ok(())
    }

    /// A source has shown that it gives ranges.
    fn opened(&self) {
        self.growth(|growth| growth.opened(self.now()));
        self.board.changed.notify_waiters();
    }

    async fn after_failure(
        &self,
        error: TransferError,
        source: &Source<'_>,
        (ticket, attempts): (&Ticket, &mut Attempts<'_>),
    ) -> Result<(), TransferError> {
        if !error.is_retryable() {
            // This source is out, which can happen only once to each: no attempt is used up.
            if !self.sources.is_any_left() {
                return Err(error);
            }
            source.meter.count(|counts| counts.retries += 1);
            let origin = source.meter.origin();
            self.tracking.notify(&Notice::SourceDropped { origin: &origin, error: &error });
            return Ok(());
        }
        let trouble = trouble(&error);
        let pause =
            if self.sources.has_untroubled() { Pause::Skip(source.number) } else { Pause::Wait };
        if self.sources.may_be_of_the_way(source) {
            self.growth(|growth| growth.failed(self.now(), trouble));
        }
        let Waits { before_next, of_source } = attempts.next(error, &source.meter, pause)?;
        if trouble == Trouble::Overloaded {
            self.sources.rest(source, self.now() + of_source);
        }
        self.pause(ticket, before_next).await;
        Ok(())
    }

    /// Waits, unless others take all blocks of the range meanwhile.
    async fn pause(&self, ticket: &Ticket, time: Duration) {
        if !time.is_zero() {
            let _ = tokio::time::timeout(time, ticket.lost.notified()).await;
        }
    }
}

fn trouble(error: &TransferError) -> Trouble {
    match error {
        TransferError::Status { status, retry_after, .. }
            if retry_after.is_some()
                || *status == StatusCode::TOO_MANY_REQUESTS
                || *status == StatusCode::SERVICE_UNAVAILABLE =>
        {
            Trouble::Overloaded
        }
        _ => Trouble::Broken,
    }
}

#[cfg(test)]
mod tests;
