//! A repository and its mirrors, asked for the same small file.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use headstart_transfer::Counts;

use super::{Location, Mirror, RepositoryAccess};

/// How long one place may give nothing before the next is asked too. `Ours:` longer than an answer takes from the other side of the
/// world with packets lost, and shorter than somebody waits without wondering.
const SILENCE_MAX: Duration = Duration::from_secs(3);
/// How often it is looked at whether a place gives something.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Whether what is being asked gives anything.
#[derive(Debug)]
struct Watch {
    counts: Counts,
    since: Instant,
}

impl Watch {
    /// From `counts` on.
    fn new(counts: Counts) -> Self {
        Self { counts, since: Instant::now() }
    }

    /// Whether, by `counts` now, an attempt has failed since the last look, or nothing has come for so long that another place is to be
    /// asked. A slow link, or a limit, is not held against a place: asking two at once would only share it.
    fn has_stalled(&mut self, counts: Counts, limited: bool) -> bool {
        let failed = counts.retries > self.counts.retries;
        let moves = limited || counts.body_bytes > self.counts.body_bytes;
        self.counts = counts;
        let stalled = failed || (!moves && self.since.elapsed() >= SILENCE_MAX);
        if moves || stalled {
            self.since = Instant::now();
        }
        stalled
    }
}

/// Which of several places is asked first. Clones share what they learn.
#[derive(Debug, Clone, Default)]
pub(super) struct Turn(Arc<AtomicUsize>);

impl Turn {
    /// The places 0 to `count - 1`, each once: first the one that served last, then the others in their order.
    fn order(&self, count: usize) -> impl Iterator<Item = usize> + use<> {
        let first = self.0.load(Ordering::Relaxed);
        let first = (first < count).then_some(first);
        first.into_iter().chain((0..count).filter(move |place| Some(*place) != first))
    }

    /// Asks the places one after the other: the next one as soon as the one before has failed, or `has_stalled` says so, which is asked
    /// again and again. The first that serves counts, and is asked first from then on. With no place, `ask` is asked for number 0.
    ///
    /// # Errors
    /// When none serves: that of the first place.
    ///
    /// # Cancel safety
    /// Dropping it drops whatever is being asked.
    async fn first_good<T, E, F>(
        &self,
        (count, look_every): (usize, Duration),
        ask: impl Fn(usize) -> F,
        mut has_stalled: impl FnMut() -> bool,
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut order = self.order(count);
        let mut asked = FuturesUnordered::new();
        let mut failed: Option<(usize, E)> = None;
        let numbered = |place: usize| {
            let answer = ask(place);
            async move { (place, answer.await) }
        };
        asked.push(numbered(order.next().unwrap_or(0)));
        let mut next = order.next();
        loop {
            tokio::select! {
                biased;
                Some((place, answer)) = asked.next() => {
                    let error = match answer {
                        Ok(found) => {
                            self.0.store(place, Ordering::Relaxed);
                            return Ok(found);
                        }
                        Err(error) => error,
                    };
                    // What a mirror lacks says nothing of the repository.
                    let (of, error) = match failed.take() {
                        Some(before) if before.0 < place => before,
                        _ => (place, error),
                    };
                    match next.take() {
                        Some(place) => asked.push(numbered(place)),
                        None if asked.is_empty() => return Err(error),
                        None => {}
                    }
                    failed = Some((of, error));
                    next = order.next();
                }
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

impl RepositoryAccess {
    /// How many places there are: the repository itself, number 0, and its mirrors, but for archives.
    pub(super) fn place_count(&self) -> usize {
        1 + self.mirrored().count()
    }

    /// Mirrors that have every file. An archive has none: it is no repository.
    fn mirrored(&self) -> impl Iterator<Item = &Location> {
        let is_repository = !matches!(self.location, Location::Archive(_));
        self.mirrors.iter().filter_map(move |mirror| match mirror {
            Mirror::Repository(location) if is_repository => Some(location),
            Mirror::Repository(_) | Mirror::Archive(_) => None,
        })
    }

    /// Place number `place`; the repository itself for one that is not there.
    pub(super) fn place(&self, place: usize) -> &Location {
        let mirror = place.checked_sub(1).and_then(|mirror| self.mirrored().nth(mirror));
        mirror.unwrap_or(&self.location)
    }

    /// Asks one place after the other for a file that `ask` verifies.
    pub(crate) async fn ask_places<T, E, F>(&self, ask: impl Fn(usize) -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let counts = || self.tracking.meter().ledger().total();
        let mut watch = Watch::new(counts());
        let has_stalled = || {
            // Who waits for a limit of ours does not wait for a place.
            let limited = self.tracking.pace().limit().narrowest().is_some();
            watch.has_stalled(counts(), limited)
        };
        self.turn.first_good((self.place_count(), LOOK_EVERY), ask, has_stalled).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_attempt_is_a_stall_at_once_and_silence_is_not() {
        let counts = |retries, body_bytes| Counts { retries, body_bytes, ..Counts::default() };
        let mut watch = Watch::new(counts(1, 10));
        assert!(!watch.has_stalled(counts(1, 10), false));
        assert!(watch.has_stalled(counts(2, 10), true));
        assert!(!watch.has_stalled(counts(2, 10), false), "told once");
        watch.since =
            Instant::now().checked_sub(SILENCE_MAX).expect("the clock is past its first seconds");
        assert!(!watch.has_stalled(counts(2, 10), true), "a limit is waited for");
        watch.since =
            Instant::now().checked_sub(SILENCE_MAX).expect("the clock is past its first seconds");
        assert!(!watch.has_stalled(counts(2, 11), false), "something came");
        assert!(!watch.has_stalled(counts(2, 11), false));
    }

    const SOON: Duration = Duration::from_millis(1);

    /// What becomes of each place: its number, an error, or nothing ever.
    async fn ask(turn: &Turn, places: &[Option<Result<(), char>>]) -> Result<usize, char> {
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
        assert_eq!(ask(&turn, &[Some(Err('a')), Some(Ok(())), Some(Ok(()))]).await, Ok(1));
        assert_eq!(ask(&turn, &[Some(Ok(())), Some(Ok(())), Some(Ok(()))]).await, Ok(1));
        assert_eq!(ask(&turn, &[Some(Ok(())), Some(Err('b')), None]).await, Ok(0));
    }

    #[tokio::test]
    async fn when_none_serves_the_error_is_that_of_the_first() {
        let turn = Turn::default();
        assert_eq!(ask(&turn, &[Some(Err('a')), Some(Err('b'))]).await, Err('a'));
    }

    #[tokio::test]
    async fn the_error_is_that_of_the_first_place_though_it_comes_last() {
        let turn = Turn::default();
        let answer = |place: usize| async move {
            if place == 0 {
                tokio::time::sleep(SOON).await;
            }
            Err::<usize, _>(place)
        };
        let found = turn.first_good((3, Duration::ZERO), answer, || true).await;
        assert_eq!(found, Err(0));
    }

    #[tokio::test]
    async fn one_that_is_silent_holds_up_nobody() {
        let turn = Turn::default();
        assert_eq!(ask(&turn, &[None, None, Some(Ok(()))]).await, Ok(2));
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
        assert_eq!(found, Ok(0));
    }
}
