//! One request for the rest of a range, and the blocks that come of it.

use std::time::Duration;

use bytes::Bytes;
use headstart_model::Verified;
use http::StatusCode;
use tokio::time::timeout;

use super::{Fetch, Setback};
use crate::blocks::WantedBlock;
use crate::blocks::board::Ticket;
use crate::blocks::cutter::Cutter;
use crate::blocks::heads::{Giver, Head, SAVE_EVERY};
use crate::blocks::sink::BlockSink;
use crate::blocks::source::{BlockSource, RangeReader};
use crate::blocks::sources::Source;
use crate::http::{Answer, Ask, ContentRange, RangeWanted};
use crate::ledger::Arriving;
use crate::{Interruption, ShownUrl, TransferError, Violation};

/// A body, from whatever source.
enum Incoming {
    Answer(Box<Answer>),
    Reader(Box<dyn RangeReader>),
}

/// One attempt: a body, and where it stands.
struct Attempt<'w> {
    source: &'w Source<'w>,
    ticket: &'w Ticket,
    incoming: Incoming,
    cutter: Cutter,
    arriving: Arriving,
    /// Of the block that is being received; its bytes are the cutter's.
    head: Head,
    saved_at: Duration,
}

impl<S: BlockSink> Fetch<'_, S> {
    /// One request. Blocks that were handed over are taken off the range; success means that none is left.
    pub(super) async fn attempt(
        &self,
        source: &Source<'_>,
        ticket: &Ticket,
        past_caches: bool,
    ) -> Result<(), Setback> {
        let Some((first, end, head)) = self.beginning(ticket).await else { return Ok(()) };
        let start = first.offset + head.bytes.len() as u64;
        self.board.asked(ticket.job, self.now());
        let opening = self.open(source, ticket, ((start, end), past_caches));
        let (incoming, start) = match self.unless_lost(ticket, opening).await {
            Ok(opened) => opened,
            Err(setback) => {
                self.heads.keep(&first, head);
                return Err(setback);
            }
        };
        // Another one may have been faster with the first block meanwhile: the next one does not begin with its head.
        let is_at_first = self.board.front(ticket.job) == Some(first);
        let head = if is_at_first { head } else { Head::default() };
        let mut head = Head { begun_bytes: head.bytes.len(), ..head };
        let cutter = Cutter::new(start, std::mem::take(&mut head.bytes));
        let saved_at = self.now();
        let arriving = Arriving::new(&source.meter);
        let mut attempt = Attempt { source, ticket, incoming, cutter, arriving, head, saved_at };
        while let Some(block) = self.board.front(ticket.job) {
            let bytes = match self.next_block(&mut attempt, &block).await {
                Ok(bytes) => bytes,
                Err(setback) => {
                    self.keep_head(attempt, &block);
                    return Err(setback);
                }
            };
            let head = std::mem::take(&mut attempt.head);
            attempt.saved_at = self.now();
            self.hand_over(&attempt, &block, (bytes, &head)).await?;
            attempt.arriving.set(0);
        }
        Ok(())
    }

    /// The first block of a range, the offset after the last one, and what is there of the first.
    async fn beginning(&self, ticket: &Ticket) -> Option<(WantedBlock, u64, Head)> {
        loop {
            let (first, _) = self.board.extent(ticket.job)?;
            let head = self.heads.take(&first).await;
            let (block, end) = self.board.extent(ticket.job)?;
            // If it is another one, somebody was faster with the first.
            if block == first {
                return Some((first, end, head));
            }
        }
    }

    async fn open(
        &self,
        source: &Source<'_>,
        ticket: &Ticket,
        ((start, end), past_caches): ((u64, u64), bool),
    ) -> Result<(Incoming, u64), TransferError> {
        let url = match source.from {
            BlockSource::Url(url) => url,
            BlockSource::Other(other) => {
                let after = self.client.inner.config.stall_timeout;
                let opened = timeout(after, other.open(start, end)).await;
                let reader = opened.map_err(|_| stalled(&other.name(), after))??;
                self.opened();
                return Ok((Incoming::Reader(reader), start));
            }
        };
        let asked = RangeWanted { start, end };
        let mut ask = Ask::new(url).range(asked).within(self.tracking.session());
        if past_caches {
            ask = ask.past_caches();
        }
        let answer = self.client.ask(&ask, &source.meter).await?;
        let (answer, start) = self.check(answer, asked, ticket).await?;
        Ok((Incoming::Answer(Box::new(answer)), start))
    }

    /// Checks the head of an answer; says at which offset of the file its body begins.
    async fn check(
        &self,
        answer: Answer,
        asked: RangeWanted,
        ticket: &Ticket,
    ) -> Result<(Answer, u64), TransferError> {
        match answer.status {
            StatusCode::PARTIAL_CONTENT => {
                let found = ContentRange::check(&answer.headers, asked)
                    .map_err(|violation| answer.unusable(violation))?;
                self.check_size(&answer, found.file_bytes)?;
                self.opened();
                Ok((answer, asked.start))
            }
            StatusCode::OK => {
                self.check_size(&answer, answer.body.announced_bytes())?;
                let limit_bytes = self.request.options.max_skip_bytes;
                let Some(left_bytes) = limit_bytes.checked_sub(asked.start) else {
                    let skip_bytes = asked.start;
                    let violation = Violation::RangeIgnored { skip_bytes, limit_bytes };
                    return Err(answer.unusable(violation));
                };
                self.board.take_along(ticket.job, left_bytes);
                Ok((answer, 0))
            }
            StatusCode::RANGE_NOT_SATISFIABLE => {
                answer.body.drain().await;
                let promised_bytes = self.request.file_bytes;
                Err(TransferError::Shorter { url: answer.url, promised_bytes })
            }
            _ => Err(answer.into_status_error().await),
        }
    }

    /// A file of another length is another file: its blocks would only fail one by one.
    fn check_size(&self, answer: &Answer, named_bytes: Option<u64>) -> Result<(), TransferError> {
        let promised_bytes = self.request.file_bytes;
        match named_bytes {
            Some(actual_bytes) if actual_bytes != promised_bytes => {
                Err(answer.unusable(Violation::OtherSize { promised_bytes, actual_bytes }))
            }
            _ => Ok(()),
        }
    }

    /// Reads on until `block` is complete.
    async fn next_block(
        &self,
        attempt: &mut Attempt<'_>,
        block: &WantedBlock,
    ) -> Result<Bytes, Setback> {
        loop {
            let cut = attempt.cutter.cut(block);
            let skipped_bytes = attempt.cutter.take_skipped_bytes();
            if skipped_bytes > 0 {
                attempt.source.meter.count(|counts| counts.skipped_bytes += skipped_bytes);
            }
            if let Some(bytes) = cut {
                return Ok(bytes);
            }
            attempt.arriving.set(attempt.cutter.gathered().len() as u64);
            self.save_head(attempt, block).await;
            let chunk = self.chunk(attempt).await?;
            let bytes = chunk.len() as u64;
            let now = self.now();
            self.board.arrived(attempt.ticket.job, bytes, now);
            let busy = self.board.busy();
            if self.growth(|growth| growth.bytes(now, bytes, busy)) {
                self.board.changed.notify_waiters();
            }
            attempt.cutter.push(chunk);
        }
    }

    /// The next bytes of the body. Their end is too early: there is a block that wants more.
    async fn chunk(&self, attempt: &mut Attempt<'_>) -> Result<Bytes, Setback> {
        let (job, ticket) = (attempt.ticket.job, attempt.ticket);
        match &mut attempt.incoming {
            Incoming::Answer(answer) => {
                // Only what the network keeps us waiting counts as silence, not our own limits.
                self.board.stops_waiting(job, self.now());
                let ready = async {
                    answer.body.ready().await;
                    Ok(())
                };
                self.unless_lost(ticket, ready).await?;
                self.board.waits(job, self.now());
                let chunk = self.unless_lost(ticket, answer.body.read()).await?;
                chunk.ok_or_else(|| answer.body.ended_early().into())
            }
            Incoming::Reader(reader) => {
                self.board.waits(job, self.now());
                let (meter, after) =
                    (&attempt.source.meter, self.client.inner.config.stall_timeout);
                let chunk = async {
                    let chunk = timeout(after, reader.chunk()).await;
                    chunk.map_err(|_| stalled(&meter.origin(), after))?
                };
                let chunk = self.unless_lost(ticket, chunk).await?;
                let bytes = chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
                meter.count(|counts| counts.body_bytes += bytes);
                chunk.ok_or_else(|| ended_early(&meter.origin()).into())
            }
        }
    }

    /// Does `work`, unless others take all blocks of the range meanwhile.
    async fn unless_lost<T>(
        &self,
        ticket: &Ticket,
        work: impl Future<Output = Result<T, TransferError>>,
    ) -> Result<T, Setback> {
        tokio::select! {
            biased;
            () = ticket.lost.notified() => Err(Setback::Lost),
            done = work => done.map_err(Setback::Failed),
        }
    }

    /// Verifies a block and hands it to the sink, unless another one that fetched it was faster.
    async fn hand_over(
        &self,
        attempt: &Attempt<'_>,
        block: &WantedBlock,
        (bytes, head): (Bytes, &Head),
    ) -> Result<(), Setback> {
        let source = attempt.source;
        let verified = match Verified::check(bytes, &block.digest) {
            Ok(verified) => verified,
            Err(error) => {
                self.heads.forget(block);
                let error = corrupt(source, block, error);
                return Err(match head.giver.and(source.number) {
                    Giver::Several => Setback::Mixed(error),
                    _ => Setback::Failed(error),
                });
            }
        };
        self.board.stops_waiting(attempt.ticket.job, self.now());
        if !self.board.claim(attempt.ticket.job, block) {
            // The range may have grown since others began with its block: then it goes on behind that.
            let is_left = self.board.front(attempt.ticket.job).is_some();
            return if is_left { Ok(()) } else { Err(Setback::Lost) };
        }
        self.sink.lock().await.block(block.tag, verified).await.map_err(TransferError::Sink)?;
        self.board.delivered();
        self.heads.forget(block);
        self.sources.gave(source);
        let useful_bytes = u64::from(block.bytes).saturating_sub(head.found_bytes as u64);
        source.meter.count(|counts| counts.useful_bytes += useful_bytes);
        Ok(())
    }

    /// Writes what came since the last time, now and then.
    async fn save_head(&self, attempt: &mut Attempt<'_>, block: &WantedBlock) {
        let now = self.now();
        let gathered = attempt.cutter.gathered();
        let due = self.heads.are_written() && now.saturating_sub(attempt.saved_at) >= SAVE_EVERY;
        if let (true, Some(news)) = (due, gathered.get(attempt.head.saved_bytes..))
            && !news.is_empty()
        {
            let news = Bytes::copy_from_slice(news);
            let saved = self.heads.save(block, attempt.head.saved_bytes, news).await;
            attempt.head.saved_bytes = saved;
            attempt.saved_at = now;
        }
    }

    /// Keeps what has arrived of `block` for the next attempt.
    fn keep_head(&self, attempt: Attempt<'_>, block: &WantedBlock) {
        let Attempt { source, cutter, mut head, .. } = attempt;
        let bytes = cutter.into_gathered();
        if bytes.len() > head.begun_bytes {
            head.giver = head.giver.and(source.number);
        }
        self.heads.keep(block, Head { bytes, ..head });
    }
}

fn stalled(name: &str, after: Duration) -> TransferError {
    let how = Interruption::Stalled { after };
    TransferError::Interrupted { url: ShownUrl::named(name), received_bytes: 0, how }
}

fn ended_early(origin: &str) -> TransferError {
    let how = Interruption::EndedEarly;
    TransferError::Interrupted { url: ShownUrl::named(origin), received_bytes: 0, how }
}

fn corrupt(
    source: &Source<'_>,
    block: &WantedBlock,
    error: headstart_model::VerifyError,
) -> TransferError {
    let url = match source.from {
        BlockSource::Url(url) => ShownUrl::from(url),
        BlockSource::Other(other) => ShownUrl::named(&other.name()),
    };
    TransferError::Corrupt { url, offset: block.offset, source: error }
}
