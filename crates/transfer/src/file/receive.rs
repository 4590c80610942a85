//! Bytes of an answer into the part.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::timeout;

use super::part::{Disk, blocking};
use crate::TransferError;
use crate::http::Body;
use crate::ledger::SourceMeter;

/// Bytes that have arrived and are not written yet. Dropped, it writes them: what has arrived is kept.
pub(super) struct Gather<'a> {
    disk: Arc<Disk>,
    path: &'a std::path::Path,
    meter: &'a SourceMeter,
    /// Offset in the file of the first byte gathered.
    start: u64,
    chunks: Vec<Bytes>,
    bytes: u64,
    since: Instant,
}

impl<'a> Gather<'a> {
    /// So many bytes are written at once: a call of the system for each small chunk would cost more than the copy.
    const BYTES: u64 = 256 * 1024;
    /// A kill costs what has been gathered in so long.
    const TIME: Duration = Duration::from_millis(50);

    pub(super) fn new(
        disk: Arc<Disk>,
        path: &'a std::path::Path,
        meter: &'a SourceMeter,
        start: u64,
    ) -> Self {
        Self { disk, path, meter, start, chunks: Vec::new(), bytes: 0, since: Instant::now() }
    }

    /// The next bytes of a body. While none come, those that have come are written.
    pub(super) async fn next(&mut self, body: &mut Body) -> Result<Option<Bytes>, TransferError> {
        if !self.chunks.is_empty() {
            let left = Self::TIME.saturating_sub(self.since.elapsed());
            match timeout(left, body.chunk()).await {
                Ok(result) => return result,
                Err(_) => self.flush().await?,
            }
        }
        body.chunk().await
    }

    /// Takes the next bytes; writes if there are enough.
    pub(super) async fn push(&mut self, chunk: Bytes) -> Result<(), TransferError> {
        if self.chunks.is_empty() {
            self.since = Instant::now();
        }
        self.account(chunk.len() as u64);
        self.bytes += chunk.len() as u64;
        self.chunks.push(chunk);
        if self.bytes >= Self::BYTES || self.since.elapsed() >= Self::TIME {
            self.flush().await?;
        }
        Ok(())
    }

    /// Writes what is there. Dropped meanwhile, it is written all the same.
    pub(super) async fn flush(&mut self) -> Result<(), TransferError> {
        if self.chunks.is_empty() {
            return Ok(());
        }
        let (chunks, bytes) = (std::mem::take(&mut self.chunks), std::mem::take(&mut self.bytes));
        let (disk, start) = (Arc::clone(&self.disk), self.start);
        self.start += bytes;
        blocking(self.path.to_owned(), move || disk.write(start, &chunks)).await
    }

    /// Counts the next bytes, as they arrive: whoever drops a transfer may hold the counts at that moment.
    fn account(&self, bytes: u64) {
        let at = self.start + self.bytes;
        let added = self.disk.missing_bytes(at, at + bytes);
        self.meter.count(|counts| {
            counts.useful_bytes += added;
            counts.skipped_bytes += bytes - added;
        });
    }
}

impl Drop for Gather<'_> {
    fn drop(&mut self) {
        if self.chunks.is_empty() {
            return;
        }
        // At most one buffer, into the memory of the system. What fails here fails again when the download goes on.
        let _ = self.disk.write_out(self.start, &self.chunks);
    }
}
