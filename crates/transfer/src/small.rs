//! Small files into memory: metadata, indexes.

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use url::Url;

use crate::http::{Answer, Ask, ContentRange, RangeWanted};
use crate::ledger::SourceMeter;
use crate::retry::{Attempts, Pause};
use crate::{Client, EntityTag, RequestError, Tracking, TransferError, Violation};

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// Offset of its first byte.
    pub start: u64,
    /// Length; at least 1.
    pub bytes: u64,
}

/// When the file is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Condition {
    /// In any case.
    #[default]
    Always,
    /// Only if it is no longer the one with this tag.
    IfChanged(EntityTag),
}

/// A small file, or a part of one, to fetch into memory.
#[derive(Debug, Clone)]
pub struct SmallRequest {
    /// Where it lies.
    pub url: Url,
    /// The most bytes to take into memory; a longer file is an error.
    pub max_bytes: u64,
    /// Only this part; none: all of it.
    pub range: Option<ByteRange>,
    /// When it is wanted.
    pub condition: Condition,
    /// Who may answer.
    pub freshness: Freshness,
}

/// Who may answer a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Freshness {
    /// Also a cache on the way.
    #[default]
    Any,
    /// The server itself: for whoever was given something by a cache that cannot be right.
    FromServer,
}

impl SmallRequest {
    /// The most bytes before a wanted part that are thrown away when a server sends the whole file instead. `Ours:` as for
    /// blocks, see [`BlockOptions`](crate::BlockOptions).
    const SKIP_BYTES_MAX: u64 = 64 * 1024 * 1024;

    /// The whole file, unconditionally.
    #[must_use]
    pub const fn new(url: Url, max_bytes: u64) -> Self {
        Self {
            url,
            max_bytes,
            range: None,
            condition: Condition::Always,
            freshness: Freshness::Any,
        }
    }

    fn ask<'a>(&'a self, tracking: &'a Tracking) -> Ask<'a> {
        let mut ask = Ask::new(&self.url).within(tracking.session());
        if let Some(range) = self.wanted() {
            ask = ask.range(range);
        }
        if let Condition::IfChanged(tag) = &self.condition {
            ask = ask.if_none_match(tag);
        }
        if self.freshness == Freshness::FromServer {
            ask = ask.past_caches();
        }
        ask
    }

    fn wanted(&self) -> Option<RangeWanted> {
        self.range.map(|range| RangeWanted { start: range.start, end: range.end() })
    }

    fn check(&self) -> Result<(), RequestError> {
        match self.range {
            Some(ByteRange { start, bytes: 0 }) => {
                Err(RequestError::Order { tag: 0, offset: start })
            }
            Some(ByteRange { bytes, .. }) if bytes > self.max_bytes => {
                Err(RequestError::TooLong { bytes, limit_bytes: self.max_bytes })
            }
            _ => Ok(()),
        }
    }
}

impl ByteRange {
    const fn end(self) -> u64 {
        self.start.saturating_add(self.bytes)
    }
}

/// A small file in memory. Its bytes are **not** verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmallBody {
    /// The bytes: of the range if one was asked for, exactly as many.
    pub bytes: Bytes,
    /// The server's tag, for [`Condition::IfChanged`] the next time.
    pub etag: Option<EntityTag>,
    /// Bytes of the whole file, if the server has said so.
    pub file_bytes: Option<u64>,
}

/// The answer to a [`SmallRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmallResponse {
    /// The file.
    Body(SmallBody),
    /// It is still the one with the given tag.
    NotModified,
}

impl Client {
    /// Fetches a small file into memory, with retries. A retry begins at the first byte again.
    ///
    /// Cancel safe: dropping it stops the transfer and loses what has arrived.
    ///
    /// # Errors
    /// [`TransferError::TooLarge`] as soon as the file is known to exceed the limit; [`TransferError::Shorter`] when it ends
    /// before the range; otherwise any other but `Corrupt`, `Sink` and `File`, the last one when the attempts are used up.
    #[tracing::instrument(level = "debug", skip_all, fields(download = tracking.download()))]
    pub async fn fetch_small(
        &self,
        request: &SmallRequest,
        tracking: &Tracking,
    ) -> Result<SmallResponse, TransferError> {
        request.check()?;
        self.check_url(&request.url)?;
        let meter = tracking.meter().source(&request.url);
        let mut attempts = Attempts::new(self, tracking);
        loop {
            let ask = request.ask(tracking);
            let ask = if attempts.past_caches() { ask.past_caches() } else { ask };
            match self.small_once(request, &ask, &meter).await {
                Ok(response) => return Ok(response),
                Err(error) => attempts.failed(error, &meter, Pause::Wait).await?,
            }
        }
    }

    async fn small_once(
        &self,
        request: &SmallRequest,
        ask: &Ask<'_>,
        meter: &SourceMeter,
    ) -> Result<SmallResponse, TransferError> {
        let mut answer = self.ask(ask, meter).await?;
        let (skip_bytes, file_bytes) = match (answer.status, request.range, request.wanted()) {
            (StatusCode::NOT_MODIFIED, ..) if request.condition != Condition::Always => {
                return Ok(SmallResponse::NotModified);
            }
            (StatusCode::OK, None, _) => (0, answer.body.announced_bytes()),
            (StatusCode::OK, Some(range), _) => {
                check_skip(&answer, range.start)?;
                (range.start, answer.body.announced_bytes())
            }
            (StatusCode::PARTIAL_CONTENT, Some(range), Some(wanted)) => {
                (0, check_part(&answer, range, wanted)?)
            }
            (StatusCode::RANGE_NOT_SATISFIABLE, Some(range), _) => {
                answer.body.drain().await;
                return Err(shorter(answer.url, range));
            }
            _ => return Err(answer.into_status_error().await),
        };
        let gathered = match request.range {
            None => gather_all(&mut answer, request.max_bytes).await?,
            Some(range) => gather_part(&mut answer, skip_bytes, range).await?,
        };
        let useful = gathered.len() as u64;
        meter.count(|counts| {
            counts.useful_bytes += useful;
            counts.skipped_bytes += skip_bytes;
        });
        let etag = EntityTag::of(&answer.headers);
        Ok(SmallResponse::Body(SmallBody { bytes: gathered.freeze(), etag, file_bytes }))
    }
}

fn shorter(url: crate::ShownUrl, range: ByteRange) -> TransferError {
    TransferError::Shorter { url, promised_bytes: range.end() }
}

fn check_skip(answer: &Answer, skip_bytes: u64) -> Result<(), TransferError> {
    let limit_bytes = SmallRequest::SKIP_BYTES_MAX;
    if skip_bytes > limit_bytes {
        return Err(answer.unusable(Violation::RangeIgnored { skip_bytes, limit_bytes }));
    }
    Ok(())
}

/// The length of the whole file, if it is known.
fn check_part(
    answer: &Answer,
    range: ByteRange,
    wanted: RangeWanted,
) -> Result<Option<u64>, TransferError> {
    let found = ContentRange::check(&answer.headers, wanted)
        .map_err(|violation| answer.unusable(violation))?;
    if found.file_bytes.is_some_and(|file_bytes| file_bytes < range.end()) {
        return Err(shorter(answer.url.clone(), range));
    }
    Ok(found.file_bytes)
}

async fn gather_all(answer: &mut Answer, limit_bytes: u64) -> Result<BytesMut, TransferError> {
    let too_large = TransferError::TooLarge { url: answer.url.clone(), limit_bytes };
    let announced_bytes = answer.body.announced_bytes().unwrap_or(0);
    if announced_bytes > limit_bytes {
        return Err(too_large);
    }
    // What is announced is bounded by the limit, and a server that announces without sending costs one allocation.
    let mut gathered = BytesMut::with_capacity(usize::try_from(announced_bytes).unwrap_or(0));
    while let Some(chunk) = answer.body.chunk().await? {
        if answer.body.received_bytes() > limit_bytes {
            return Err(too_large);
        }
        gathered.extend_from_slice(&chunk);
    }
    Ok(gathered)
}

async fn gather_part(
    answer: &mut Answer,
    mut skip_bytes: u64,
    range: ByteRange,
) -> Result<BytesMut, TransferError> {
    let wanted = usize::try_from(range.bytes).unwrap_or(usize::MAX);
    let mut gathered = BytesMut::new();
    while gathered.len() < wanted {
        let Some(mut chunk) = answer.body.chunk().await? else {
            // A whole file that ends before the range is too short; a range that does was cut.
            return Err(match answer.status {
                StatusCode::OK => shorter(answer.url.clone(), range),
                _ => answer.body.ended_early(),
            });
        };
        let skipped = usize::try_from(skip_bytes).unwrap_or(usize::MAX).min(chunk.len());
        skip_bytes -= skipped as u64;
        let mut chunk = chunk.split_off(skipped);
        chunk.truncate(wanted - gathered.len());
        gathered.extend_from_slice(&chunk);
    }
    Ok(gathered)
}
