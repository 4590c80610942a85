//! How a transfer of blocks ends when its workers end in ways that are not the usual one, in virtual time.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use headstart_model::{Digest, Verified};
use headstart_transfer::{
    BlockRequest, BlockSink, ClientConfig, Distance, Precedence, RangeReader, RangeSource,
    ShownUrl, SinkError, Tracking, TransferError, WantedBlock,
};
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use url::Url;

use crate::server::Server;
use crate::support::{Collector, Fetched, TestFile, client, client_with, config, one_at_a_time};

/// Of virtual time; what takes so long never ends.
const FOR_EVER: Duration = Duration::from_hours(1);

/// What becomes of one request.
#[derive(Debug, Clone, Copy)]
enum Course {
    /// Everything comes, after so long.
    Comes(Duration),
    /// After so long it ends without a byte.
    BreaksOff(Duration),
    /// There is no such file.
    Missing,
}

const AT_ONCE: Course = Course::Comes(Duration::from_millis(1));

/// A source whose n-th request takes the n-th of `courses`, the last one from then on.
#[derive(Debug)]
struct Scripted {
    bytes: Arc<Vec<u8>>,
    courses: Vec<Course>,
    asked: AtomicUsize,
}

impl Scripted {
    fn new(file: &TestFile, courses: &[Course]) -> Self {
        Self { bytes: file.bytes.clone(), courses: courses.to_vec(), asked: AtomicUsize::new(0) }
    }
}

impl RangeSource for Scripted {
    fn name(&self) -> String {
        "scripted".to_owned()
    }

    fn distance(&self) -> Distance {
        Distance::Network
    }

    fn open(
        &self,
        start: u64,
        end: u64,
    ) -> BoxFuture<'_, Result<Box<dyn RangeReader>, TransferError>> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        let course = self.courses[number.min(self.courses.len() - 1)];
        Box::pin(async move {
            if matches!(course, Course::Missing) {
                let url = Url::parse("https://scripted/").expect("a URL");
                return Err(TransferError::NotFound { url: ShownUrl::from(&url) });
            }
            let at = |offset: u64| usize::try_from(offset).expect("a small file");
            let left = Bytes::copy_from_slice(&self.bytes[at(start)..at(end)]);
            Ok(Box::new(Reading { left, course }) as Box<dyn RangeReader>)
        })
    }
}

struct Reading {
    left: Bytes,
    course: Course,
}

impl RangeReader for Reading {
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, TransferError>> {
        Box::pin(async move {
            match self.course {
                Course::Comes(after) => sleep(after).await,
                Course::BreaksOff(after) => {
                    sleep(after).await;
                    return Ok(None);
                }
                Course::Missing => return Ok(None),
            }
            let piece = self.left.split_to(self.left.len().min(1000));
            Ok((!piece.is_empty()).then_some(piece))
        })
    }
}

fn request(file: &TestFile, blocks: usize, courses: &[Course]) -> BlockRequest {
    let mut request = file.request(&[], 0..blocks, 1);
    request.sources = vec![Scripted::new(file, courses).into()];
    request
}

async fn fetch(request: &BlockRequest) -> Fetched {
    let tracking = Tracking::new("test");
    let mut sink = Collector::default();
    let client = client();
    let fetching = client.fetch_blocks(request, &mut sink, &tracking);
    let result = timeout(FOR_EVER, fetching).await.expect("an end");
    Fetched { result, sink, tracking }
}

/// Fails with the first block that comes, and takes all others.
struct FailingOnce(Vec<u64>);

impl BlockSink for FailingOnce {
    async fn block(&mut self, tag: u64, _: Verified<Bytes>) -> Result<(), SinkError> {
        self.0.push(tag);
        if self.0.len() == 1 { Err(SinkError::Closed) } else { Ok(()) }
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_error_ends_everything_however_many_ranges_are_under_way() {
    for concurrency in [4, 31, 40] {
        let concurrency = NonZeroUsize::new(concurrency).expect("not zero");
        let client = client_with(ClientConfig { concurrency, ..config() });
        let file = TestFile::new(80, 1000);
        // The range of the first worker is the last to come.
        let request = request(&file, 80, &[Course::Comes(Duration::from_secs(2)), AT_ONCE]);
        let (mut sink, tracking) = (FailingOnce(Vec::new()), Tracking::new("test"));
        let fetching = client.fetch_blocks(&request, &mut sink, &tracking);
        let error =
            timeout(FOR_EVER, fetching).await.expect("an end").expect_err("nobody takes it");
        assert!(matches!(error, TransferError::Sink(_)), "{concurrency}: {error:?}");
        assert_eq!(sink.0.len(), 1, "{concurrency}: nothing is taken after the error");
    }
}

#[tokio::test(start_paused = true)]
async fn a_block_that_is_not_there_any_more_is_said_to_be_missing_although_two_raced_for_it() {
    let file = TestFile::new(2, 1000);
    let silent = Duration::from_secs(5);
    let courses = [Course::BreaksOff(silent), AT_ONCE, Course::Missing];
    let fetched = fetch(&request(&file, 2, &courses)).await;
    assert!(matches!(fetched.error(), TransferError::NotFound { .. }), "{:?}", fetched.error());
}

#[tokio::test(start_paused = true)]
async fn who_has_a_block_under_way_may_finish_although_its_source_is_gone_for_others() {
    let file = TestFile::new(2, 1000);
    let silent = Duration::from_secs(5);
    let request = request(&file, 2, &[Course::Comes(silent), AT_ONCE, Course::Missing]);
    fetch(&request).await.assert_complete(&request);
}

/// Notes the order of the blocks.
struct Order(Vec<u64>);

impl BlockSink for Order {
    async fn block(&mut self, tag: u64, _: Verified<Bytes>) -> Result<(), SinkError> {
        self.0.push(tag);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_wanted_first_comes_first_from_a_source_that_is_no_server_too() {
    let file = TestFile::new(6, 1000);
    let mut request = file.request(&[], 0..6, 6);
    request.sources = vec![Scripted::new(&file, &[AT_ONCE]).into()];
    let precedence = Precedence::new();
    precedence.prefer([4]);
    request.precedence = Some(precedence);
    let (mut sink, tracking) = (Order(Vec::new()), Tracking::new("test"));
    let fetched = one_at_a_time().fetch_blocks(&request, &mut sink, &tracking).await;
    fetched.expect("a good source");
    assert_eq!(sink.0, [0, 4, 1, 2, 3, 5]);
}

/// Says when the first block has come.
struct Telling {
    collector: Collector,
    first: Arc<Notify>,
}

impl BlockSink for Telling {
    async fn block(&mut self, tag: u64, bytes: Verified<Bytes>) -> Result<(), SinkError> {
        self.first.notify_one();
        self.collector.block(tag, bytes).await
    }
}

/// Two blocks: a long one and a short one.
fn long_and_short(file: &TestFile, sources: &[Url]) -> BlockRequest {
    let block = |(offset, end, tag): (usize, usize, u64)| WantedBlock {
        offset: offset as u64,
        bytes: u32::try_from(end - offset).expect("a short block"),
        digest: Digest::of(&file.bytes[offset..end]),
        tag,
    };
    let mut request = file.request(sources, [], 1);
    request.options.coalesce.max_range_bytes = 90_000;
    request.blocks = [(0, 90_000, 0), (90_000, 100_000, 1)].map(block).to_vec();
    request
}

#[tokio::test(start_paused = true)]
async fn a_whole_file_goes_on_to_be_read_although_a_mirror_was_faster_with_its_first_block() {
    // Time stands still but where it is moved, as long as this runs.
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let frozen = tokio::task::spawn_blocking(move || held.recv().is_ok());

    let file = TestFile::new(1, 100_000);
    let gate = || Arc::new(Notify::new());
    let (asked, begin, mirror_asked, mirror_gives, first) =
        (gate(), gate(), gate(), gate(), gate());
    let (bytes, gates) = (file.bytes.clone(), (asked.clone(), begin.clone(), first.clone()));
    let slow = Server::start(move |mut exchange| {
        let (bytes, (asked, begin, first)) = (bytes.clone(), gates.clone());
        async move {
            asked.notify_one();
            begin.notified().await;
            exchange.head(200, &[format!("content-length: {}", bytes.len())]).await;
            exchange.body(&bytes[..89_000]).await;
            first.notified().await;
            exchange.body(&bytes[89_000..]).await;
            Some(exchange)
        }
    })
    .await;
    let (bytes, gates) = (file.bytes.clone(), (mirror_asked.clone(), mirror_gives.clone()));
    let mirror = Server::start(move |mut exchange| {
        let (bytes, (asked, gives)) = (bytes.clone(), gates.clone());
        async move {
            asked.notify_one();
            gives.notified().await;
            exchange.serve(&bytes).await;
            Some(exchange)
        }
    })
    .await;

    let request = long_and_short(&file, &[slow.url("f"), mirror.url("f")]);
    let tracking = Tracking::new("test");
    let mut sink = Telling { collector: Collector::default(), first };
    let client = client();
    let driving = async {
        asked.notified().await;
        tokio::time::advance(Duration::from_secs(4)).await;
        mirror_asked.notified().await;
        begin.notify_one();
        while tracking.meter().ledger().sources[0].counts.body_bytes < 89_000 {
            yield_now().await;
        }
        mirror_gives.notify_one();
    };
    let (result, ()) = tokio::join!(client.fetch_blocks(&request, &mut sink, &tracking), driving);
    Fetched { result, sink: sink.collector, tracking }.assert_complete(&request);
    assert_eq!(mirror.log.ranges(), ["bytes=0-89999"]);
    assert_eq!(slow.log.requests().len(), 1, "the rest comes with the answer that is there");
    drop(hold);
    assert!(!frozen.await.expect("it only waits"));
}
