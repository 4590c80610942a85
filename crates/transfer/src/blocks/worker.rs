//! The workers that fetch ranges side by side.

use std::sync::atomic::{AtomicBool, Ordering};

use headstart_model::Verified;
use http::StatusCode;
use tokio::sync::{Mutex, Semaphore};

use super::cutter::Cutter;
use super::queue::{Job, Queue};
use super::sink::BlockSink;
use super::sources::{Source, Sources};
use super::{BlockRequest, WantedBlock};
use crate::http::{Answer, Ask, ContentRange, RangeWanted};
use crate::retry::{Attempts, Pause};
use crate::{Client, Notice, RangePlan, RequestError, Tracking, TransferError, Violation};

/// One call of [`Client::fetch_blocks`]. All workers run within the caller's future, so dropping it stops them all.
pub(super) struct Fetch<'a, S> {
    client: &'a Client,
    request: &'a BlockRequest,
    tracking: &'a Tracking,
    sources: Sources<'a>,
    queue: Queue,
    /// Workers wait here with their verified block while another one is being taken.
    sink: Mutex<&'a mut S>,
    gate: Gate,
}

impl<'a, S: BlockSink> Fetch<'a, S> {
    pub(super) fn new(
        client: &'a Client,
        request: &'a BlockRequest,
        ranges: &[RangePlan],
        sink: &'a mut S,
        tracking: &'a Tracking,
    ) -> Self {
        Self {
            client,
            request,
            tracking,
            sources: Sources::new(&request.sources, tracking.meter()),
            queue: Queue::new(&request.blocks, ranges, request.options.coalesce),
            sink: Mutex::new(sink),
            gate: Gate::new(),
        }
    }

    /// Fetches ranges until none is left.
    pub(super) async fn work(&self) -> Result<(), TransferError> {
        // Held to the end. The semaphore is never closed, so this cannot fail.
        let _permit = self.gate.permits.acquire().await;
        while let Some(mut job) = self.queue.take() {
            self.finish(&mut job).await?;
        }
        Ok(())
    }

    /// Fetches all blocks of `job`, in as many attempts as it takes.
    async fn finish(&self, job: &mut Job) -> Result<(), TransferError> {
        let mut attempts = Attempts::new(self.client, self.tracking);
        while !job.is_empty() {
            let source = self.sources.best().ok_or(RequestError::NoSource)?;
            let first = job.front().copied();
            let past_caches = attempts.past_caches();
            let Err(error) = self.attempt(source, job, past_caches).await else { continue };
            if job.front() != first.as_ref() {
                attempts.progressed();
            }
            self.queue.give_back(job);
            if error.is_local() {
                return Err(error);
            }
            self.sources.failed(source, &error);
            self.after_failure(error, source, &mut attempts).await?;
        }
        Ok(())
    }

    async fn after_failure(
        &self,
        error: TransferError,
        source: &Source<'_>,
        attempts: &mut Attempts<'_>,
    ) -> Result<(), TransferError> {
        if error.is_retryable() {
            let untroubled = self.sources.has_untroubled();
            let pause = if untroubled { Pause::Skip } else { Pause::Wait };
            return attempts.failed(error, &source.meter, pause).await;
        }
        // This source is out, which can happen only once to each: no attempt is used up.
        if self.sources.best().is_none() {
            return Err(error);
        }
        source.meter.count(|counts| counts.retries += 1);
        let origin = source.meter.origin();
        self.tracking.notify(&Notice::SourceDropped { origin: &origin, error: &error });
        Ok(())
    }

    /// One request. Blocks that were handed over are taken off `job`; success means that none is left.
    async fn attempt(
        &self,
        source: &Source<'_>,
        job: &mut Job,
        past_caches: bool,
    ) -> Result<(), TransferError> {
        let (Some(first), Some(last)) = (job.front(), job.back()) else { return Ok(()) };
        let asked = RangeWanted::Part { start: first.offset, end: last.end() };
        let mut ask = Ask::new(source.url).range(asked);
        if past_caches {
            ask = ask.past_caches();
        }
        let answer = self.client.ask(&ask, &source.meter).await?;
        let (mut answer, start) = self.open(answer, asked, job).await?;
        let mut cutter = Cutter::new(start);
        while let Some(block) = job.front().copied() {
            let bytes = next_block(&mut answer, &mut cutter, &block, source).await?;
            let verified =
                Verified::check(bytes, &block.digest).map_err(|error| TransferError::Corrupt {
                    url: answer.url.clone(),
                    offset: block.offset,
                    source: error,
                })?;
            self.sink.lock().await.block(block.tag, verified).await?;
            job.pop_front();
            self.sources.gave(source);
            source.meter.count(|counts| counts.useful_bytes += u64::from(block.bytes));
        }
        Ok(())
    }

    /// Checks the head of an answer; says at which offset of the file its body begins.
    async fn open(
        &self,
        answer: Answer,
        asked: RangeWanted,
        job: &mut Job,
    ) -> Result<(Answer, u64), TransferError> {
        let start = job.front().map_or(0, |block| block.offset);
        match answer.status {
            StatusCode::PARTIAL_CONTENT => {
                let found = ContentRange::check(&answer.headers, asked)
                    .map_err(|violation| answer.unusable(violation))?;
                self.check_size(&answer, found.file_bytes)?;
                self.gate.open(self.client.inner.config.concurrency.get());
                Ok((answer, start))
            }
            StatusCode::OK => {
                self.check_size(&answer, answer.body.announced_bytes())?;
                let limit_bytes = self.request.options.max_skip_bytes;
                let Some(left_bytes) = limit_bytes.checked_sub(start) else {
                    let violation = Violation::RangeIgnored { skip_bytes: start, limit_bytes };
                    return Err(answer.unusable(violation));
                };
                self.queue.take_along(job, left_bytes);
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
}

/// Reads on until `block` is complete.
async fn next_block(
    answer: &mut Answer,
    cutter: &mut Cutter,
    block: &WantedBlock,
    source: &Source<'_>,
) -> Result<bytes::Bytes, TransferError> {
    loop {
        let cut = cutter.cut(block);
        let skipped_bytes = cutter.take_skipped_bytes();
        if skipped_bytes > 0 {
            source.meter.count(|counts| counts.skipped_bytes += skipped_bytes);
        }
        if let Some(bytes) = cut {
            return Ok(bytes);
        }
        match answer.body.chunk().await? {
            Some(chunk) => cutter.push(chunk),
            None => return Err(answer.body.ended_early()),
        }
    }
}

/// Lets one worker in until a server has shown that it gives ranges, then all.
///
/// `Ours:` a server without ranges answers each request with the whole file; asked once, it gives everything in one go, asked
/// four times at once it would waste three times the file. It costs one round trip of parallelism, and a server in trouble
/// meets one request per client instead of several.
#[derive(Debug)]
struct Gate {
    permits: Semaphore,
    opened: AtomicBool,
}

impl Gate {
    fn new() -> Self {
        Self { permits: Semaphore::new(1), opened: AtomicBool::new(false) }
    }

    fn open(&self, workers: usize) {
        if !self.opened.swap(true, Ordering::Relaxed) {
            self.permits.add_permits(workers.saturating_sub(1));
        }
    }
}
