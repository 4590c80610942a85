//! One call of [`Client::download_file`](crate::Client::download_file).

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;

use super::board::{Board, Piece};
use super::gains::Gains;
use super::open::Opened;
use super::part::{Disk, Part, blocking};
use super::receive::Gather;
use super::settle::{Content, Finished, Room};
use super::turn::Turn;
use super::validator::Validator;
use super::wrong::Wrong;
use super::{Downloaded, FileHash, FileRequest};
use crate::http::{Answer, ContentRange, RangeWanted};
use crate::ledger::SourceMeter;
use crate::retry::{Attempts, Pause};
use crate::{Client, ShownUrl, Tracking, TransferError, Violation};

/// A call under way. All requests run within the caller's future, so dropping it stops them all.
pub(super) struct Fetch<'a> {
    pub(super) client: &'a Client,
    pub(super) request: &'a FileRequest,
    pub(super) tracking: &'a Tracking,
    pub(super) meter: SourceMeter,
    pub(super) part: Part,
    board: Mutex<Board>,
    /// How many pieces are to be fetched at once, and how many are.
    pub(super) wanted: AtomicUsize,
    pub(super) working: AtomicUsize,
    /// Bytes in the part that an earlier call left.
    pub(super) resumed_from: u64,
    /// Ranges are not asked for any more.
    pub(super) whole_only: bool,
    /// The whole file came in one answer, whatever was there before.
    whole_came: bool,
    /// Bytes that this call took from the network.
    bytes_down: AtomicU64,
    pub(super) length_told: bool,
    /// The validator of a file that is kept in memory.
    pub(super) answered: Option<Validator>,
    pub(super) wrong: Wrong,
}

impl<'a> Fetch<'a> {
    pub(super) async fn run(
        client: &'a Client,
        request: &'a FileRequest,
        tracking: &'a Tracking,
    ) -> Result<Downloaded, TransferError> {
        let turn = Turn::at(&request.path).await;
        // No connection waits for the disk: what is there is looked for before there is one. The semaphores are never closed.
        let next = client.inner.next_files.acquire().await.expect("nobody closes it");
        let meter = tracking.meter().source(&request.url);
        let part = client.inner.finder.find(&request.path, &request.url, turn).await?;
        let slots = Arc::clone(&client.inner.file_slots);
        let slot = slots.acquire_owned().await.expect("nobody closes it");
        drop(next);
        let resumed_from = part.written().bytes();
        let mut fetch = Self {
            client,
            request,
            tracking,
            meter,
            part,
            board: Mutex::default(),
            wanted: AtomicUsize::new(1),
            working: AtomicUsize::new(0),
            resumed_from,
            whole_only: false,
            whole_came: false,
            bytes_down: AtomicU64::new(0),
            length_told: false,
            answered: None,
            wrong: Wrong::default(),
        };
        let content = fetch.fetch().await?;
        let room = client.inner.settler.room(&content).await;
        // Others may use the connection while this file is brought to disk; but no more is fetched than may wait in memory.
        drop(slot);
        fetch.settle(content, room).await
    }

    /// As many rounds as it takes until everything is there and right.
    async fn fetch(&mut self) -> Result<Content, TransferError> {
        let mut attempts = Attempts::new(self.client, self.tracking);
        let mut gains = Gains::from(self.resumable_bytes());
        loop {
            let error = match self.round(attempts.past_caches()).await {
                Ok(content) => return Ok(content),
                Err(error) => error,
            };
            self.reset_board();
            if matches!(error, TransferError::OtherHash { .. }) && !self.may_be_another().await {
                return Err(error);
            }
            if gains.has_gained(self.resumable_bytes()) {
                attempts.progressed();
            }
            attempts.failed(error, &self.meter, Pause::Wait).await?;
        }
    }

    fn resumable_bytes(&self) -> u64 {
        if self.part.is_resumable() { self.part.written().bytes() } else { 0 }
    }

    async fn round(&mut self, past_caches: bool) -> Result<Content, TransferError> {
        match self.open(past_caches).await? {
            Opened::Complete => {}
            Opened::Small(chunks) => return self.check_small(chunks),
            Opened::Whole(answer, taken) => {
                self.receive_whole(answer, taken).await?;
                self.whole_came = true;
            }
            Opened::Piece(answer, piece) => self.receive_pieces(answer, piece).await?,
        }
        self.check_length().await?;
        self.check_hash().await?;
        self.disk().map(Content::File).map_err(|source| self.failed(source))
    }

    fn check_small(&mut self, chunks: Vec<Bytes>) -> Result<Content, TransferError> {
        let bytes: u64 = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        if let Some(expected) = self.request.hash {
            let actual = expected.of(&chunks.concat());
            if actual != expected {
                self.found_wrong();
                return Err(self.other_hash(expected, actual));
            }
        }
        self.meter.count(|counts| counts.useful_bytes += bytes);
        Ok(Content::Bytes(chunks))
    }

    /// Everything from one answer, in order.
    async fn receive_whole(
        &mut self,
        mut answer: Answer,
        taken_bytes: u64,
    ) -> Result<(), TransferError> {
        let limit_bytes = self.request.expected_bytes.unwrap_or(self.request.max_bytes);
        let disk = self.disk().map_err(|source| self.failed(source))?;
        let mut gather = Gather::new(disk, &self.request.path, &self.meter, taken_bytes);
        while let Some(chunk) = gather.next(&mut answer.body).await? {
            self.count_down(&chunk);
            if answer.body.received_bytes() > limit_bytes {
                return Err(self.too_large());
            }
            gather.push(chunk).await?;
        }
        gather.flush().await?;
        drop(gather);
        let received_bytes = answer.body.received_bytes();
        match self.request.expected_bytes.or(self.part.total_bytes) {
            Some(total_bytes) if received_bytes != total_bytes => Err(answer.body.ended_early()),
            _ => {
                self.part.total_bytes = Some(received_bytes);
                Ok(())
            }
        }
    }

    pub(super) async fn ask_piece(
        &self,
        piece: Piece,
        past_caches: bool,
    ) -> Result<Answer, TransferError> {
        let range = RangeWanted { start: piece.start, end: piece.end };
        let mut ask = self.ask(past_caches).range(range);
        if let Some(validator) = &self.part.validator {
            ask = ask.if_range(validator.to_header());
        }
        self.client.ask(&ask, &self.meter).await
    }

    /// Whether a 206 continues what is there. Some servers ignore `If-Range`, so validator and length are compared as well.
    pub(super) fn check_piece(
        &self,
        answer: &Answer,
        piece: Piece,
    ) -> Result<ContentRange, TransferError> {
        let wanted = RangeWanted { start: piece.start, end: piece.end };
        let found = ContentRange::check(&answer.headers, wanted)
            .map_err(|violation| answer.unusable(violation))?;
        let validator = self.part.validator.as_ref();
        let other = validator.is_some_and(|known| known.differs(&answer.headers));
        let longer = match (self.part.total_bytes, found.file_bytes) {
            (Some(known), Some(named)) => known != named,
            _ => false,
        };
        if other || longer { Err(answer.unusable(Violation::Replaced)) } else { Ok(found) }
    }

    /// Holds the length of what is there against what this call allows: an earlier one may have allowed another, and a server that
    /// says that nothing is missing may have said something else before.
    async fn check_length(&mut self) -> Result<(), TransferError> {
        let actual_bytes = self.part.written().bytes();
        match self.request.expected_bytes {
            Some(promised_bytes) if promised_bytes != actual_bytes => {
                self.start_over(None, None).await?;
                let url = ShownUrl::from(&self.request.url);
                let violation = Violation::OtherSize { promised_bytes, actual_bytes };
                Err(TransferError::Unusable { url, violation })
            }
            _ if actual_bytes > self.request.max_bytes => Err(self.too_large()),
            _ => Ok(()),
        }
    }

    async fn check_hash(&mut self) -> Result<(), TransferError> {
        let Some(expected) = self.request.hash else { return Ok(()) };
        // By a handle of its own: nobody waits for the digest of a call that was dropped.
        let file = self.disk().and_then(|disk| disk.file().try_clone());
        let file = file.map_err(|source| self.failed(source))?;
        let hashed = blocking(self.request.path.clone(), move || expected.of_file(&file));
        let actual = hashed.await?;
        if actual == expected {
            return Ok(());
        }
        self.found_wrong();
        self.start_over(None, None).await?;
        Err(self.other_hash(expected, actual))
    }

    /// Gives the file its name.
    async fn settle(self, content: Content, room: Room) -> Result<Downloaded, TransferError> {
        let file_bytes = match &content {
            Content::Bytes(chunks) => chunks.iter().map(|chunk| chunk.len() as u64).sum(),
            Content::File(_) => self.part.written().bytes(),
        };
        let Part { target, path, state_path, has_state, turn, .. } = self.part;
        let state_path = has_state.then_some(state_path);
        let finished = Finished { content, path, target, state_path, turn };
        self.client.inner.settler.settle(finished, room).await?;
        let etag = match self.answered.or(self.part.validator) {
            Some(Validator::Tag(tag)) => Some(tag),
            _ => None,
        };
        let bytes_down = self.bytes_down.into_inner();
        let resumed_from = if self.whole_came { 0 } else { self.resumed_from };
        Ok(Downloaded { file_bytes, bytes_down, resumed_from, etag })
    }

    /// Writes bytes that were kept in memory.
    pub(super) async fn write(&self, start: u64, chunks: Vec<Bytes>) -> Result<(), TransferError> {
        let disk = self.disk().map_err(|source| self.failed(source))?;
        let mut gather = Gather::new(disk, &self.request.path, &self.meter, start);
        for chunk in chunks {
            gather.push(chunk).await?;
        }
        gather.flush().await
    }

    pub(super) fn count_down(&self, chunk: &Bytes) {
        self.bytes_down.fetch_add(chunk.len() as u64, Ordering::Relaxed);
    }

    pub(super) fn claim(&self, total_bytes: u64) -> Option<Piece> {
        let mut board = self.board();
        let workers = self.wanted.load(Ordering::Relaxed);
        let written = self.part.written();
        board.claim(&written, total_bytes, workers, Instant::now())
    }

    pub(super) fn board(&self) -> MutexGuard<'_, Board> {
        // Nothing panics while it is held, and every state of it is a good one.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody fetches anything any more.
    pub(super) fn reset_board(&self) {
        *self.board() = Board::default();
    }

    pub(super) fn disk(&self) -> std::io::Result<Arc<Disk>> {
        self.part.disk().ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }

    pub(super) fn failed(&self, source: std::io::Error) -> TransferError {
        TransferError::File { path: self.request.path.clone(), source }
    }

    pub(super) fn too_large(&self) -> TransferError {
        let limit_bytes = self.request.expected_bytes.unwrap_or(self.request.max_bytes);
        TransferError::TooLarge { url: ShownUrl::from(&self.request.url), limit_bytes }
    }

    fn other_hash(&self, expected: FileHash, actual: FileHash) -> TransferError {
        let url = ShownUrl::from(&self.request.url);
        TransferError::OtherHash { url, expected: Box::new(expected), actual: Box::new(actual) }
    }
}
