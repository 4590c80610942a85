//! Several copies of one repository, asked for the same small file.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use headstart_transfer::Counts;

/// How long one place may give nothing before the next is asked too. `Ours:` longer than an answer takes from the other side of the
/// world with packets lost, and shorter than somebody waits without wondering.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it is looked at whether a place gives something.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Whether what is being asked gives anything.
#[derive(Debug)]
pub(crate) struct Watch {
    counts: Counts,
    since: Instant,
}

impl Watch {
    /// From `counts` on.
    pub(crate) fn new(counts: Counts) -> Self {
        Self { counts, since: Instant::now() }
    }

    /// Whether, by `counts` now, an attempt has failed since the last look, or nothing has come for so long that another place is to be
    /// asked. A slow link is not held against a place: asking two at once would only share it.
    pub(crate) fn has_stalled(&mut self, counts: Counts) -> bool {
        let failed = counts.retries > self.counts.retries;
        let moves = counts.body_bytes > self.counts.body_bytes;
        self.counts = counts;
        let stalled = failed || (!moves && self.since.elapsed() >= PATIENCE);
        if moves || stalled {
            self.since = Instant::now();
        }
        stalled
    }
}

/// Which of several places is asked first. Clones share what they learn.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turn(Arc<AtomicUsize>);

impl Turn {
    /// With this place first, whatever others learn.
    pub(crate) fn at(place: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(place)))
    }

    /// The place that is asked first.
    pub(crate) fn first(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// The places 0 to `count - 1`, each once: first the one that served last, then the others in their order.
    fn order(&self, count: usize) -> impl Iterator<Item = usize> + use<> {
        let first = self.first();
        let first = (first < count).then_some(first);
        first.into_iter().chain((0..count).filter(move |place| Some(*place) != first))
    }

    /// Asks the places one after the other: the next one as soon as the one before has failed, or `has_stalled` says so, which is asked
    /// again and again. The first that serves counts, and is asked first from then on.
    ///
    /// # Errors
    /// When none serves: the first error.
    ///
    /// # Cancel safety
    /// Dropping it drops whatever is being asked.
    pub(crate) async fn first_good<T, E, F>(
        &self,
        (count, look_every): (usize, Duration),
        ask: impl Fn(usize) -> F,
        mut has_stalled: impl FnMut() -> bool,
    ) -> Option<Result<T, E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut order = self.order(count);
        let mut asked = FuturesUnordered::new();
        let mut failed: Option<E> = None;
        let numbered = |place: usize| {
            let answer = ask(place);
            async move { (place, answer.await) }
        };
        asked.push(numbered(order.next()?));
        let mut next = order.next();
        loop {
            tokio::select! {
                biased;
                Some((place, answer)) = asked.next() => match answer {
                    Ok(found) => {
                        self.0.store(place, Ordering::Relaxed);
                        return Some(Ok(found));
                    }
                    Err(error) => {
                        failed.get_or_insert(error);
                        match next.take() {
                            Some(place) => asked.push(numbered(place)),
                            None if asked.is_empty() => return failed.map(Err),
                            None => {}
                        }
                        next = order.next();
                    }
                },
                () = tokio::time::sleep(look_every), if next.is_some() => {
                    if has_stalled() && let Some(place) = next.take() {
                        asked.push(numbered(place));
                        next = order.next();
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_attempt_is_a_stall_at_once_and_silence_is_not() {
        let counts = |retries, body_bytes| Counts { retries, body_bytes, ..Counts::default() };
        let mut watch = Watch::new(counts(1, 10));
        assert!(!watch.has_stalled(counts(1, 10)));
        assert!(watch.has_stalled(counts(2, 10)));
        assert!(!watch.has_stalled(counts(2, 10)), "told once");
        watch.since =
            Instant::now().checked_sub(PATIENCE).expect("the clock is past its first seconds");
        assert!(!watch.has_stalled(counts(2, 11)), "something came");
        assert!(!watch.has_stalled(counts(2, 11)));
    }

    const SOON: Duration = Duration::from_millis(1);

    /// What becomes of each place: its number, an error, or nothing ever.
    async fn ask(turn: &Turn, places: &[Option<Result<(), char>>]) -> Option<Result<usize, char>> {
        let answer = |place: usize| async move {
            match places[place] {
                Some(Ok(())) => Ok(place),
                Some(Err(error)) => Err(error),
                None => std::future::pending().await,
            }
        };
        turn.first_good((places.len(), SOON), answer, || true).await
    }

    #[tokio::test]
    async fn the_first_that_serves_is_asked_first_from_then_on() {
        let turn = Turn::default();
        assert_eq!(ask(&turn, &[Some(Err('a')), Some(Ok(())), Some(Ok(()))]).await, Some(Ok(1)));
        assert_eq!(ask(&turn, &[Some(Ok(())), Some(Ok(())), Some(Ok(()))]).await, Some(Ok(1)));
        assert_eq!(ask(&turn, &[Some(Ok(())), Some(Err('b')), None]).await, Some(Ok(0)));
    }

    #[tokio::test]
    async fn when_none_serves_the_error_is_that_of_the_first() {
        let turn = Turn::default();
        assert_eq!(ask(&turn, &[Some(Err('a')), Some(Err('b'))]).await, Some(Err('a')));
        assert_eq!(ask(&turn, &[]).await, None);
    }

    #[tokio::test]
    async fn one_that_is_silent_holds_up_nobody() {
        let turn = Turn::default();
        assert_eq!(ask(&turn, &[None, None, Some(Ok(()))]).await, Some(Ok(2)));
    }

    #[tokio::test]
    async fn one_that_goes_on_giving_something_is_waited_for() {
        let (turn, left) = (Turn::default(), std::cell::Cell::new(3));
        let answer = |place: usize| {
            let left = &left;
            async move {
                while place == 0 && left.get() > 0 {
                    tokio::task::yield_now().await;
                }
                Ok::<_, char>(place)
            }
        };
        // Each look finds that something came, until the last byte is there.
        let moves = || {
            left.set(left.get() - 1);
            false
        };
        let found = turn.first_good((2, SOON), answer, moves).await;
        assert_eq!(found, Some(Ok(0)));
    }
}
