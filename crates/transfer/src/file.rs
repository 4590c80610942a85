//! A URL into a file, resumed where an earlier attempt ended.

mod part;

use std::path::PathBuf;

use headstart_model::Digest;
use http::StatusCode;
use url::Url;

use crate::http::{Answer, Ask, ContentRange, RangeWanted};
use crate::ledger::SourceMeter;
use crate::retry::{Attempts, Pause};
use crate::{Client, EntityTag, Notice, ShownUrl, Tracking, TransferError, Violation};
use part::Part;

/// A file to download.
#[derive(Debug, Clone)]
pub struct FileRequest {
    /// Where it lies.
    pub url: Url,
    /// Where it is put when it is complete; its folder must exist. Until then the bytes lie beside it in `NAME.part`, and
    /// what is needed to resume in `NAME.part.state`. At most one download at a time may work on a path.
    pub path: PathBuf,
    /// The most bytes to write.
    pub max_bytes: u64,
    /// Its exact length, where a trusted place names it.
    pub expected_bytes: Option<u64>,
    /// Its digest, where a trusted place names it: the whole file is hashed before it gets its name.
    pub digest: Option<Digest>,
}

impl FileRequest {
    /// Up to `max_bytes` of whatever the server has.
    #[must_use]
    pub const fn new(url: Url, path: PathBuf, max_bytes: u64) -> Self {
        Self { url, path, max_bytes, expected_bytes: None, digest: None }
    }
}

/// A finished download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// Length of the file.
    pub file_bytes: u64,
    /// Bytes of bodies that this call took from the network.
    pub bytes_down: u64,
    /// Bytes that an earlier call had left and that were kept; 0 when it began anew.
    pub resumed_from: u64,
    /// The server's tag.
    pub etag: Option<EntityTag>,
}

/// One call of [`Client::download_file`].
struct Download<'a> {
    client: &'a Client,
    request: &'a FileRequest,
    tracking: &'a Tracking,
    meter: SourceMeter,
    part: Part,
    /// Bytes in the part that an earlier call left.
    resumed_from: u64,
    bytes_down: u64,
}

impl Client {
    /// Downloads a URL into a file. An existing file at the path is replaced when the new one is complete.
    ///
    /// What an earlier call left is continued if it came from the same address (query aside, so that a newly signed URL
    /// resumes too) and the server still has the file with the same strong tag, asked by `If-Range`; else the download
    /// starts over and a [`Notice::StartedOver`] says so. A file is given its name only when it has the length that the
    /// server and the request name, has the requested digest, and is safely on disk.
    ///
    /// Cancel safe: dropping it stops the transfer; what has arrived is kept for the next call.
    ///
    /// # Errors
    /// [`TransferError::TooLarge`] and [`Violation::OtherSize`] when limits or promises do not hold, [`TransferError::File`]
    /// when the file cannot be written, [`TransferError::Corrupt`] when the digest differs after all attempts (what was
    /// fetched is thrown away), or the last error when attempts without progress are used up. Only lengthening a part that
    /// can be resumed is progress.
    #[tracing::instrument(level = "debug", skip_all, fields(download = tracking.download()))]
    pub async fn download_file(
        &self,
        request: &FileRequest,
        tracking: &Tracking,
    ) -> Result<Downloaded, TransferError> {
        self.check_url(&request.url)?;
        let meter = tracking.meter().source(&request.url);
        let part = Part::find(&request.path, &request.url).await?;
        let resumed_from = part.resumable_bytes();
        let mut download =
            Download { client: self, request, tracking, meter, part, resumed_from, bytes_down: 0 };
        download.run().await
    }
}

impl Download<'_> {
    async fn run(&mut self) -> Result<Downloaded, TransferError> {
        let mut attempts = Attempts::new(self.client, self.tracking);
        loop {
            let before_bytes = self.part.resumable_bytes();
            let error = match self.attempt(attempts.past_caches()).await {
                Ok(()) => break,
                Err(error) => error,
            };
            self.part.flush().await?;
            if self.part.resumable_bytes() > before_bytes {
                attempts.progressed();
            }
            attempts.failed(error, &self.meter, Pause::Wait).await?;
        }
        let (file_bytes, etag) = (self.part.bytes(), self.part.etag().cloned());
        self.part.finish().await?;
        let (bytes_down, resumed_from) = (self.bytes_down, self.resumed_from);
        Ok(Downloaded { file_bytes, bytes_down, resumed_from, etag })
    }

    /// One request; success means that the part is complete and right.
    async fn attempt(&mut self, past_caches: bool) -> Result<(), TransferError> {
        let request = self.request;
        let offset = self.part.resumable_bytes();
        let mut ask = Ask::new(&request.url);
        if let (true, Some(etag)) = (offset > 0, self.part.etag()) {
            ask = ask.range(RangeWanted::From(offset)).if_range(etag);
        }
        if past_caches {
            ask = ask.past_caches();
        }
        let answer = self.client.ask(&ask, &self.meter).await?;
        let complete = match answer.status {
            StatusCode::OK => {
                let etag = EntityTag::of(&answer.headers);
                self.start_over(etag, answer.body.announced_bytes()).await?;
                false
            }
            StatusCode::PARTIAL_CONTENT if offset > 0 => {
                self.check_continues(&answer, offset).await?;
                false
            }
            StatusCode::RANGE_NOT_SATISFIABLE if offset > 0 => {
                self.check_nothing_follows(&answer, offset).await?;
                true
            }
            _ => return Err(answer.into_status_error().await),
        };
        self.check_promises(&answer)?;
        if !complete {
            self.receive(answer).await?;
        }
        self.check_digest().await
    }

    /// An answer with the whole file: what is there is given up.
    async fn start_over(
        &mut self,
        etag: Option<EntityTag>,
        total_bytes: Option<u64>,
    ) -> Result<(), TransferError> {
        let lost_bytes = self.part.bytes();
        let resumed_from = std::mem::take(&mut self.resumed_from);
        if lost_bytes > 0 {
            self.tracking.notify(&Notice::StartedOver { lost_bytes });
            // What this call had fetched of it turns out to be fetched in vain.
            self.meter
                .count(|counts| counts.useful_bytes -= lost_bytes.saturating_sub(resumed_from));
        }
        self.part.start_over(etag, total_bytes).await
    }

    /// Whether a 206 continues what is there. Some servers ignore `If-Range`, so that tag and length are compared as well.
    async fn check_continues(&mut self, answer: &Answer, offset: u64) -> Result<(), TransferError> {
        let found = ContentRange::check(&answer.headers, RangeWanted::From(offset))
            .map_err(|violation| answer.unusable(violation))?;
        let tag_differs = EntityTag::of(&answer.headers)
            .is_some_and(|etag| self.part.etag().is_some_and(|known| *known != etag));
        let length_differs = match (self.part.total_bytes(), found.file_bytes) {
            (Some(known), Some(named)) => known != named,
            _ => false,
        };
        if tag_differs || length_differs {
            self.start_over(None, None).await?;
            return Err(answer.unusable(Violation::Replaced));
        }
        if self.part.total_bytes().is_none() {
            self.part.set_total_bytes(found.file_bytes);
        }
        Ok(())
    }

    /// Whether a 416 says that everything is there already. `If-Range` held, or the answer would be the whole file.
    async fn check_nothing_follows(
        &mut self,
        answer: &Answer,
        offset: u64,
    ) -> Result<(), TransferError> {
        let named = ContentRange::of(&answer.headers).and_then(|range| range.file_bytes);
        if named.or(self.part.total_bytes()) == Some(offset) {
            self.part.set_total_bytes(Some(offset));
            return Ok(());
        }
        self.start_over(None, None).await?;
        Err(answer.unusable(Violation::Replaced))
    }

    /// Refuses a file whose announced length is not the promised one or above the limit, before its body is read.
    fn check_promises(&self, answer: &Answer) -> Result<(), TransferError> {
        let Some(actual_bytes) = self.part.total_bytes() else { return Ok(()) };
        if let Some(promised_bytes) = self.request.expected_bytes
            && promised_bytes != actual_bytes
        {
            return Err(answer.unusable(Violation::OtherSize { promised_bytes, actual_bytes }));
        }
        if actual_bytes > self.request.max_bytes { Err(self.too_large()) } else { Ok(()) }
    }

    async fn receive(&mut self, mut answer: Answer) -> Result<(), TransferError> {
        let limit_bytes = self.request.expected_bytes.unwrap_or(self.request.max_bytes);
        while let Some(chunk) = answer.body.chunk().await? {
            let bytes = chunk.len() as u64;
            self.bytes_down += bytes;
            if self.part.bytes() + bytes > limit_bytes {
                return Err(self.too_large());
            }
            self.part.append(&chunk).await?;
            self.meter.count(|counts| counts.useful_bytes += bytes);
        }
        let complete = match self.request.expected_bytes.or(self.part.total_bytes()) {
            Some(total_bytes) => self.part.bytes() == total_bytes,
            None => true,
        };
        if complete { Ok(()) } else { Err(answer.body.ended_early()) }
    }

    async fn check_digest(&mut self) -> Result<(), TransferError> {
        let Some(expected) = self.request.digest else { return Ok(()) };
        if let Err(source) = self.part.check(&expected).await? {
            self.start_over(None, None).await?;
            let url = ShownUrl::from(&self.request.url);
            return Err(TransferError::Corrupt { url, offset: 0, source });
        }
        Ok(())
    }

    fn too_large(&self) -> TransferError {
        let limit_bytes = self.request.expected_bytes.unwrap_or(self.request.max_bytes);
        TransferError::TooLarge { url: ShownUrl::from(&self.request.url), limit_bytes }
    }
}
