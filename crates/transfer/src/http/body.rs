//! The body of an answer, chunk by chunk, with a stall time-out and every byte counted.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use crate::ledger::SourceMeter;
use crate::{Interruption, ShownUrl, TransferError};

/// A body that is being read. Dropping it ends the transfer: an HTTP/1.1 connection with unread bytes is closed.
#[derive(Debug)]
pub(crate) struct Body {
    response: reqwest::Response,
    url: ShownUrl,
    stall_timeout: Duration,
    meter: SourceMeter,
    received_bytes: u64,
}

impl Body {
    /// Longest body of an answer that is of no use which is still read: it keeps the connection open for the next request.
    const DRAIN_BYTES_MAX: u64 = 64 * 1024;
    /// Longest time spent on that.
    const DRAIN_TIME_MAX: Duration = Duration::from_secs(1);

    pub(crate) const fn new(
        response: reqwest::Response,
        url: ShownUrl,
        stall_timeout: Duration,
        meter: SourceMeter,
    ) -> Self {
        Self { response, url, stall_timeout, meter, received_bytes: 0 }
    }

    /// The next bytes; none at the end of the body. Cancel safe: a dropped call has taken no bytes.
    ///
    /// The time-out runs only while this is awaited: a caller that stops reading is not taken for a stalled server.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, TransferError> {
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
        }
        Ok(chunk)
    }

    /// Bytes that have arrived so far.
    pub(crate) const fn received_bytes(&self) -> u64 {
        self.received_bytes
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
