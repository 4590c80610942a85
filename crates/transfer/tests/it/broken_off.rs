//! Blocks of which only the beginning came: it is gone on with, and hashed again.

use std::sync::Arc;

use headstart_transfer::{Ledger, Tracking, TransferError};
use tokio::sync::Notify;

use crate::server::Server;
use crate::support::{Collector, TestFile, client_with, config, fetch, one_at_a_time};

/// Sends `bytes` of each answer's body and closes the connection; from the answer of number `good_from` on, everything.
async fn cutting(file: &TestFile, bytes: usize, good_from: usize) -> Server {
    let file = file.clone();
    Server::start(move |mut exchange| {
        let file = file.clone();
        async move {
            if exchange.request.number >= good_from {
                exchange.serve(&file.bytes).await;
                return Some(exchange);
            }
            let part = exchange.part_head(&file.bytes).await;
            exchange.body(&part[..bytes.min(part.len())]).await;
            None
        }
    })
    .await
}

#[tokio::test]
async fn a_cut_connection_costs_no_byte_that_arrived() {
    let file = TestFile::new(2, 10_000);
    let server = cutting(&file, 3_000, 2).await;
    let request = file.request(&[server.url("f")], 0..2, 2);
    let fetched = fetch(&one_at_a_time(), &request).await;
    fetched.assert_complete(&request);
    assert_eq!(server.log.ranges(), ["bytes=0-19999", "bytes=3000-19999", "bytes=6000-19999"]);
    let counts = fetched.counts();
    assert_eq!((counts.body_bytes, counts.wasted_bytes()), (20_000, 0));
}

#[tokio::test]
async fn what_has_arrived_of_a_block_is_counted_while_the_rest_is_waited_for() {
    let file = TestFile::new(1, 10_000);
    let rest = Arc::new(Notify::new());
    let (original, asked) = (file.clone(), Arc::clone(&rest));
    let server = Server::start(move |mut exchange| {
        let (file, rest) = (original.clone(), Arc::clone(&asked));
        async move {
            let part = exchange.part_head(&file.bytes).await;
            exchange.body(&part[..6_000]).await;
            rest.notified().await;
            exchange.body(&part[6_000..]).await;
            Some(exchange)
        }
    })
    .await;
    let request = file.request(&[server.url("f")], 0..1, 1);
    let (tracking, mut sink) = (Tracking::new("test"), Collector::default());
    let watch = async {
        let mut counts = tracking.meter().subscribe();
        let half = |ledger: &Ledger| ledger.total().arriving_bytes == 6_000;
        counts.wait_for(half).await.expect("the meter is here");
        rest.notify_one();
    };
    let client = one_at_a_time();
    let (fetched, ()) = tokio::join!(client.fetch_blocks(&request, &mut sink, &tracking), watch);
    fetched.expect("complete");
    let counts = tracking.meter().ledger().total();
    assert_eq!((counts.arriving_bytes, counts.useful_bytes), (0, 10_000));
}

#[tokio::test]
async fn a_beginning_that_another_source_gave_wrong_is_fetched_again_and_nobody_blamed() {
    let file = TestFile::new(1, 10_000);
    let mut lie = file.clone();
    lie.bytes = vec![0; 10_000].into();
    let liar = cutting(&lie, 3_000, 1).await;
    let good = cutting(&file, 0, 0).await;
    let request = file.request(&[liar.url("f"), good.url("f")], 0..1, 1);
    let fetched = fetch(&one_at_a_time(), &request).await;
    fetched.assert_complete(&request);
    assert_eq!(good.log.ranges(), ["bytes=3000-9999", "bytes=0-9999"]);
    assert_eq!(fetched.counts().retries, 1, "only the cut counts as a failure");
}

#[tokio::test]
async fn a_later_call_goes_on_where_an_earlier_process_stopped() {
    let file = TestFile::new(3, 200_000);
    let folder = tempfile::tempdir().expect("a folder");
    let mut request = file.request(&[], 0..3, 3);
    request.heads = Some(folder.path().join("heads"));
    // The server gives a block and a half, then byte after byte, each when the one before has been taken, until the beginning is
    // kept; and then nothing more.
    let (original, kept) = (file.clone(), folder.path().join("heads"));
    let (tracking, client) = (Tracking::new("test"), client_with(config()));
    let taken = tracking.clone();
    let first = Server::start(move |mut exchange| {
        let (file, kept, taken) = (original.clone(), kept.clone(), taken.clone());
        async move {
            let part = exchange.part_head(&file.bytes).await;
            let is_kept = || std::fs::read_dir(&kept).is_ok_and(|found| found.count() > 0);
            let mut counts = taken.meter().subscribe();
            let mut sent = 300_000;
            exchange.body(&part[..sent]).await;
            while !is_kept() {
                assert!(sent < 399_999, "the beginning of a slow block is kept");
                exchange.body(&part[sent..=sent]).await;
                sent += 1;
                let all = counts.wait_for(|ledger| ledger.total().body_bytes >= sent as u64);
                drop(all.await.expect("a living meter"));
            }
            exchange.hang().await;
            None
        }
    })
    .await;
    request.sources = vec![first.url("f").into()];
    let mut sink = Collector::default();
    let heads = folder.path().join("heads");
    tokio::select! {
        result = client.fetch_blocks(&request, &mut sink, &tracking) => panic!("{result:?}"),
        () = async {
            while std::fs::read_dir(&heads).map_or(0, Iterator::count) == 0 {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    // Dropped as by a kill: what was not written is lost.
    let left: Vec<usize> = (0..3).filter(|tag| !sink.0.contains_key(&(*tag as u64))).collect();
    let second = cutting(&file, 0, 0).await;
    let mut rest = file.request(&[second.url("f")], left.iter().copied(), 3);
    rest.heads.clone_from(&request.heads);
    let fetched = fetch(&one_at_a_time(), &rest).await;
    fetched.result.as_ref().expect("finished");
    assert_eq!(fetched.sink.tags(), left.iter().map(|tag| *tag as u64).collect::<Vec<_>>());
    let whole = left.len() as u64 * 200_000;
    let counts = fetched.counts();
    assert!(counts.body_bytes < whole, "{} of {whole} bytes fetched again", counts.body_bytes);
    assert_eq!((counts.body_bytes, counts.wasted_bytes()), (counts.useful_bytes, 0));
    assert_eq!(std::fs::read_dir(&heads).expect("a folder").count(), 0, "nothing is left behind");
}

#[tokio::test]
async fn a_kept_beginning_that_is_wrong_is_fetched_again() {
    let file = TestFile::new(1, 10_000);
    let folder = tempfile::tempdir().expect("a folder");
    let digest = file.blocks()[0].digest.short();
    std::fs::write(folder.path().join(format!("0-{digest}")), [0; 5_000]).expect("written");
    let good = cutting(&file, 0, 0).await;
    let mut request = file.request(&[good.url("f")], 0..1, 1);
    request.heads = Some(folder.path().to_owned());
    let fetched = fetch(&one_at_a_time(), &request).await;
    fetched.assert_complete(&request);
    assert_eq!(good.log.ranges(), ["bytes=5000-9999", "bytes=0-9999"]);
    let broken = cutting(&file, 0, 99).await;
    let request = file.request(&[broken.url("f")], 0..1, 1);
    let failed = fetch(&one_at_a_time(), &request).await;
    assert!(matches!(failed.error(), TransferError::Interrupted { .. }));
}
