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
        let policy = &self.client.inner.config.retry;
        if matches!(error, TransferError::Corrupt { .. }) {
            self.corrupt += 1;
            if self.corrupt >= NonZeroU32::get(policy.corrupt_attempts) {
                return Err(error);
            }
        }
        if !error.is_retryable() {
            return Err(error);
        }
        let random = self.client.inner.jitter.next();
        let delay = match (self.backoff.failed(random, error.retry_after()), pause) {
            (NextAttempt::GiveUp, _) => return Err(error),
            (NextAttempt::After(_), Pause::Skip) => Duration::ZERO,
            (NextAttempt::After(delay), Pause::Wait) => delay,
        };
        self.past_caches = error.blames_a_copy();
        meter.count(|counts| counts.retries += 1);
        let origin = meter.origin();
        self.tracking.notify(&Notice::Retrying { origin: &origin, delay, error: &error });
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        Ok(())
    }
}
