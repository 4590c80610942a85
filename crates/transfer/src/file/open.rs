//! The first request of a round: what the server has, and whether it is still what is there.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::StatusCode;
use tokio::time::timeout_at;

use super::board::Piece;
use super::fetch::Fetch;
use super::validator::Validator;
use crate::http::{Answer, Ask, ContentRange, RangeWanted};
use crate::{Notice, ShownUrl, TransferError, Violation};

/// What the first answer of a round gives.
pub(super) enum Opened {
    /// Nothing is missing.
    Complete,
    /// The whole file, short enough to be kept in memory.
    Small(Vec<Bytes>),
    /// The whole file from one answer, of which so many bytes have been taken already.
    Whole(Answer, u64),
    /// A piece; others can be asked for at the same time.
    Piece(Answer, Piece),
}

/// What is asked for first of a file of which nothing is known, and the longest that is kept in memory until it is whole.
const FIRST_BYTES: u64 = 256 * 1024;
/// How long a short file may take in memory.
const GATHER_TIME_MAX: Duration = Duration::from_millis(300);

impl Fetch<'_> {
    /// Asks for the first missing piece.
    pub(super) async fn open(&mut self, past_caches: bool) -> Result<Opened, TransferError> {
        if self.part.is_complete() {
            return self.confirm(past_caches).await;
        }
        if self.part.is_resumable() {
            return self.resume(past_caches).await;
        }
        self.begin(past_caches).await
    }

    pub(super) fn ask(&self, past_caches: bool) -> Ask<'_> {
        let ask = Ask::new(&self.request.url).within(self.tracking.session());
        if past_caches { ask.past_caches() } else { ask }
    }

    /// Everything is there and only has no name yet: is it still what the server has?
    async fn confirm(&mut self, past_caches: bool) -> Result<Opened, TransferError> {
        let Some(validator) = &self.part.validator else { return Ok(Opened::Complete) };
        let ask = self.ask(past_caches).if_changed(validator.to_header());
        let answer = self.client.ask(&ask, &self.meter).await?;
        match answer.status {
            StatusCode::NOT_MODIFIED => Ok(Opened::Complete),
            StatusCode::OK if validator.matches(&answer.headers) => Ok(Opened::Complete),
            StatusCode::OK => self.take_whole(answer).await,
            _ => Err(answer.into_status_error().await),
        }
    }

    async fn resume(&mut self, past_caches: bool) -> Result<Opened, TransferError> {
        let total_bytes = self.part.total_bytes.unwrap_or(u64::MAX);
        let Some(piece) = self.claim(total_bytes) else { return Ok(Opened::Complete) };
        let answer = self.ask_piece(piece, past_caches).await?;
        match answer.status {
            StatusCode::OK => {
                self.board().release(piece.number);
                self.take_whole(answer).await
            }
            StatusCode::PARTIAL_CONTENT => {
                let found = self.check_piece(&answer, piece);
                if matches!(
                    &found,
                    Err(TransferError::Unusable { violation: Violation::Replaced, .. })
                ) {
                    self.start_over(None, None).await?;
                }
                let found = found?;
                if self.part.total_bytes.is_none() {
                    self.part.total_bytes = found.file_bytes;
                }
                self.check_promises(&answer)?;
                if self.part.total_bytes.is_none() {
                    // Where nobody says how long it is, only the end of a whole answer tells.
                    self.whole_only = true;
                    self.start_over(None, None).await?;
                    return Box::pin(self.begin(past_caches)).await;
                }
                self.tell_length(self.part.total_bytes);
                Ok(Opened::Piece(answer, piece))
            }
            StatusCode::RANGE_NOT_SATISFIABLE => {
                // `If-Range` held, or the answer would be the whole file: so the file is not what it was said to be.
                let named = ContentRange::of(&answer.headers).and_then(|range| range.file_bytes);
                let written = self.part.written();
                if named == Some(written.end()) && written.bytes() == written.end() {
                    self.part.total_bytes = named;
                    return Ok(Opened::Complete);
                }
                self.start_over(None, None).await?;
                Err(answer.unusable(Violation::Replaced))
            }
            _ => Err(answer.into_status_error().await),
        }
    }

    /// Nothing is there. A short range is asked for: the answer tells whether there are ranges, and how long the file is.
    async fn begin(&mut self, past_caches: bool) -> Result<Opened, TransferError> {
        let wanted = RangeWanted { start: 0, end: FIRST_BYTES };
        let ask = self.ask(past_caches);
        let ask = if self.whole_only { ask } else { ask.range(wanted) };
        let answer = self.client.ask(&ask, &self.meter).await?;
        match answer.status {
            StatusCode::OK => self.take_whole(answer).await,
            StatusCode::PARTIAL_CONTENT if !self.whole_only => {
                let found = ContentRange::check(&answer.headers, wanted)
                    .map_err(|violation| answer.unusable(violation))?;
                self.take_first(answer, found).await
            }
            // A range of an empty file, or a server that is confused by ranges.
            StatusCode::RANGE_NOT_SATISFIABLE if !self.whole_only => {
                answer.body.drain().await;
                self.whole_only = true;
                Box::pin(self.begin(past_caches)).await
            }
            _ => Err(answer.into_status_error().await),
        }
    }

    /// The first range of a file of which nothing is there.
    async fn take_first(
        &mut self,
        answer: Answer,
        found: ContentRange,
    ) -> Result<Opened, TransferError> {
        let end = found.range.map_or(0, |(_, end)| end);
        let validator = Validator::of(&answer.headers);
        let is_whole = found.file_bytes == Some(end);
        self.check_announced(&answer, found.file_bytes)?;
        if is_whole {
            return self.take_small(answer, end, validator).await;
        }
        if validator.is_none() || found.file_bytes.is_none() {
            // Ranges of perhaps different files would be put together: better one answer with everything.
            drop(answer);
            self.whole_only = true;
            return Box::pin(self.begin(false)).await;
        }
        self.start_over(validator, found.file_bytes).await?;
        self.tell_length(found.file_bytes);
        let piece = self.board().begin(0, end, Instant::now());
        Ok(Opened::Piece(answer, piece))
    }

    /// A short file: in memory if it comes in good time. What comes slowly is kept on disk, like long files.
    async fn take_small(
        &mut self,
        mut answer: Answer,
        bytes: u64,
        validator: Option<Validator>,
    ) -> Result<Opened, TransferError> {
        if self.part.has_state || self.part.disk().is_some() {
            self.start_over(None, None).await?;
        }
        self.tell_length(Some(bytes));
        let gathered = gather(&mut answer, bytes).await;
        let (Gathered::All(chunks) | Gathered::Some(chunks, _)) = &gathered;
        for chunk in chunks {
            self.count_down(chunk);
        }
        let (chunks, result) = match gathered {
            Gathered::All(chunks) => {
                self.answered = validator;
                return Ok(Opened::Small(chunks));
            }
            Gathered::Some(chunks, result) => (chunks, result),
        };
        self.start_over(validator, Some(bytes)).await?;
        let taken = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        self.write(0, chunks).await?;
        result.map(|()| Opened::Whole(answer, taken))
    }

    /// An answer with the whole file, asked for or not.
    async fn take_whole(&mut self, answer: Answer) -> Result<Opened, TransferError> {
        let total_bytes = answer.body.announced_bytes();
        self.check_announced(&answer, total_bytes)?;
        let same = self.part.validator.as_ref().is_some_and(|known| known.matches(&answer.headers))
            && self.part.total_bytes == total_bytes;
        if same {
            self.tell_length(total_bytes);
            return Ok(Opened::Whole(answer, 0));
        }
        let validator = Validator::of(&answer.headers);
        if let Some(bytes) = total_bytes.filter(|bytes| *bytes <= FIRST_BYTES) {
            return self.take_small(answer, bytes, validator).await;
        }
        self.start_over(validator, total_bytes).await?;
        self.tell_length(total_bytes);
        Ok(Opened::Whole(answer, 0))
    }

    /// Gives up what is there and begins a new part.
    pub(super) async fn start_over(
        &mut self,
        validator: Option<Validator>,
        total_bytes: Option<u64>,
    ) -> Result<(), TransferError> {
        let lost_bytes = self.part.written().bytes();
        let resumed_from = std::mem::take(&mut self.resumed_from);
        if lost_bytes > 0 {
            let url = ShownUrl::from(&self.request.url);
            self.tracking.notify(&Notice::StartedOver { url: &url, lost_bytes });
            // What this call had fetched of it turns out to be fetched in vain.
            let fetched = lost_bytes.saturating_sub(resumed_from);
            self.meter.count(|counts| {
                counts.useful_bytes = counts.useful_bytes.saturating_sub(fetched);
            });
        }
        self.reset_board();
        if validator.is_none() && total_bytes.is_none() {
            return self.part.forget().await;
        }
        self.part.start_over(validator, total_bytes).await
    }

    fn tell_length(&mut self, known: Option<u64>) {
        if let Some(total_bytes) = known.filter(|_| !std::mem::replace(&mut self.length_told, true))
        {
            let held_bytes = self.resumed_from;
            self.tracking.notify(&Notice::LengthKnown { total_bytes, held_bytes });
        }
    }

    fn check_promises(&self, answer: &Answer) -> Result<(), TransferError> {
        self.check_announced(answer, self.part.total_bytes)
    }

    /// Refuses a file whose announced length is not the promised one or above the limit, before its body is read.
    fn check_announced(
        &self,
        answer: &Answer,
        announced: Option<u64>,
    ) -> Result<(), TransferError> {
        let Some(actual_bytes) = announced else { return Ok(()) };
        if let Some(promised_bytes) = self.request.expected_bytes
            && promised_bytes != actual_bytes
        {
            return Err(answer.unusable(Violation::OtherSize { promised_bytes, actual_bytes }));
        }
        if actual_bytes > self.request.max_bytes { Err(self.too_large()) } else { Ok(()) }
    }
}

/// What has come of a short file.
enum Gathered {
    /// All of it.
    All(Vec<Bytes>),
    /// Not all of it in good time, or an error came instead.
    Some(Vec<Bytes>, Result<(), TransferError>),
}

/// All bytes of a short file, if they come in good time. What an answer has beyond them is not taken.
async fn gather(answer: &mut Answer, bytes: u64) -> Gathered {
    let deadline = tokio::time::Instant::now() + GATHER_TIME_MAX;
    let mut chunks = Vec::new();
    loop {
        match timeout_at(deadline, answer.body.chunk()).await {
            Err(_) => return Gathered::Some(chunks, Ok(())),
            Ok(Err(error)) => return Gathered::Some(chunks, Err(error)),
            Ok(Ok(Some(mut chunk))) => {
                let surplus = answer.body.received_bytes().saturating_sub(bytes);
                let taken = (chunk.len() as u64).saturating_sub(surplus);
                chunk.truncate(usize::try_from(taken).unwrap_or(usize::MAX));
                chunks.push(chunk);
                if surplus > 0 {
                    return Gathered::All(chunks);
                }
            }
            Ok(Ok(None)) if answer.body.received_bytes() < bytes => {
                return Gathered::Some(chunks, Err(answer.body.ended_early()));
            }
            Ok(Ok(None)) => return Gathered::All(chunks),
        }
    }
}
