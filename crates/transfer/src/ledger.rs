//! The account of a transfer: which server gave how many bytes, and what became of them.

use std::sync::Arc;

use tokio::sync::watch;
use url::Url;

use crate::Pace;

/// What was asked of one server, or of all, and what came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Requests sent, redirects and repetitions included.
    pub requests: u64,
    /// Failures after which the transfer went on.
    pub retries: u64,
    /// Bytes of all response bodies that were taken from the network, whatever became of them.
    pub body_bytes: u64,
    /// Bytes of these that were handed to the caller.
    pub useful_bytes: u64,
    /// Bytes of these that lay between wanted ones and were passed over.
    pub skipped_bytes: u64,
    /// What is here at the moment of blocks that are being received and not complete. It falls when a block is complete, or an
    /// attempt at it ends; what two receive at once counts twice.
    pub arriving_bytes: u64,
}

impl Counts {
    /// Bytes that were neither handed over nor passed over: fetched in vain. While a transfer runs this includes what has
    /// arrived of blocks that are not complete yet.
    #[must_use]
    pub const fn wasted_bytes(&self) -> u64 {
        self.body_bytes.saturating_sub(self.useful_bytes).saturating_sub(self.skipped_bytes)
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            retries: self.retries + other.retries,
            body_bytes: self.body_bytes + other.body_bytes,
            useful_bytes: self.useful_bytes + other.useful_bytes,
            skipped_bytes: self.skipped_bytes + other.skipped_bytes,
            arriving_bytes: self.arriving_bytes + other.arriving_bytes,
        }
    }
}

/// The counts of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceUse {
    /// Scheme, host and port that were asked, what a redirect led to counts for who redirected; or the name of another kind
    /// of source.
    pub origin: String,
    /// What was asked and what came.
    pub counts: Counts,
}

/// The counts of every server that a download used, in the order of first use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    /// One entry per server.
    pub sources: Vec<SourceUse>,
}

impl Ledger {
    /// The sum over all servers.
    #[must_use]
    pub fn total(&self) -> Counts {
        self.sources.iter().fold(Counts::default(), |sum, source| sum.plus(source.counts))
    }
}

/// Counts for one download, over all the transfers that it consists of. Clones count into the same ledger.
///
/// The counts are exact at any moment, also after an error and after a transfer was dropped.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    counts: watch::Sender<Ledger>,
    /// How fast what is counted may come: whoever counts bytes has the means to pay for them.
    pace: Pace,
    /// Counts everything that this one counts.
    whole: Option<Arc<Self>>,
}

impl Meter {
    /// A meter at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The counts now.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.counts.borrow().clone()
    }

    /// Tells of changes; only the newest counts are kept, so a slow reader costs nothing.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Ledger> {
        self.counts.subscribe()
    }

    /// A meter at zero, at the same pace. What it counts, this one counts too.
    pub(crate) fn part(&self) -> Self {
        let whole = Some(Arc::new(self.clone()));
        Self { counts: watch::Sender::default(), pace: self.pace.clone(), whole }
    }

    pub(crate) const fn pace(&self) -> &Pace {
        &self.pace
    }

    pub(crate) fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
    }

    /// The meter for one server.
    pub(crate) fn source(&self, url: &Url) -> SourceMeter {
        self.named(url.origin().ascii_serialization())
    }

    /// The meter for the source of this name.
    pub(crate) fn named(&self, origin: String) -> SourceMeter {
        let whole = self.whole.as_ref().map(|whole| Box::new(whole.named(origin.clone())));
        let mut position = 0;
        self.counts.send_if_modified(|ledger| {
            let known = ledger.sources.iter().position(|source| source.origin == origin);
            position = known.unwrap_or(ledger.sources.len());
            if known.is_none() {
                ledger.sources.push(SourceUse { origin, counts: Counts::default() });
            }
            known.is_none()
        });
        SourceMeter { meter: self.clone(), position, whole }
    }
}

/// Counts for one server of a download.
#[derive(Debug, Clone)]
pub(crate) struct SourceMeter {
    meter: Meter,
    position: usize,
    whole: Option<Box<Self>>,
}

impl SourceMeter {
    /// Scheme, host and port of the server.
    pub(crate) fn origin(&self) -> String {
        let ledger = self.meter.counts.borrow();
        ledger.sources.get(self.position).map_or_else(String::new, |source| source.origin.clone())
    }

    pub(crate) const fn pace(&self) -> &Pace {
        &self.meter.pace
    }

    pub(crate) fn count(&self, change: impl Fn(&mut Counts)) {
        self.count_by(&change);
    }

    fn count_by(&self, change: &dyn Fn(&mut Counts)) {
        // The whole first: whoever hears of the part finds both as they are.
        if let Some(whole) = &self.whole {
            whole.count_by(change);
        }
        self.meter.counts.send_modify(|ledger| {
            if let Some(source) = ledger.sources.get_mut(self.position) {
                change(&mut source.counts);
            }
        });
    }
}

/// What has arrived of the block that is being received: counted as long as this lives.
#[derive(Debug)]
pub(crate) struct Arriving {
    meter: SourceMeter,
    bytes: u64,
}

impl Arriving {
    /// Nothing yet, from the server of `meter`.
    pub(crate) fn new(meter: &SourceMeter) -> Self {
        Self { meter: meter.clone(), bytes: 0 }
    }

    /// So much is here.
    pub(crate) fn set(&mut self, bytes: u64) {
        let before = std::mem::replace(&mut self.bytes, bytes);
        if before != bytes {
            self.meter.count(|counts| {
                counts.arriving_bytes = counts.arriving_bytes.saturating_sub(before) + bytes;
            });
        }
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_told_apart_by_origin_and_summed() {
        let meter = Meter::new();
        let source = |url| meter.source(&Url::parse(url).expect("a URL"));
        source("http://a/x").count(|counts| counts.body_bytes += 10);
        source("http://a:80/y?z").count(|counts| counts.useful_bytes += 6);
        source("https://a/").count(|counts| counts.body_bytes += 1);
        let ledger = meter.ledger();
        assert_eq!(ledger.sources.len(), 2);
        assert_eq!(ledger.sources[0].counts.wasted_bytes(), 4);
        assert_eq!(ledger.total().body_bytes, 11);
    }

    #[test]
    fn what_is_arriving_counts_until_it_is_here_or_given_up() {
        let meter = Meter::new();
        let source = meter.source(&Url::parse("http://a/x").expect("a URL"));
        let (mut one, mut other) = (Arriving::new(&source), Arriving::new(&source));
        one.set(10);
        other.set(5);
        one.set(12);
        assert_eq!(meter.ledger().total().arriving_bytes, 17);
        drop(one);
        other.set(0);
        assert_eq!(meter.ledger().total().arriving_bytes, 0);
    }

    #[test]
    fn what_a_part_counts_the_whole_counts_too_and_not_the_other_way_round() {
        let whole = Meter::new();
        let bytes = |meter: &Meter| meter.ledger().total().body_bytes;
        let count = |meter: &Meter, url, bytes| {
            let source = meter.source(&Url::parse(url).expect("a URL"));
            source.count(|counts| counts.body_bytes += bytes);
        };
        count(&whole, "http://a/", 1);
        let (part, other) = (whole.part(), whole.part());
        let inner = part.part();
        count(&part, "http://b/", 10);
        count(&other, "http://a/", 100);
        count(&inner, "http://c/", 1000);
        assert_eq!([&whole, &part, &other, &inner].map(bytes), [1111, 1010, 100, 1000]);
        let sources = whole.ledger().sources;
        let of_each: Vec<_> = sources.iter().map(|source| source.counts.body_bytes).collect();
        assert_eq!(of_each, [101, 10, 1000]);
    }
}
