//! Waits between the attempts of one piece of work.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::ledger::SourceMeter;
use crate::{Backoff, Client, NextAttempt, Notice, Tracking, TransferError};

/// The attempts of one piece of work: one range of blocks, one file, one metadata file.
#[derive(Debug)]
pub(crate) struct Attempts<'a> {
    client: &'a Client,
    tracking: &'a Tracking,
    backoff: Backoff,
    corrupt: u32,
    past_caches: bool,
}

/// Whether to wait before the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// The same source, or one that is in trouble too, is asked next.
    Wait,
    /// Another source is asked next that has given no trouble.
    Skip,
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(client: &'a Client, tracking: &'a Tracking) -> Self {
        let backoff = Backoff::new(client.inner.config.retry.clone());
        Self { client, tracking, backoff, corrupt: 0, past_caches: false }
    }

    /// Something was gained that is not asked for again.
    pub(crate) const fn progressed(&mut self) {
        self.backoff.progressed();
        self.corrupt = 0;
        self.past_caches = false;
    }

    /// More of something is there that cannot be verified yet: waiting starts anew, but wrong bytes stay counted.
    pub(crate) const fn advanced(&mut self) {
        self.backoff.progressed();
    }

    /// Wrong bytes came from somebody unknown. Says whether they have come too often.
    pub(crate) fn is_corrupt_too_often(&mut self) -> bool {
        self.corrupt += 1;
        self.corrupt >= self.client.inner.config.retry.corrupt_attempts.get().saturating_mul(2)
    }

    /// Whether the next request should bypass caches, because the last answer may have come from a bad one.
    pub(crate) const fn past_caches(&self) -> bool {
        self.past_caches
    }

    /// After a failure of the source that `meter` counts for: waits, or gives the error back when it is final.
    pub(crate) async fn failed(
        &mut self,
        error: TransferError,
        meter: &SourceMeter,
        pause: Pause,
    ) -> Result<(), TransferError> {
        let Waits { before_next, .. } = self.next(error, meter, pause)?;
        if !before_next.is_zero() {
            tokio::time::sleep(before_next).await;
        }
        Ok(())
    }

    /// How long to wait after a failure of the source that `meter` counts for; the error when it is final.
    pub(crate) fn next(
        &mut self,
        error: TransferError,
        meter: &SourceMeter,
        pause: Pause,
    ) -> Result<Waits, TransferError> {
        let policy = &self.client.inner.config.retry;
        if matches!(error, TransferError::Corrupt { .. } | TransferError::OtherHash { .. }) {
            self.corrupt += 1;
            if self.corrupt >= NonZeroU32::get(policy.corrupt_attempts) {
                return Err(error);
            }
        }
        if !error.is_retryable() {
            return Err(error);
        }
        let random = self.client.inner.jitter.next();
        let urgency = self.tracking.pace().urgency();
        let next = self.backoff.failed_as(urgency, random, error.retry_after());
        let NextAttempt::After(of_source) = next else { return Err(error) };
        let before_next = if pause == Pause::Skip { Duration::ZERO } else { of_source };
        self.past_caches = error.blames_a_copy();
        meter.count(|counts| counts.retries += 1);
        let origin = meter.origin();
        let notice = Notice::Retrying { origin: &origin, delay: before_next, error: &error };
        self.tracking.notify(&notice);
        Ok(Waits { before_next, of_source })
    }
}

/// How long to wait after a failure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    /// Before the next attempt.
    pub(crate) before_next: Duration,
    /// Before the same source is asked again.
    pub(crate) of_source: Duration,
}
