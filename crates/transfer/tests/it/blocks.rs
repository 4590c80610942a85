//! What happens when nothing goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use headstart_transfer::{CoalescePolicy, RequestError, TransferError};
use tokio::sync::Barrier;
use url::Url;

use crate::server::Server;
use crate::support::{TestFile, client, fetch, one_at_a_time};

pub(crate) async fn good_server(file: &TestFile) -> Server {
    let file = file.clone();
    Server::start(move |mut exchange| {
        let file = file.clone();
        async move {
            exchange.serve(&file.bytes).await;
            Some(exchange)
        }
    })
    .await
}

/// A server that does not know ranges.
pub(crate) async fn whole_files(file: &TestFile) -> Server {
    let file = file.clone();
    Server::start(move |mut exchange| {
        let file = file.clone();
        async move {
            exchange.answer(200, &[], &file.bytes).await;
            Some(exchange)
        }
    })
    .await
}

#[tokio::test]
async fn ranges_are_coalesced_and_every_byte_is_accounted_for() {
    let file = TestFile::new(10, 1000);
    let server = good_server(&file).await;
    let mut request = file.request(&[server.url("f")], [0, 1, 3, 7, 8], 10);
    request.options.coalesce = CoalescePolicy { max_gap_bytes: 1000, max_range_bytes: 100_000 };
    let fetched = fetch(&one_at_a_time(), &request).await;
    fetched.assert_complete(&request);
    assert_eq!(server.log.ranges(), ["bytes=0-3999", "bytes=7000-8999"]);
    let counts = fetched.counts();
    assert_eq!((counts.requests, counts.retries), (2, 0));
    assert_eq!((counts.body_bytes, counts.skipped_bytes, counts.wasted_bytes()), (6000, 1000, 0));
    assert_eq!(server.log.body_bytes(), counts.body_bytes);
    assert_eq!(server.log.connections(), 1, "the connection is used again");
    let delivered: Vec<u8> = fetched.sink.0.values().flatten().copied().collect();
    let expected = [&file.bytes[..2000], &file.bytes[3000..4000], &file.bytes[7000..9000]].concat();
    assert!(delivered == expected);
}

#[tokio::test]
async fn no_coding_is_asked_for_and_caches_may_answer() {
    let file = TestFile::new(1, 10);
    let server = good_server(&file).await;
    let request = file.request(&[server.url("f")], [0], 1);
    fetch(&client(), &request).await.assert_complete(&request);
    let seen = &server.log.requests()[0];
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
    assert_eq!(seen.header("cache-control"), None);
    assert!(seen.header("user-agent").is_some_and(|agent| agent.starts_with("headstart/")));
}

#[tokio::test]
async fn one_request_goes_ahead_and_then_two_run_side_by_side() {
    let file = TestFile::new(12, 100);
    let (original, barrier) = (file.clone(), Arc::new(Barrier::new(2)));
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen_most = most.clone();
    let server = Server::start(move |mut exchange| {
        let (file, barrier) = (original.clone(), barrier.clone());
        let (running, most) = (running.clone(), most.clone());
        async move {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let number = exchange.request.number;
            if number == 1 {
                // Nobody gets a head before both are there: the first one's body, which waits too, keeps it running.
                barrier.wait().await;
            }
            let part = exchange.part_head(&file.bytes).await;
            if number == 0 {
                assert_eq!(exchange.log.requests().len(), 1, "the first goes out alone");
                barrier.wait().await;
            }
            running.fetch_sub(1, Ordering::SeqCst);
            exchange.body(part).await;
            Some(exchange)
        }
    })
    .await;
    let request = file.request(&[server.url("f")], 0..12, 1);
    fetch(&client(), &request).await.assert_complete(&request);
    assert_eq!(seen_most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn nothing_wanted_means_nothing_asked() {
    let file = TestFile::new(1, 10);
    let server = good_server(&file).await;
    let request = file.request(&[server.url("f")], [], 1);
    fetch(&client(), &request).await.assert_complete(&request);
    assert!(server.log.requests().is_empty());
}

#[tokio::test]
async fn plain_http_beyond_loopback_is_refused_before_anything_is_sent() {
    let file = TestFile::new(1, 10);
    let url = Url::parse("http://192.0.2.1/f").expect("a URL");
    let fetched = fetch(&client(), &file.request(&[url], [0], 1)).await;
    let refused = TransferError::from(RequestError::NotAllowed {
        url: (&Url::parse("http://192.0.2.1/f").expect("a URL")).into(),
    });
    assert_eq!(fetched.error().to_string(), refused.to_string());
    assert_eq!(fetched.counts().requests, 0);
}
