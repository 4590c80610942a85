//! A repository and its mirrors, asked for the same small file.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use headstart_transfer::Meter;
use tokio::time::timeout;

use super::{Location, Mirror, RepositoryAccess};

/// How long one place may give nothing before the next is asked too. `Ours:` longer than an answer takes from the other side of the
/// world with packets lost, and shorter than somebody waits without wondering.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// Ends when, by the counts of `meter`, an attempt has failed, or nothing has come for so long that another place is to be asked. A slow link,
/// or a limit of ours, is not held against a place: asking two at once would only share it.
async fn stall(meter: &Meter, is_limited: impl Fn() -> bool) {
    let mut news = meter.subscribe();
    let begun = news.borrow_and_update().total();
    loop {
        let changed = timeout(SILENCE_MAX, news.changed()).await;
        let failed = news.borrow_and_update().total().retries > begun.retries;
        if failed || (changed.is_err() && !is_limited()) {
            return;
        }
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

    /// Asks the places one after the other: the next one as soon as the one before has failed, or what `stalled` gives ends, which is begun
    /// with each place. The first that serves counts, and is asked first from then on. With no place, `ask` is asked for number 0.
    ///
    /// # Errors
    /// When none serves: that of the first place.
    ///
    /// # Cancel safety
    /// Dropping it drops whatever is being asked.
    async fn first_good<T, E, F, S>(
        &self,
        count: usize,
        ask: impl Fn(usize) -> F,
        stalled: impl Fn() -> S,
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        S: Future<Output = ()>,
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
        let mut stall = Box::pin(stalled());
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
                    if next.is_none() && asked.is_empty() {
                        return Err(error);
                    }
                    failed = Some((of, error));
                }
                () = &mut stall, if next.is_some() => {}
            }
            if let Some(place) = next {
                asked.push(numbered(place));
                next = order.next();
                stall = Box::pin(stalled());
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
        let is_limited = || self.tracking.pace().limit().narrowest().is_some();
        let stalled = || stall(self.tracking.meter(), is_limited);
        self.turn.first_good(self.place_count(), ask, stalled).await
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use headstart_transfer::Tracking;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_is_a_stall_after_a_time_and_a_limit_is_waited_for() {
        let (tracking, begun) = (Tracking::new("test"), Instant::now());
        stall(tracking.meter(), || false).await;
        assert_eq!(begun.elapsed(), SILENCE_MAX);
        let left = std::cell::Cell::new(3);
        let is_limited = || left.replace(left.get() - 1) > 1;
        stall(tracking.meter(), is_limited).await;
        assert_eq!(begun.elapsed(), SILENCE_MAX * 4);
    }

    /// What becomes of each place: its number, an error, or nothing ever.
    async fn ask(turn: &Turn, places: &[Option<Result<(), char>>]) -> Result<usize, char> {
        let answer = |place: usize| async move {
            match places[place] {
                Some(Ok(())) => Ok(place),
                Some(Err(error)) => Err(error),
                None => pending().await,
            }
        };
        turn.first_good(places.len(), answer, || ready(())).await
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
        let (turn, others) = (Turn::default(), std::cell::Cell::new(2_u32));
        let answer = |place: usize| {
            let others = &others;
            async move {
                while place == 0 && others.get() > 0 {
                    tokio::task::yield_now().await;
                }
                others.set(others.get().saturating_sub(1));
                Err::<usize, _>(place)
            }
        };
        assert_eq!(turn.first_good(3, answer, || ready(())).await, Err(0));
    }

    #[tokio::test]
    async fn one_that_is_silent_holds_up_nobody() {
        let turn = Turn::default();
        assert_eq!(ask(&turn, &[None, None, Some(Ok(()))]).await, Ok(2));
    }

    #[tokio::test]
    async fn one_that_does_not_stall_is_waited_for() {
        let (turn, left) = (Turn::default(), std::cell::Cell::new(3));
        let answer = |place: usize| {
            let left = &left;
            async move {
                while place == 0 && left.get() > 0 {
                    left.set(left.get() - 1);
                    tokio::task::yield_now().await;
                }
                Ok::<_, char>(place)
            }
        };
        assert_eq!(turn.first_good(2, answer, pending).await, Ok(0));
    }
}
