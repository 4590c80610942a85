use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use headstart_model::{Digest, Verified};
use tokio::sync::{Mutex as AsyncMutex, Semaphore, mpsc};

use super::*;
use crate::blocks::heads::{Giver, Head};
use crate::blocks::{Distance, RangeReader, RangeSource, SinkError, WantedBlock};
use crate::{ClientConfig, CoalescePolicy, coalesce};

const FILE: &[u8] = b"one first blockthe second onelast, the third";

/// A source that opens when it may, and gives what is sent.
#[derive(Debug)]
struct Gated {
    may_open: Arc<Semaphore>,
    asked: Arc<StdMutex<Vec<(u64, u64)>>>,
    body: Arc<AsyncMutex<mpsc::Receiver<Bytes>>>,
}

struct Reading(Arc<AsyncMutex<mpsc::Receiver<Bytes>>>);

impl RangeSource for Gated {
    fn name(&self) -> String {
        "gated".to_owned()
    }

    fn distance(&self) -> Distance {
        Distance::Network
    }

    fn open(
        &self,
        start: u64,
        end: u64,
    ) -> BoxFuture<'_, Result<Box<dyn RangeReader>, TransferError>> {
        Box::pin(async move {
            self.asked.lock().expect("no panic").push((start, end));
            self.may_open.acquire().await.expect("open").forget();
            Ok(Box::new(Reading(self.body.clone())) as Box<dyn RangeReader>)
        })
    }
}

impl RangeReader for Reading {
    fn chunk(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, TransferError>> {
        Box::pin(async { Ok(self.0.lock().await.recv().await) })
    }
}

#[derive(Default)]
struct Taken(Vec<u64>);

impl BlockSink for Taken {
    async fn block(&mut self, tag: u64, _: Verified<Bytes>) -> Result<(), SinkError> {
        self.0.push(tag);
        Ok(())
    }
}

/// Three blocks, each a range of its own, and the source to fetch them from.
struct World {
    client: Client,
    request: BlockRequest,
    tracking: Tracking,
    may_open: Arc<Semaphore>,
    asked: Arc<StdMutex<Vec<(u64, u64)>>>,
    body: mpsc::Sender<Bytes>,
}

impl World {
    fn new() -> Self {
        let block = |(offset, end, tag): (usize, usize, u64)| WantedBlock {
            offset: offset as u64,
            bytes: u32::try_from(end - offset).expect("a short block"),
            digest: Digest::of(&FILE[offset..end]),
            tag,
        };
        let blocks = [(0, 15, 0), (15, 29, 1), (29, 44, 2)].map(block).to_vec();
        let (body, arriving) = mpsc::channel(1);
        let (may_open, asked) = (Arc::new(Semaphore::new(0)), Arc::default());
        let source = Gated {
            may_open: Arc::clone(&may_open),
            asked: Arc::clone(&asked),
            body: Arc::new(AsyncMutex::new(arriving)),
        };
        let mut request = BlockRequest::new([source], FILE.len() as u64, blocks);
        request.options.coalesce = CoalescePolicy { max_gap_bytes: 0, max_range_bytes: 15 };
        let client = Client::new(ClientConfig::default(), 7).expect("good settings");
        Self { client, request, tracking: Tracking::new("test"), may_open, asked, body }
    }

    fn fetch<'a>(&'a self, heads: Heads, sink: &'a mut Taken) -> Fetch<'a, Taken> {
        let ranges = coalesce(&self.request.blocks, self.request.options.coalesce);
        Fetch::new(&self.client, (&self.request, &ranges), heads, sink, &self.tracking)
    }

    fn send(&self, bytes: &'static [u8]) {
        self.body.try_send(Bytes::from_static(bytes)).expect("it is read");
    }

    fn asked(&self) -> Vec<(u64, u64)> {
        self.asked.lock().expect("no panic").clone()
    }
}

/// A range of the first block, and another one that races for it.
fn race(fetch: &Fetch<'_, Taken>) -> (Ticket, Ticket) {
    let slow = fetch.board.take(1, Duration::ZERO).expect("a range");
    fetch.board.asked(slow.job, Duration::ZERO);
    let racer = fetch.board.help((0.0, 0.0), Duration::from_secs(9)).expect("silent for long");
    assert_eq!(fetch.board.front(slow.job), fetch.board.front(racer.job));
    (slow, racer)
}

/// Somebody hands over the first block within this range.
fn overtake(fetch: &Fetch<'_, Taken>, ticket: &Ticket) {
    assert!(fetch.board.claim(ticket.job, &fetch.request.blocks[0]));
    fetch.board.delivered();
}

#[tokio::test(start_paused = true)]
async fn a_range_that_has_grown_goes_on_when_another_was_faster_with_its_first_block() {
    for slow_grows in [true, false] {
        let (world, mut sink) = (World::new(), Taken::default());
        let fetch = world.fetch(Heads::find(None, &[]), &mut sink);
        let (slow, racer) = race(&fetch);
        let (grown, faster) = if slow_grows { (slow, racer) } else { (racer, slow) };
        world.may_open.add_permits(1);
        let mut finishing = Box::pin(fetch.finish(&grown));
        assert!(finishing.as_mut().now_or_never().is_none(), "nothing has come");
        fetch.board.take_along(grown.job, u64::MAX);
        overtake(&fetch, &faster);
        world.send(FILE);
        finishing.await.expect("all of it came");
        fetch.board.end(grown.job, Duration::ZERO);
        fetch.board.end(faster.job, Duration::ZERO);
        assert!(fetch.board.is_done(), "slow_grows: {slow_grows}");
        drop(fetch);
        assert_eq!(sink.0, [1, 2], "slow_grows: {slow_grows}");
        assert_eq!(world.asked().len(), 1, "one answer gave all");
    }
}

#[tokio::test(start_paused = true)]
async fn the_head_of_a_block_that_another_took_is_not_gone_on_with_in_the_next_block() {
    let (world, mut sink) = (World::new(), Taken::default());
    let fetch = world.fetch(Heads::find(None, &[]), &mut sink);
    let first = fetch.request.blocks[0];
    let bytes = BytesMut::from(&FILE[..4]);
    fetch.heads.keep(&first, Head { bytes, giver: Giver::One(0), ..Head::default() });
    let (grown, faster) = race(&fetch);
    fetch.board.take_along(grown.job, u64::MAX);
    let mut finishing = Box::pin(fetch.finish(&grown));
    assert!(finishing.as_mut().now_or_never().is_none(), "no answer has come");
    assert_eq!(world.asked(), [(4, 44)]);
    overtake(&fetch, &faster);
    world.may_open.add_permits(1);
    world.send(&FILE[4..]);
    finishing.await.expect("the source is good");
    drop(fetch);
    assert_eq!(sink.0, [1, 2]);
    assert_eq!(world.tracking.meter().ledger().total().retries, 0, "nobody is to blame");
}

#[tokio::test(start_paused = true)]
async fn what_another_took_while_its_head_was_read_is_not_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let (world, mut sink) = (World::new(), Taken::default());
    let heads = Heads::find(Some(folder.path().to_owned()), &[]);
    let first = world.request.blocks[0];
    assert_eq!(heads.save(&first, 0, Bytes::from_static(&FILE[..4])).await, 4);
    let fetch = world.fetch(heads, &mut sink);
    let (grown, faster) = race(&fetch);
    fetch.board.take_along(grown.job, u64::MAX);
    let mut finishing = Box::pin(fetch.finish(&grown));
    assert!(finishing.as_mut().now_or_never().is_none(), "the head is being read");
    assert_eq!(world.asked(), []);
    overtake(&fetch, &faster);
    world.may_open.add_permits(1);
    world.send(&FILE[15..]);
    finishing.await.expect("the source is good");
    drop(fetch);
    assert_eq!((sink.0, world.asked()), (vec![1, 2], vec![(15, 44)]));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_opens_is_told_to_whoever_waits_for_more_to_do() {
    let (world, mut sink) = (World::new(), Taken::default());
    let fetch = world.fetch(Heads::find(None, &[]), &mut sink);
    let ticket = fetch.board.take(1, Duration::ZERO).expect("a range");
    let mut changed = Box::pin(fetch.board.changed.notified());
    let mut finishing = Box::pin(fetch.finish(&ticket));
    assert!(finishing.as_mut().now_or_never().is_none(), "no answer has come");
    assert!(changed.as_mut().now_or_never().is_none());
    world.may_open.add_permits(1);
    assert!(finishing.as_mut().now_or_never().is_none(), "nothing has come");
    assert!(fetch.allowed() > 1);
    assert!(changed.now_or_never().is_some());
}
