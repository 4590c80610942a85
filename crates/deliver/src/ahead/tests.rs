use futures::FutureExt as _;
use headstart_pack::TreeBuilder;

use super::*;

fn path(text: &str) -> PackPath {
    PackPath::new(text).expect("a path")
}

/// A version of two files, `a` of chunks of 10, 20 and 30 bytes and `b` of one of 40, and an empty one.
struct Version {
    ahead: Arc<Ahead>,
    attempt: Attempt,
    held: ChunkSet,
    folder: tempfile::TempDir,
}

impl Version {
    fn new() -> Self {
        let mut builder = TreeBuilder::new();
        let chunks = |all: &[u32]| {
            all.iter().map(|bytes| (Digest::of(&bytes.to_le_bytes()), *bytes)).collect::<Vec<_>>()
        };
        for (name, sizes) in [("a", &[10, 20, 30][..]), ("b", &[40]), ("empty", &[])] {
            builder.file(&path(name), false, chunks(sizes)).expect("a file");
        }
        let tree = Arc::new(builder.finish().tree().clone());
        let held = ChunkSet::empty(tree.chunk_count());
        let ahead = Arc::new(Ahead::new());
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["a", "b"] {
            std::fs::write(folder.path().join(name), "").expect("a file");
        }
        let version = (PackVersion(1), Digest::of(b"content"));
        let attempt = ahead.begin(&tree, version, folder.path().to_owned(), &held);
        Self { ahead, attempt, held, folder }
    }

    fn place(&mut self, chunk: u32) {
        self.held.insert(chunk);
        self.attempt.placed(&self.held);
    }

    fn now(&self, name: &str, offset: u64, bytes: u64) -> Option<Result<u64, AheadError>> {
        let arrival = self.ahead.arrival(&path(name), offset, bytes).now_or_never()?;
        Some(arrival.map(|arrived| arrived.end))
    }
}

#[test]
fn a_part_can_be_read_when_its_chunks_are_there_and_says_how_far() {
    let mut version = Version::new();
    assert_eq!(version.now("a", 0, 1), None);
    version.place(0);
    assert_eq!(version.now("a", 0, 1), Some(Ok(10)));
    assert_eq!(version.now("a", 5, 6), None, "it reaches into the next chunk");
    version.place(2);
    assert_eq!(version.now("a", 0, 1), Some(Ok(10)), "there is a hole");
    assert_eq!(version.now("a", 30, 1), Some(Ok(60)));
    version.place(1);
    assert_eq!(version.now("a", 0, 60), Some(Ok(60)));
}

#[test]
fn an_end_beyond_the_file_is_the_end_of_the_file() {
    let mut version = Version::new();
    assert_eq!(version.now("b", 40, 1), None, "nothing of it is on the disk");
    version.place(3);
    let far = [(0, u64::MAX), (40, 1), (u64::MAX, u64::MAX), (0, 0)];
    for (offset, bytes) in far {
        assert_eq!(version.now("b", offset, bytes), Some(Ok(40)), "{offset} {bytes}");
    }
}

#[test]
fn what_is_not_in_the_version_is_said_at_once_and_what_is_made_at_the_end_is_waited_for() {
    let version = Version::new();
    assert_eq!(version.now("c", 0, 1), Some(Err(AheadError::NoFile { path: path("c") })));
    assert_eq!(version.now("empty", 0, 1), None);
}

#[tokio::test]
async fn who_waits_is_answered_by_the_block_that_brings_it_and_only_then() {
    let mut version = Version::new();
    let ahead = Arc::clone(&version.ahead);
    let name = path("a");
    let waiting = ahead.arrival(&name, 12, 1);
    tokio::pin!(waiting);
    assert!(waiting.as_mut().now_or_never().is_none());
    assert_eq!(ahead.wanted(), [1, 2], "and what follows in the file");
    version.place(0);
    assert!(waiting.as_mut().now_or_never().is_none());
    version.place(1);
    let arrived = waiting.await.expect("it came");
    assert_eq!((arrived.end, arrived.size), (30, 60));
    assert_eq!(arrived.file, version.folder.path().join("a"));
    assert!(ahead.wanted().is_empty());
}

#[test]
fn a_file_that_was_moved_away_is_waited_for() {
    let mut version = Version::new();
    version.place(3);
    std::fs::remove_file(version.folder.path().join("b")).expect("it was there");
    assert_eq!(version.now("b", 0, 1), None);
}

#[test]
fn what_is_waited_for_goes_before_what_follows_and_the_newest_before_the_others() {
    let version = Version::new();
    let (a, b) = (path("a"), path("b"));
    let mut waiting = [(&a, 10), (&a, 0), (&b, 0)]
        .map(|(at, offset)| Box::pin(version.ahead.arrival(at, offset, 1)));
    assert!(waiting.iter_mut().all(|one| one.as_mut().now_or_never().is_none()));
    assert_eq!(version.ahead.wanted(), [3, 0, 1, 1, 2, 2]);
}

#[test]
fn a_reader_that_goes_takes_its_wish_with_it_and_too_many_are_refused() {
    let version = Version::new();
    let name = path("a");
    let mut waiting: Vec<_> =
        (0..READERS_MAX).map(|_| Box::pin(version.ahead.arrival(&name, 0, 1))).collect();
    assert!(waiting.iter_mut().all(|one| one.as_mut().now_or_never().is_none()));
    assert_eq!(version.now("a", 0, 1), Some(Err(AheadError::TooMany)));
    drop(waiting);
    assert!(version.ahead.wanted().is_empty());
    assert_eq!(version.now("a", 0, 1), None);
}

#[test]
fn readers_wait_through_an_attempt_that_ends_and_are_answered_by_the_next() {
    let Version { ahead, attempt, mut held, folder } = Version::new();
    let name = path("a");
    let mut waiting = Box::pin(ahead.arrival(&name, 0, 1));
    assert!(waiting.as_mut().now_or_never().is_none());
    let (tree, version) = view(&ahead);
    drop(attempt);
    assert!(ahead.wanted().is_empty(), "nothing is put together");
    held.insert(0);
    let _next = ahead.begin(&tree, version, folder.path().to_owned(), &held);
    assert_eq!(waiting.now_or_never().expect("answered").map(|arrived| arrived.end), Ok(10));
}

#[test]
fn an_attempt_that_outlives_the_next_one_s_beginning_tells_readers_nothing() {
    let Version { ahead, attempt: former, mut held, folder } = Version::new();
    let (tree, version) = view(&ahead);
    let next = ahead.begin(&tree, version, folder.path().to_owned(), &held);
    let name = path("a");
    let mut waiting = Box::pin(ahead.arrival(&name, 0, 1));
    let nothing = held.clone();
    held.insert(0);
    // It has put something into its own place.
    former.placed(&held);
    assert!(waiting.as_mut().now_or_never().is_none());
    // Its end is not that of the next, which goes on where it is.
    drop(former);
    assert_eq!(ahead.wanted(), [0, 1, 2]);
    next.placed(&nothing);
    assert!(waiting.as_mut().now_or_never().is_none());
    next.placed(&held);
    assert_eq!(waiting.now_or_never().expect("answered").map(|arrived| arrived.end), Ok(10));
}

/// What is being put together.
fn view(ahead: &Ahead) -> (Arc<Tree>, (PackVersion, Digest)) {
    let state = ahead.lock();
    let view = state.site.as_ref().expect("a version");
    (Arc::clone(&view.tree), view.version)
}
