//! A repository and its mirrors, asked for the same small file.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use headstart_transfer::{Counts, Tracking};
use tokio::time::timeout;

use super::{Location, Mirror, RepositoryAccess};

/// How long one place may give nothing before the next is asked too. `Ours:` longer than an answer takes from the other side of the
/// world with packets lost, and shorter than somebody waits without wondering.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// Ends when `is_failed` says so of what `tracking` counts, which is asked of one place alone, or when nothing has come for `silence_max`.
/// A slow link, or a limit of ours, is not held against a place: asking two at once would only share it. Nor is a question of the
/// server for a credential that nobody has answered yet.
pub(super) async fn stall(
    tracking: Tracking,
    silence_max: Duration,
    is_failed: impl Fn(Counts) -> bool,
) {
    let mut news = tracking.meter().subscribe();
    while !is_failed(news.borrow_and_update().total()) {
        let is_silent = timeout(silence_max, news.changed()).await.is_err();
        let is_ours = || tracking.is_asking() || tracking.pace().limit().narrowest().is_some();
        if is_silent && !is_ours() {
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

    /// Asks the places one after the other: the next one as soon as the one before has failed or stalls. `ask` begins to ask a place, and
    /// gives what ends with its answer and what ends when it stalls. What becomes of a place is held against no other that was asked since.
    /// The first that serves counts, and is asked first from then on. With no place, number 0 is asked.
    ///
    /// # Errors
    /// When none serves: that of the first place.
    ///
    /// # Cancel safety
    /// Dropping it drops whatever is being asked.
    async fn first_good<T, E, F, S>(
        &self,
        count: usize,
        ask: impl Fn(usize) -> (F, S),
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        S: Future<Output = ()>,
    {
        let mut order = self.order(count);
        let mut asked = FuturesUnordered::new();
        let mut failed: Option<(usize, E)> = None;
        let begin = |place: usize| {
            let (answer, stall) = ask(place);
            (async move { (place, answer.await) }, Box::pin(stall))
        };
        let mut newest = order.next().unwrap_or(0);
        let (answer, mut stall) = begin(newest);
        asked.push(answer);
        let mut next = order.next();
        loop {
            let is_next_wanted = tokio::select! {
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
                    place == newest
                }
                () = &mut stall, if next.is_some() => true,
            };
            if let Some(place) = next.take_if(|_| is_next_wanted) {
                newest = place;
                let answer;
                (answer, stall) = begin(place);
                asked.push(answer);
                next = order.next();
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

    /// Asks one place after the other for a file that `ask` verifies, each through an access of its own, which counts apart.
    pub(crate) async fn ask_places<T, E, F>(&self, ask: impl Fn(usize, Self) -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let ask = |place| {
            let access = self.part();
            let has_failed = |counts: Counts| counts.retries > 0;
            let stall = stall(access.tracking.clone(), SILENCE_MAX, has_failed);
            (ask(place, access), stall)
        };
        self.turn.first_good(self.place_count(), ask).await
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::{pending, ready};

    use headstart_transfer::{Limit, Pace, Rate, Urgency};
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_is_a_stall_after_a_time_and_a_limit_is_waited_for() {
        let limit = Limit::default();
        let pace = Pace::new(limit.clone(), Urgency::Foreground);
        let tracking = Tracking::new("test").with_pace(pace);
        let begun = Instant::now();
        stall(tracking.clone(), SILENCE_MAX, |_| false).await;
        assert_eq!(begun.elapsed(), SILENCE_MAX);
        limit.set_rate(Rate::bytes_per_second(1000));
        let lift = async {
            sleep(SILENCE_MAX * 5 / 2).await;
            limit.set_rate(None);
        };
        tokio::join!(stall(tracking, SILENCE_MAX, |_| false), lift);
        assert_eq!(begun.elapsed(), SILENCE_MAX * 4);
    }

    #[tokio::test]
    async fn a_failure_is_a_stall_at_once_also_one_that_came_before() {
        let counts = Cell::new(0);
        let has_failed = |_| counts.replace(1) == 0;
        stall(Tracking::new("test"), SILENCE_MAX, has_failed).await;
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
        turn.first_good(places.len(), |place| (answer(place), ready(()))).await
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
        let (turn, others) = (Turn::default(), Cell::new(2_u32));
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
        assert_eq!(turn.first_good(3, |place| (answer(place), ready(()))).await, Err(0));
    }

    #[tokio::test]
    async fn one_that_is_silent_holds_up_nobody() {
        let turn = Turn::default();
        assert_eq!(ask(&turn, &[None, None, Some(Ok(()))]).await, Ok(2));
    }

    #[tokio::test]
    async fn one_that_does_not_stall_is_waited_for() {
        let (turn, left) = (Turn::default(), Cell::new(3));
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
        assert_eq!(turn.first_good(2, |place| (answer(place), pending())).await, Ok(0));
    }

    #[tokio::test]
    async fn what_becomes_of_one_is_not_held_against_the_next() {
        // Place 0 stalls, and fails while place 1 is at work: number 2 is not asked.
        let (turn, begun) = (Turn::default(), Cell::new(0));
        let (asked, failed) = (&tokio::sync::Notify::new(), &tokio::sync::Notify::new());
        let ask = |place: usize| {
            begun.set(begun.get() + 1);
            let answer = async move {
                match place {
                    0 => {
                        asked.notified().await;
                        failed.notify_one();
                        Err('a')
                    }
                    1 => {
                        asked.notify_one();
                        failed.notified().await;
                        // So that the failure is seen first.
                        tokio::task::yield_now().await;
                        tokio::task::yield_now().await;
                        Ok(1)
                    }
                    other => Ok(other),
                }
            };
            let stall = async move {
                if place != 0 {
                    pending::<()>().await;
                }
            };
            (answer, stall)
        };
        assert_eq!(turn.first_good(3, ask).await, Ok(1));
        assert_eq!(begun.get(), 2);
    }
}
