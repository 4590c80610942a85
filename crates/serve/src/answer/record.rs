//! The log's view of one request: filled in while it is answered, sent when the answer ends.

use crate::{
    fault::FaultKind,
    log::{EventSender, Outcome, RequestEvent},
};
use http::StatusCode;
use tokio::time::Instant;

/// Sends its event when it is dropped: then the answer has ended, however that came about.
#[derive(Debug)]
pub(super) struct Record {
    event: Option<RequestEvent>,
    started: Instant,
    log: EventSender,
}

impl Record {
    pub(super) fn begin(event: RequestEvent, log: EventSender) -> Self {
        Self { event: Some(event), started: Instant::now(), log }
    }

    pub(super) fn answered(&mut self, status: StatusCode, fault: Option<FaultKind>) {
        if let Some(event) = &mut self.event {
            event.status = Some(status.as_u16());
            event.fault = fault;
        }
    }

    pub(super) fn sent(&mut self, bytes: u64) {
        if let Some(event) = &mut self.event {
            event.bytes_sent += bytes;
        }
    }

    pub(super) fn complete(&mut self) {
        if let Some(event) = &mut self.event {
            event.outcome = Outcome::Complete;
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if let Some(mut event) = self.event.take() {
            event.duration = self.started.elapsed();
            self.log.send(event);
        }
    }
}
