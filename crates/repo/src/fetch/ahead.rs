//! Files that are sure to be wanted next, asked for beside what is wanted now.

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::future::{BoxFuture, MaybeDone, maybe_done};

use super::{Fetch, FetchError, FetchRequest, Fetched, Freshness};
use crate::layout;

/// Asks for the next root and the timestamp beside the first root: they are sure to be wanted after it
/// ([`TrustStore::pin_at_first_use`](crate::TrustStore::pin_at_first_use), then [`check`](crate::TrustStore::check)), and no other
/// document has to tell where they are.
///
/// `Ours:` who knows nothing of a repository waits for one round trip instead of three until the timestamp is there. Nothing is asked
/// for that would not be asked for later. Not for checks after the first one: a repository that cannot be had costs them
/// one attempt, and should not cost two.
///
/// What was asked for ahead goes on while a request of this is waited for, and ends when this is dropped.
pub struct AheadFetch {
    place: Arc<dyn Fetch>,
    /// Begun, and not wanted yet.
    ahead: Mutex<Vec<Begun>>,
}

/// A file, and who may answer.
#[derive(Clone, PartialEq, Eq)]
struct Wanted {
    path: String,
    max_bytes: u64,
    freshness: Freshness,
}

struct Begun {
    wanted: Wanted,
    answer: MaybeDone<Answer>,
}

type Answer = BoxFuture<'static, Result<Fetched, FetchError>>;

impl fmt::Debug for AheadFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AheadFetch").finish_non_exhaustive()
    }
}

impl AheadFetch {
    /// Asks `place`.
    #[must_use]
    pub fn new(place: Arc<dyn Fetch>) -> Self {
        Self { place, ahead: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Begun>> {
        // Nothing panics while it is held.
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, wanted: Wanted) -> Begun {
        let (place, asked) = (Arc::clone(&self.place), wanted.clone());
        let answer: Answer = Box::pin(async move {
            let Wanted { path, max_bytes, freshness } = asked;
            place.fetch(FetchRequest { path: &path, max_bytes, held: None, freshness }).await
        });
        Begun { wanted, answer: maybe_done(answer) }
    }

    /// The request for `wanted`, and those that go on beside it.
    fn turn_to(&self, wanted: Wanted) -> (Begun, Vec<Begun>) {
        let mut ahead = std::mem::take(&mut *self.lock());
        if wanted.path == layout::FIRST_ROOT {
            let next = [layout::root(2), layout::TIMESTAMP.to_owned()];
            let next = next.map(|path| Wanted { path, ..wanted });
            ahead = next.map(|wanted| self.begin(wanted)).into();
        }
        let begun = ahead.iter().position(|begun| begun.wanted == wanted);
        let begun = begun.map(|at| ahead.swap_remove(at));
        (begun.unwrap_or_else(|| self.begin(wanted)), ahead)
    }
}

#[async_trait]
impl Fetch for AheadFetch {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        let FetchRequest { path, max_bytes, held, freshness } = request;
        if held.is_some() {
            // Nothing is held of what was asked for ahead.
            return self.place.fetch(request).await;
        }
        let wanted = Wanted { path: path.to_owned(), max_bytes, freshness };
        let (mut own, mut ahead) = self.turn_to(wanted);
        poll_fn(|context| {
            for begun in &mut ahead {
                // How it ends is for whoever wants it.
                let _ = Pin::new(&mut begun.answer).poll(context);
            }
            Pin::new(&mut own.answer).poll(context)
        })
        .await;
        self.lock().append(&mut ahead);
        Pin::new(&mut own.answer).take_output().expect("it has ended, and nobody took it")
    }

    fn elsewhere(&self) -> Option<Arc<dyn Fetch>> {
        self.place.elsewhere()
    }

    fn stalled(&self) -> BoxFuture<'static, ()> {
        self.place.stalled()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tokio::sync::Semaphore;

    use super::*;

    /// Gives every file its path as its content, when it may.
    struct Paths {
        asked: Mutex<Vec<(String, Freshness)>>,
        answers: Semaphore,
    }

    #[async_trait]
    impl Fetch for Paths {
        async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
            self.asked.lock().expect("whole").push((request.path.to_owned(), request.freshness));
            self.answers.acquire().await.expect("never closed").forget();
            let bytes = request.path.to_owned().into();
            Ok(Fetched::Body { bytes, tag: None })
        }
    }

    impl Paths {
        fn new(answers: usize) -> Arc<Self> {
            Arc::new(Self { asked: Mutex::default(), answers: Semaphore::new(answers) })
        }

        fn asked(&self) -> Vec<(String, Freshness)> {
            std::mem::take(&mut *self.asked.lock().expect("whole"))
        }
    }

    fn request(path: &str) -> FetchRequest<'_> {
        FetchRequest { path, max_bytes: 100, held: None, freshness: Freshness::Any }
    }

    async fn content(place: &AheadFetch, path: &str) -> String {
        match place.fetch(request(path)).await.expect("there") {
            Fetched::Body { bytes, .. } => String::from_utf8(bytes.into()).expect("a path"),
            Fetched::NotModified => panic!("nothing is held"),
        }
    }

    #[tokio::test]
    async fn with_the_first_root_the_next_one_and_the_timestamp_are_asked_for_once() {
        let paths = Paths::new(0);
        let place = AheadFetch::new(Arc::clone(&paths) as Arc<dyn Fetch>);
        let mut first = Box::pin(content(&place, layout::FIRST_ROOT));
        assert!((&mut first).now_or_never().is_none());
        let all = [layout::root(2), layout::TIMESTAMP.to_owned(), layout::FIRST_ROOT.to_owned()];
        assert_eq!(paths.asked(), all.map(|path| (path, Freshness::Any)));
        paths.answers.add_permits(3);
        assert_eq!(first.await, layout::FIRST_ROOT);
        for path in [&layout::root(2), layout::TIMESTAMP] {
            assert_eq!(content(&place, path).await, path);
        }
        assert_eq!(paths.asked(), []);
        // What was wanted once is asked for anew.
        paths.answers.add_permits(1);
        assert_eq!(content(&place, layout::TIMESTAMP).await, layout::TIMESTAMP);
        assert_eq!(paths.asked().len(), 1);
    }

    #[tokio::test]
    async fn another_request_for_the_same_file_is_not_answered_with_it() {
        let paths = Paths::new(100);
        let place = AheadFetch::new(Arc::clone(&paths) as Arc<dyn Fetch>);
        content(&place, layout::FIRST_ROOT).await;
        assert_eq!(paths.asked().len(), 3);
        let timestamp = request(layout::TIMESTAMP);
        for other in [
            FetchRequest { freshness: Freshness::FromServer, ..timestamp },
            FetchRequest { max_bytes: 99, ..timestamp },
            FetchRequest { held: Some("tag"), ..timestamp },
        ] {
            place.fetch(other).await.expect("there");
            assert_eq!(paths.asked(), [(other.path.to_owned(), other.freshness)]);
        }
        assert_eq!(content(&place, layout::TIMESTAMP).await, layout::TIMESTAMP);
        assert_eq!(paths.asked(), []);
    }

    #[tokio::test]
    async fn without_the_first_root_nothing_is_asked_for_ahead() {
        let paths = Paths::new(100);
        let place = AheadFetch::new(Arc::clone(&paths) as Arc<dyn Fetch>);
        content(&place, &layout::root(2)).await;
        assert_eq!(paths.asked(), [(layout::root(2), Freshness::Any)]);
    }
}
