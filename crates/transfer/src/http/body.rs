//! The body of an answer, chunk by chunk, with a stall time-out and every byte counted.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper_util::client::legacy::connect::HttpInfo;
use tokio::time::{Instant, timeout};

use crate::ledger::SourceMeter;
use crate::pacing::{Paced, Paths};
use crate::{Interruption, ShownUrl, TransferError};

/// A body that is being read. Dropping it ends the transfer: an HTTP/1.1 connection with unread bytes is closed.
#[derive(Debug)]
pub(crate) struct Body {
    response: reqwest::Response,
    url: ShownUrl,
    stall_timeout: Duration,
    meter: SourceMeter,
    paced: Paced,
    received_bytes: u64,
    crawl: Crawl,
}

/// Tells a slow server from one that sends a byte now and then to keep us waiting. Pure.
#[derive(Debug, Default)]
struct Crawl {
    waited: Duration,
    arrived_bytes: u64,
}

impl Crawl {
    /// Bytes that must come in one time-out's worth of waiting. `Ours:` 4 KiB in 30 s is a tenth of the slowest modem; a
    /// server that gives less will not finish anything.
    const BYTES_MIN: u64 = 4096;

    /// After `waited` for `bytes`: whether the server gives less than any link carries.
    const fn is_stuck(&mut self, waited: Duration, bytes: u64, limit: Duration) -> bool {
        self.waited = self.waited.saturating_add(waited);
        self.arrived_bytes = self.arrived_bytes.saturating_add(bytes);
        if self.waited.as_nanos() < limit.as_nanos() {
            return false;
        }
        let stuck = self.arrived_bytes < Self::BYTES_MIN;
        (self.waited, self.arrived_bytes) = (Duration::ZERO, 0);
        stuck
    }
}

impl Body {
    /// Longest body of an answer that is of no use which is still read: it keeps the connection open for the next request.
    const DRAIN_BYTES_MAX: u64 = 64 * 1024;
    /// Longest time spent on that.
    const DRAIN_TIME_MAX: Duration = Duration::from_secs(1);

    pub(crate) fn new(
        response: reqwest::Response,
        url: ShownUrl,
        stall_timeout: Duration,
        meter: SourceMeter,
        paths: &Arc<Paths>,
    ) -> Self {
        let info = response.extensions().get::<HttpInfo>();
        let addresses = info.map(|info| (info.local_addr(), info.remote_addr()));
        let paced = Paced::new(meter.pace().clone(), Arc::clone(paths), addresses);
        let (received_bytes, crawl) = (0, Crawl::default());
        Self { response, url, stall_timeout, meter, paced, received_bytes, crawl }
    }

    /// The next bytes; none at the end of the body. Cancel safe: a dropped call has taken no bytes.
    ///
    /// First waits for its turn by the pace of the transfer. The time-out runs only while the network is awaited: a caller
    /// that stops reading, or a limit, is not taken for a stalled server.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, TransferError> {
        self.ready().await;
        self.read().await
    }

    /// The first half of [`Self::chunk`]: its turn has come. Cancel safe.
    pub(crate) async fn ready(&mut self) {
        self.paced.ready().await;
    }

    /// The second half of [`Self::chunk`]: what the network has. Cancel safe.
    pub(crate) async fn read(&mut self) -> Result<Option<Bytes>, TransferError> {
        let asked_at = Instant::now();
        let chunk = match timeout(self.stall_timeout, self.response.chunk()).await {
            Ok(Ok(chunk)) => chunk,
            Ok(Err(error)) => {
                return Err(self.interrupted(Interruption::Broken(error.without_url())));
            }
            Err(_) => {
                return Err(self.interrupted(Interruption::Stalled { after: self.stall_timeout }));
            }
        };
        if let Some(bytes) = &chunk {
            let bytes = bytes.len() as u64;
            self.received_bytes += bytes;
            self.meter.count(|counts| counts.body_bytes += bytes);
            self.paced.arrived(bytes);
            let after = self.stall_timeout;
            if self.crawl.is_stuck(asked_at.elapsed(), bytes, after) {
                return Err(self.interrupted(Interruption::Stalled { after }));
            }
        }
        Ok(chunk)
    }

    /// Bytes that have arrived so far.
    pub(crate) const fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    /// After the last byte that was wanted: takes the end of the body, so that the connection can be used again. Of no use, and
    /// harmless, when more follows.
    pub(crate) async fn finish(&mut self) {
        if self.response.content_length() == Some(0) {
            // Whatever it says: every byte is there.
            let _ = self.chunk().await;
        }
    }

    /// The length that the server announced.
    pub(crate) fn announced_bytes(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// The error for a body that ended in good form but too early.
    pub(crate) fn ended_early(&self) -> TransferError {
        self.interrupted(Interruption::EndedEarly)
    }

    fn interrupted(&self, how: Interruption) -> TransferError {
        let received_bytes = self.received_bytes;
        TransferError::Interrupted { url: self.url.clone(), received_bytes, how }
    }

    /// Reads a short body that is of no use, so that its bytes are counted and the connection can be used again.
    pub(crate) async fn drain(mut self) {
        if self.announced_bytes().is_none_or(|bytes| bytes > Self::DRAIN_BYTES_MAX) {
            return;
        }
        let rest = async { while let Ok(Some(_)) = self.chunk().await {} };
        // Whether it ended or the time did: nothing depends on it.
        let _ = timeout(Self::DRAIN_TIME_MAX, rest).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a body is given up that comes at this rate, a chunk each so many milliseconds.
    fn is_given_up(bytes_per_second: u64, every_ms: u64) -> bool {
        let (mut crawl, limit) = (Crawl::default(), Duration::from_secs(30));
        let bytes = bytes_per_second * every_ms / 1000;
        (0..1000).any(|_| crawl.is_stuck(Duration::from_millis(every_ms), bytes, limit))
    }

    #[test]
    fn slow_links_are_fine_and_drips_are_not() {
        assert!(!is_given_up(16_000, 10) && !is_given_up(16_000, 20_000));
        assert!(!is_given_up(1_000, 1_000));
        assert!(is_given_up(10, 1_000) && is_given_up(1, 25_000));
    }
}
