//! Sources that are slow, silent, short or wrong, in virtual time: whatever they do, it ends soon with the right bytes or
//! with a typed error.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use headstart_transfer::{
    BlockRequest, BlockSource, Client, ClientConfig, Distance, Jitter, Notice, RangeReader,
    RangeSource, RetryPolicy, Tracking, TransferError,
};
use tokio::time::{Instant, sleep};

use crate::support::{Collector, Fetched, TestFile, client_with, config};

const PIECE_BYTES: usize = 4_096;

/// How one range is given.
#[derive(Debug, Clone, Copy)]
struct Manner {
    bytes_per_second: usize,
    /// What happens after so many bytes.
    fault: Option<(usize, Fault)>,
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    Silence,
    End,
    WrongByte,
}

/// A source whose ranges are given as the n-th of `manners` says, the last one from then on.
#[derive(Debug)]
struct Scripted {
    name: &'static str,
    bytes: Arc<Vec<u8>>,
    manners: Vec<Manner>,
    asked: std::sync::atomic::AtomicUsize,
}

struct Reading {
    bytes: Arc<Vec<u8>>,
    position: usize,
    end: usize,
    given: usize,
    manner: Manner,
}

impl RangeSource for Scripted {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn distance(&self) -> Distance {
        Distance::Network
    }

    fn open(
        &self,
        start: u64,
        end: u64,
    ) -> BoxFuture<'_, Result<Box<dyn RangeReader>, TransferError>> {
        let number = self.asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let manner = self.manners[number.min(self.manners.len() - 1)];
        let (position, end) =
            (usize::try_from(start).expect("in range"), usize::try_from(end).expect("in range"));
        let bytes = self.bytes.clone();
        Box::pin(async move {
            sleep(Duration::from_millis(40)).await;
            Ok(Box::new(Reading { bytes, position, end, given: 0, manner }) as Box<dyn RangeReader>)
        })
    }
}

impl RangeReader for Reading {
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, TransferError>> {
        Box::pin(async move {
            let mut length = PIECE_BYTES.min(self.end - self.position);
            let mut wrong = false;
            if let Some((after, fault)) = self.manner.fault {
                match fault {
                    Fault::Silence if self.given >= after => std::future::pending().await,
                    Fault::End if self.given >= after => return Ok(None),
                    Fault::WrongByte => wrong = (self.given..self.given + length).contains(&after),
                    Fault::Silence | Fault::End => length = length.min(after - self.given),
                }
            }
            sleep(Duration::from_secs_f64(length as f64 / self.manner.bytes_per_second as f64))
                .await;
            let mut piece = self.bytes[self.position..self.position + length].to_vec();
            if wrong {
                piece[0] ^= 1;
            }
            self.position += length;
            self.given += length;
            Ok((length > 0).then(|| piece.into()))
        })
    }
}

fn source(name: &'static str, file: &TestFile, manners: Vec<Manner>) -> BlockSource {
    let (bytes, asked) = (file.bytes.clone(), 0.into());
    Scripted { name, bytes, manners, asked }.into()
}

const fn steady(bytes_per_second: usize) -> Manner {
    Manner { bytes_per_second, fault: None }
}

fn patient() -> Client {
    // The usual waits: they cost nothing here.
    let retry = RetryPolicy { attempts: 6.try_into().expect("in range"), ..RetryPolicy::default() };
    client_with(ClientConfig { concurrency: 8.try_into().expect("in range"), retry, ..config() })
}

async fn fetch(request: &BlockRequest) -> (Fetched, Duration) {
    let tracking = Tracking::new("test");
    let (began, mut sink) = (Instant::now(), Collector::default());
    let result = patient().fetch_blocks(request, &mut sink, &tracking).await;
    (Fetched { result, sink, tracking }, began.elapsed())
}

fn request(
    file: &TestFile,
    sources: Vec<BlockSource>,
    blocks: usize,
    per_range: usize,
) -> BlockRequest {
    let mut request = file.request(&[], 0..blocks, per_range);
    request.sources = sources;
    request
}

#[tokio::test(start_paused = true)]
async fn a_silent_range_is_raced_for_long_before_its_time_out() {
    let file = TestFile::new(6, 400_000);
    let silent = Manner { fault: Some((100_000, Fault::Silence)), ..steady(1_000_000) };
    let one = source("one", &file, vec![steady(1_000_000), silent, steady(1_000_000)]);
    let (fetched, took) = fetch(&request(&file, vec![one], 6, 1)).await;
    fetched.assert_complete(&request(&file, vec![], 6, 1));
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert!(fetched.counts().wasted_bytes() <= 400_000, "{:?}", fetched.counts());
}

#[tokio::test(start_paused = true)]
async fn a_slow_link_is_slow_and_no_block_is_fetched_twice() {
    let file = TestFile::new(8, 100_000);
    let one = source("one", &file, vec![steady(8_000)]);
    let (fetched, took) = fetch(&request(&file, vec![one], 8, 2)).await;
    fetched.assert_complete(&request(&file, vec![], 8, 2));
    // What a range that was relieved of its rest had read of it.
    assert!(fetched.counts().wasted_bytes() < 8 * PIECE_BYTES as u64, "{:?}", fetched.counts());
    assert!(took < Duration::from_mins(1), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_source_gives_way_to_a_quick_one() {
    let file = TestFile::new(40, 100_000);
    let slow = source("slow", &file, vec![steady(5_000)]);
    let quick = source("quick", &file, vec![steady(1_000_000)]);
    let (fetched, took) = fetch(&request(&file, vec![slow, quick], 40, 4)).await;
    fetched.assert_complete(&request(&file, vec![], 40, 4));
    assert!(took < Duration::from_secs(30), "the slow one alone takes 800 s; took {took:?}");
    let ledger = fetched.tracking.meter().ledger();
    assert!(ledger.sources[1].counts.useful_bytes > 3_000_000, "{ledger:?}");
    assert!(ledger.total().wasted_bytes() <= 400_000, "{ledger:?}");
}

#[tokio::test(start_paused = true)]
async fn many_connections_are_opened_where_each_is_slow() {
    let file = TestFile::new(64, 1_000_000);
    let one = source("one", &file, vec![steady(500_000)]);
    let (fetched, took) = fetch(&request(&file, vec![one], 64, 4)).await;
    fetched.assert_complete(&request(&file, vec![], 64, 4));
    // One connection would take 128 s, the eight that are allowed 16.
    assert!(took < Duration::from_secs(30), "{took:?}");
}

/// What a range may do, by chance.
fn manner(random: &Jitter) -> Manner {
    let pick = |bound: u64| usize::try_from(random.next() % bound).expect("in range");
    let bytes_per_second = [3_000, 50_000, 1_000_000, 50_000_000][pick(4)];
    let after = pick(300_000);
    let fault = match pick(8) {
        0 => Some((after, Fault::Silence)),
        1 | 2 => Some((after, Fault::End)),
        3 => Some((after, Fault::WrongByte)),
        _ => None,
    };
    Manner { bytes_per_second, fault }
}

#[tokio::test(start_paused = true)]
async fn any_mixture_of_faults_ends_with_the_right_bytes_or_a_typed_error() {
    let mut arrived = 0;
    for seed in 0..60 {
        let random = Jitter::new(seed);
        let file = TestFile::new(12, 100_000);
        let manners = || (0..200).map(|_| manner(&random)).collect::<Vec<_>>();
        let sources = (0..=seed % 3).map(|_| source("some", &file, manners())).collect();
        let request = request(&file, sources, 12, 3);
        let (fetched, took) = fetch(&request).await;
        let counts = fetched.counts();
        assert!(took < Duration::from_mins(20), "seed {seed} took {took:?}");
        match &fetched.result {
            Ok(()) => {
                let bytes: Vec<u8> = fetched.sink.0.values().flatten().copied().collect();
                assert!(bytes == *file.bytes, "seed {seed}");
                assert_eq!(counts.useful_bytes, 1_200_000, "seed {seed}");
                arrived += 1;
            }
            Err(error) => assert!(error.is_retryable(), "seed {seed}: {error:?}"),
        }
    }
    assert!(arrived > 40, "{arrived} of 60");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_cannot_be_read_is_dropped_aloud() {
    #[derive(Debug)]
    struct Gone;
    impl RangeSource for Gone {
        fn name(&self) -> String {
            "gone".to_owned()
        }

        fn distance(&self) -> Distance {
            Distance::Local
        }

        fn open(
            &self,
            _: u64,
            _: u64,
        ) -> BoxFuture<'_, Result<Box<dyn RangeReader>, TransferError>> {
            let source = io::ErrorKind::NotFound.into();
            let error = TransferError::Unreadable { path: "gone".into(), source };
            Box::pin(async { Err(error) })
        }
    }
    let file = TestFile::new(4, 1_000);
    let good = source("good", &file, vec![steady(1_000_000)]);
    let request = request(&file, vec![Gone.into(), good], 4, 2);
    let dropped = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = dropped.clone();
    let tracking = Tracking::new("test").with_listener(move |notice| {
        if let Notice::SourceDropped { origin, .. } = notice {
            seen.lock().expect("in range").push((*origin).to_owned());
        }
    });
    let mut sink = Collector::default();
    patient().fetch_blocks(&request, &mut sink, &tracking).await.expect("the other one is good");
    assert_eq!(
        (sink.0.len(), &dropped.lock().expect("in range")[..]),
        (4, &["gone".to_owned()][..])
    );
}
