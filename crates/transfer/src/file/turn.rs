//! Calls of this process for the same place, one after the other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;

type Place = Arc<tokio::sync::Mutex<()>>;

/// The places that are in use or wanted. Of the whole process: what two clients write lies on the same disk.
static PLACES: Mutex<BTreeMap<PathBuf, Place>> = Mutex::new(BTreeMap::new());

/// The right to work on a place, until this is dropped.
///
/// `Ours:` work for the disk that a dropped call has begun goes on and holds it, so that whoever downloads to the same place next
/// begins when the last byte of the call before is there, and neither fails nor loses that byte.
#[derive(Debug)]
pub(super) struct Turn {
    // Given up in this order: an entry without a holder and without anybody who waits is removed.
    _holder: OwnedMutexGuard<()>,
    _entry: Entry,
}

impl Turn {
    /// Waits until nobody in this process works on `target`, in the order of the calls.
    ///
    /// # Cancel safety
    /// Dropped, it gives its place in the row up.
    pub(super) async fn at(target: &Path) -> Self {
        let entry = Entry::of(target);
        let holder = Arc::clone(&entry.place).lock_owned().await;
        Self { _holder: holder, _entry: entry }
    }
}

#[cfg(test)]
impl Turn {
    /// That at a place where nobody else works.
    pub(super) fn free() -> Arc<Self> {
        use futures::FutureExt as _;

        static LAST: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = LAST.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let place = PathBuf::from(format!("/free/{number}"));
        Arc::new(Self::at(&place).now_or_never().expect("nobody is there"))
    }
}

#[derive(Debug)]
struct Entry {
    path: PathBuf,
    place: Place,
}

impl Entry {
    fn of(target: &Path) -> Self {
        // Without a current folder the path is as good as another.
        let path = std::path::absolute(target).unwrap_or_else(|_| target.to_owned());
        let place = Arc::clone(places().entry(path.clone()).or_default());
        Self { path, place }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut places = places();
        // The table's and this one: all others are made from the table's, under its lock.
        if Arc::strong_count(&self.place) == 2 {
            places.remove(&self.path);
        }
    }
}

fn places() -> MutexGuard<'static, BTreeMap<PathBuf, Place>> {
    // Nothing panics while it is held.
    PLACES.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_place_has_one_turn_at_a_time_and_is_forgotten_after_the_last() {
        let target = Path::new("/of/this/test");
        let first = Turn::at(target).await;
        let mut second = Box::pin(Turn::at(target));
        let mut third = Box::pin(Turn::at(target));
        assert!((&mut second).now_or_never().is_none() && (&mut third).now_or_never().is_none());
        drop(Turn::at(Path::new("/of/this/test/too")).await);
        drop(first);
        assert!((&mut third).now_or_never().is_none(), "it is the second one's turn");
        drop(second);
        drop(third.await);
        assert!(places().keys().all(|path| !path.starts_with(target)));
    }
}
