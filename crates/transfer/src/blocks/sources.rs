//! Which source is asked next.

use std::sync::{Mutex, MutexGuard, PoisonError};

use url::Url;

use crate::ledger::SourceMeter;
use crate::{Meter, TransferError};

/// The sources of one file, each with what it did so far.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    sources: Vec<Source<'a>>,
    standings: Mutex<Vec<Standing>>,
}

/// One source.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) number: usize,
    pub(super) url: &'a Url,
    pub(super) meter: SourceMeter,
}

/// How a source behaved. Ordered from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Standing {
    /// It cannot give this file.
    dropped: bool,
    /// Times that it gave wrong bytes; never forgiven within a transfer.
    corrupt: u32,
    /// Failures since it last gave a block.
    failures: u32,
}

impl<'a> Sources<'a> {
    pub(super) fn new(urls: &'a [Url], meter: &Meter) -> Self {
        let source = |(number, url)| Source { number, url, meter: meter.source(url) };
        let sources: Vec<_> = urls.iter().enumerate().map(source).collect();
        let standings = Mutex::new(vec![Standing::default(); sources.len()]);
        Self { sources, standings }
    }

    /// The source with the best standing, the earlier one of equals; none when all are dropped.
    pub(super) fn best(&self) -> Option<&Source<'a>> {
        let standings = self.lock();
        let candidates = self.sources.iter().zip(standings.iter());
        let usable = candidates.filter(|(_, standing)| !standing.dropped);
        usable.min_by_key(|(_, standing)| **standing).map(|(source, _)| source)
    }

    /// Whether the next source to be asked has given no trouble, so that it can be asked without waiting.
    pub(super) fn has_untroubled(&self) -> bool {
        self.lock().contains(&Standing::default())
    }

    /// The source gave a verified block.
    pub(super) fn gave(&self, source: &Source<'_>) {
        self.change(source, |standing| standing.failures = 0);
    }

    /// The source failed: it gives way to better ones.
    pub(super) fn failed(&self, source: &Source<'_>, error: &TransferError) {
        self.change(source, |standing| {
            if matches!(error, TransferError::Corrupt { .. }) {
                standing.corrupt = standing.corrupt.saturating_add(1);
            }
            standing.failures = standing.failures.saturating_add(1);
            standing.dropped |= !error.is_retryable();
        });
    }

    fn change(&self, source: &Source<'_>, change: impl FnOnce(&mut Standing)) {
        if let Some(standing) = self.lock().get_mut(source.number) {
            change(standing);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Standing>> {
        // Nothing panics while it is held, and every state of the list is a good one.
        self.standings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use headstart_model::{Digest, VerifyError};

    use super::*;
    use crate::{Interruption, ShownUrl};

    fn urls() -> Vec<Url> {
        ["https://a/", "https://b/", "https://c/"]
            .map(|text| Url::parse(text).expect("a URL"))
            .to_vec()
    }

    #[test]
    fn failing_sources_give_way_and_come_back() {
        let (urls, meter) = (urls(), Meter::new());
        let sources = Sources::new(&urls, &meter);
        let shown = ShownUrl::from(&urls[0]);
        let cut = TransferError::Interrupted {
            url: shown.clone(),
            received_bytes: 0,
            how: Interruption::EndedEarly,
        };
        let (zero, one) = (Digest::of(b"0"), Digest::of(b"1"));
        let source = VerifyError::Digest { expected: zero, actual: one };
        let corrupt = TransferError::Corrupt { url: shown.clone(), offset: 0, source };
        let missing = TransferError::NotFound { url: shown };
        let best = || sources.best().map(|source| source.number);

        assert_eq!(best(), Some(0));
        sources.failed(&sources.sources[0], &cut);
        assert_eq!(best(), Some(1));
        sources.failed(&sources.sources[1], &corrupt);
        assert_eq!(best(), Some(2));
        sources.failed(&sources.sources[2], &missing);
        assert!(!sources.has_untroubled());
        assert_eq!(best(), Some(0));
        sources.gave(&sources.sources[0]);
        assert!(sources.has_untroubled());
        // Wrong bytes weigh more than any number of broken connections.
        for _ in 0..9 {
            sources.failed(&sources.sources[0], &cut);
        }
        sources.gave(&sources.sources[1]);
        assert_eq!(best(), Some(0));
        sources.failed(&sources.sources[0], &missing);
        sources.failed(&sources.sources[1], &missing);
        assert_eq!(best(), None);
    }
}
