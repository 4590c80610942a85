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
    /// Sources whose first failure was not counted, since something was gained.
    spared: Vec<usize>,
}

/// Whether to wait before the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// The same source, or one that is in trouble too, is asked next.
    Wait,
    /// Another source is asked next that has given no trouble. The first failure of the source with this number is not counted, so
    /// that the other is asked however many are down.
    Skip(usize),
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(client: &'a Client, tracking: &'a Tracking) -> Self {
        let backoff = Backoff::new(client.inner.config.retry.clone());
        Self { client, tracking, backoff, corrupt: 0, past_caches: false, spared: Vec::new() }
    }

    /// Something was gained that is not asked for again.
    pub(crate) fn progressed(&mut self) {
        self.backoff.progressed();
        self.corrupt = 0;
        self.past_caches = false;
        self.spared.clear();
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
        let is_spared = self.spares(pause);
        let is_corrupt =
            matches!(error, TransferError::Corrupt { .. } | TransferError::OtherHash { .. });
        if is_corrupt && !is_spared {
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
        let next = if is_spared {
            NextAttempt::After(self.backoff.wait(random, error.retry_after()))
        } else {
            self.backoff.failed_as(urgency, random, error.retry_after())
        };
        let NextAttempt::After(of_source) = next else { return Err(error) };
        let before_next = if pause == Pause::Wait { of_source } else { Duration::ZERO };
        self.past_caches = error.blames_a_copy();
        meter.count(|counts| counts.retries += 1);
        let origin = meter.origin();
        let notice = Notice::Retrying { origin: &origin, delay: before_next, error: &error };
        self.tracking.notify(&notice);
        Ok(Waits { before_next, of_source })
    }

    /// Whether a failure before such a pause is not counted. Says so once for each source.
    fn spares(&mut self, pause: Pause) -> bool {
        let Pause::Skip(source) = pause else { return false };
        let is_first = !self.spared.contains(&source);
        if is_first {
            self.spared.push(source);
        }
        is_first
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
