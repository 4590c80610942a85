//! Back-pressure, cancellation and sinks that fail.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use headstart_model::{ErrorKind, Failure, Verified};
use headstart_transfer::{BlockSink, DeliveredBlock, SinkError, Tracking, TransferError};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use crate::server::Server;
use crate::support::{Collector, TestFile, client, fetch, one_at_a_time};

/// Takes nothing before it is told to.
struct Closed {
    open: Arc<Notify>,
    opened: bool,
    taken: Collector,
}

impl BlockSink for Closed {
    async fn block(&mut self, tag: u64, bytes: Verified<Bytes>) -> Result<(), SinkError> {
        if !self.opened {
            self.open.notified().await;
            self.opened = true;
        }
        self.taken.block(tag, bytes).await
    }
}

#[tokio::test]
async fn a_sink_that_does_not_take_stops_the_server_and_bounds_memory() {
    const BLOCK_BYTES: usize = 64 * 1024;
    // Far more than all socket buffers on the way can hold.
    let file = TestFile::new(1024, BLOCK_BYTES);
    let (original, stalled) = (file.clone(), Arc::new(Notify::new()));
    let seen_stalled = stalled.clone();
    let server = Server::start(move |mut exchange| {
        let (file, stalled) = (original.clone(), stalled.clone());
        async move {
            let part = exchange.part_head(&file.bytes).await;
            for piece in part.chunks(BLOCK_BYTES) {
                let mut sending = std::pin::pin!(exchange.body(piece));
                if timeout(Duration::from_millis(300), &mut sending).await.is_err() {
                    stalled.notify_one();
                    sending.await;
                }
            }
            Some(exchange)
        }
    })
    .await;
    let request = file.request(&[server.url("f")], 0..1024, 1024);
    let tracking = Tracking::new("test");
    let open = Arc::new(Notify::new());
    let mut sink = Closed { open: open.clone(), opened: false, taken: Collector::default() };
    let client = one_at_a_time();
    let watching = async {
        seen_stalled.notified().await;
        // One block in the sink's hands, and at most one read buffer behind it.
        let taken = tracking.meter().ledger().total().body_bytes;
        open.notify_one();
        taken
    };
    let (result, taken) =
        tokio::join!(client.fetch_blocks(&request, &mut sink, &tracking), watching);
    result.expect("a finished transfer");
    assert!(taken <= (BLOCK_BYTES + 1024 * 1024) as u64, "{taken} bytes were read ahead");
    assert_eq!(sink.taken.0.len(), 1024);
}

#[tokio::test]
async fn dropping_the_future_closes_the_connection_and_keeps_what_was_delivered() {
    let file = TestFile::new(4, 1000);
    let (original, closed) = (file.clone(), Arc::new(Notify::new()));
    let seen_closed = closed.clone();
    let server = Server::start(move |mut exchange| {
        let (file, closed) = (original.clone(), closed.clone());
        async move {
            if exchange.request.number > 0 {
                exchange.serve(&file.bytes).await;
                return Some(exchange);
            }
            let part = exchange.part_head(&file.bytes).await;
            exchange.body(&part[..2500]).await;
            exchange.hang().await;
            closed.notify_one();
            None
        }
    })
    .await;
    let request = file.request(&[server.url("f")], 0..4, 4);
    let (mut sender, mut receiver) = mpsc::channel::<DeliveredBlock>(8);
    let tracking = Tracking::new("test");
    let client = client();
    tokio::select! {
        result = client.fetch_blocks(&request, &mut sender, &tracking) => panic!("{result:?}"),
        () = async {
            assert_eq!(receiver.recv().await.map(|block| block.tag), Some(0));
            assert_eq!(receiver.recv().await.map(|block| block.tag), Some(1));
        } => {}
    }
    seen_closed.notified().await;
    let rest = file.request(&[server.url("f")], 2..4, 4);
    fetch(&client, &rest).await.assert_complete(&rest);
    assert_eq!(server.log.ranges(), ["bytes=0-3999", "bytes=2000-3999"]);
}

#[tokio::test]
async fn a_receiver_that_is_gone_ends_the_transfer() {
    let file = TestFile::new(4, 1000);
    let original = file.clone();
    let server = Server::start(move |mut exchange| {
        let file = original.clone();
        async move {
            exchange.serve(&file.bytes).await;
            Some(exchange)
        }
    })
    .await;
    let request = file.request(&[server.url("f")], 0..4, 1);
    let (mut sender, receiver) = mpsc::channel::<DeliveredBlock>(1);
    drop(receiver);
    let result = client().fetch_blocks(&request, &mut sender, &Tracking::new("test")).await;
    let error = result.expect_err("nobody takes it");
    assert!(matches!(error, TransferError::Sink(SinkError::Closed)));
    assert_eq!(error.error_kind(), ErrorKind::Cancelled);
}

#[tokio::test]
async fn a_transfer_runs_as_a_task_of_its_own() {
    let file = TestFile::new(4, 1000);
    let original = file.clone();
    let server = Server::start(move |mut exchange| {
        let file = original.clone();
        async move {
            exchange.serve(&file.bytes).await;
            Some(exchange)
        }
    })
    .await;
    let request = file.request(&[server.url("f")], 0..4, 1);
    let fetching = request.clone();
    let task = tokio::spawn(async move { fetch(&client(), &fetching).await });
    task.await.expect("no panic").assert_complete(&request);
}

/// Fails as a full disk does.
struct Full;

impl BlockSink for Full {
    async fn block(&mut self, _: u64, _: Verified<Bytes>) -> Result<(), SinkError> {
        Err(Failure::new(ErrorKind::NoSpace, "diskFull", "no room for the block").into())
    }
}

#[tokio::test]
async fn the_failure_of_a_sink_is_told_unchanged_and_not_retried() {
    let file = TestFile::new(4, 1000);
    let original = file.clone();
    let server = Server::start(move |mut exchange| {
        let file = original.clone();
        async move {
            exchange.serve(&file.bytes).await;
            Some(exchange)
        }
    })
    .await;
    let request = file.request(&[server.url("f")], 0..4, 4);
    let tracking = Tracking::new("test");
    let error = client().fetch_blocks(&request, &mut Full, &tracking).await.expect_err("full");
    assert_eq!(error.to_failure().code.as_str(), "diskFull");
    let counts = tracking.meter().ledger().total();
    assert_eq!((counts.requests, counts.retries, counts.useful_bytes), (1, 0, 0));
}
