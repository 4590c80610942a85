//! Servers that break, lie and stall.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use headstart_model::ErrorKind;
use headstart_transfer::{Interruption, Notice, Tracking, TransferError, Violation};
use tokio::net::TcpSocket;
use url::Url;

use crate::server::{Exchange, Server, content_range};
use crate::support::{Collector, Fetched, TestFile, fetch, impatient, one_at_a_time};

/// A server that does `fault` for the first `times` requests and is good afterwards.
async fn faulty<F, A>(file: &TestFile, times: usize, fault: F) -> Server
where
    F: Fn(Exchange, TestFile) -> A + Send + Sync + 'static,
    A: Future<Output = Option<Exchange>> + Send + 'static,
{
    let (file, fault) = (file.clone(), Arc::new(fault));
    Server::start(move |mut exchange| {
        let (file, fault) = (file.clone(), fault.clone());
        async move {
            if exchange.request.number < times {
                return fault(exchange, file).await;
            }
            exchange.serve(&file.bytes).await;
            Some(exchange)
        }
    })
    .await
}

/// Fetches all ten blocks, one range after the other.
async fn fetch_all(file: &TestFile, server: &Server, blocks_per_range: usize) -> Fetched {
    let request = file.request(&[server.url("f")], 0..10, blocks_per_range);
    let fetched = fetch(&one_at_a_time(), &request).await;
    if fetched.result.is_ok() {
        fetched.assert_complete(&request);
    }
    fetched
}

fn status(
    code: u16,
) -> impl Fn(Exchange, TestFile) -> futures::future::BoxFuture<'static, Option<Exchange>> {
    move |mut exchange, _| {
        Box::pin(async move {
            exchange.answer(code, &["retry-after: 3600".to_owned()], b"sorry").await;
            Some(exchange)
        })
    }
}

#[tokio::test]
async fn a_cut_range_continues_where_it_broke_off() {
    let file = TestFile::new(10, 1000);
    let server = faulty(&file, 1, |mut exchange, file| async move {
        let part = exchange.part_head(&file.bytes).await;
        exchange.body(&part[..3500]).await;
        None
    })
    .await;
    let fetched = fetch_all(&file, &server, 10).await;
    assert_eq!(server.log.ranges(), ["bytes=0-9999", "bytes=3500-9999"]);
    let counts = fetched.counts();
    assert_eq!((counts.requests, counts.retries), (2, 1));
    assert_eq!((counts.body_bytes, counts.wasted_bytes()), (10_000, 0));
    assert_eq!(counts.body_bytes, server.log.body_bytes());
}

#[tokio::test]
async fn a_range_answered_in_part_is_asked_for_again_from_there() {
    let file = TestFile::new(10, 1000);
    let server = faulty(&file, 1, |mut exchange, file| async move {
        exchange.answer(206, &[content_range(0, 4000, 10_000)], &file.bytes[..4000]).await;
        Some(exchange)
    })
    .await;
    let fetched = fetch_all(&file, &server, 10).await;
    assert_eq!(server.log.ranges(), ["bytes=0-9999", "bytes=4000-9999"]);
    assert_eq!(fetched.counts().wasted_bytes(), 0);
}

#[tokio::test]
async fn every_verified_block_renews_the_attempts() {
    let file = TestFile::new(10, 1000);
    // Ten breaks, far more than the three attempts, but each one behind another block.
    let server = faulty(&file, 10, |mut exchange, file| async move {
        let part = exchange.part_head(&file.bytes).await;
        exchange.body(&part[..1000]).await;
        None
    })
    .await;
    let fetched = fetch_all(&file, &server, 10).await;
    fetched.result.as_ref().expect("a finished transfer");
    assert_eq!(fetched.counts().wasted_bytes(), 0);
}

#[tokio::test]
async fn without_progress_the_attempts_end() {
    let file = TestFile::new(10, 1000);
    let server = faulty(&file, usize::MAX, |mut exchange, file| async move {
        exchange.part_head(&file.bytes).await;
        None
    })
    .await;
    let fetched = fetch_all(&file, &server, 10).await;
    let TransferError::Interrupted { received_bytes: 0, how: Interruption::Broken(_), .. } =
        fetched.error()
    else {
        panic!("{:?}", fetched.error())
    };
    let counts = fetched.counts();
    assert_eq!((counts.requests, counts.retries, counts.wasted_bytes()), (3, 2, 0));
    assert_eq!(fetched.error().to_failure().code.as_str(), "transferInterrupted");
}

#[tokio::test]
async fn a_server_that_goes_silent_is_asked_again() {
    let file = TestFile::new(10, 1000);
    let server = faulty(&file, 2, |mut exchange, file| async move {
        if exchange.request.number == 0 {
            let part = exchange.part_head(&file.bytes).await;
            exchange.body(&part[..2500]).await;
        }
        exchange.hang().await;
        None
    })
    .await;
    let request = file.request(&[server.url("f")], 0..10, 10);
    let fetched = fetch(&impatient(20), &request).await;
    fetched.assert_complete(&request);
    assert_eq!(fetched.counts().body_bytes, 10_000);
}

#[tokio::test]
async fn a_server_that_stays_silent_ends_in_a_typed_error() {
    let file = TestFile::new(1, 1000);
    let server = faulty(&file, usize::MAX, |mut exchange, file| async move {
        exchange.part_head(&file.bytes).await;
        exchange.hang().await;
        None
    })
    .await;
    let fetched = fetch(&impatient(2), &file.request(&[server.url("f")], [0], 1)).await;
    let TransferError::Interrupted { how: Interruption::Stalled { .. }, .. } = fetched.error()
    else {
        panic!("{:?}", fetched.error())
    };
    assert_eq!(fetched.counts().requests, 2);
    assert_eq!(fetched.error().error_kind(), ErrorKind::Network);
}

#[tokio::test]
async fn another_range_than_asked_is_refused_and_asked_again_past_caches() {
    let file = TestFile::new(10, 1000);
    let wrong = |mut exchange: Exchange, file: TestFile| async move {
        exchange.answer(206, &[content_range(1, 9999, 10_000)], &file.bytes[1..9999]).await;
        Some(exchange)
    };
    let server = faulty(&file, 1, wrong).await;
    fetch_all(&file, &server, 10).await.result.expect("a finished transfer");
    assert_eq!(server.log.requests()[1].header("cache-control"), Some("no-cache"));

    let server = faulty(&file, usize::MAX, wrong).await;
    let fetched = fetch_all(&file, &server, 10).await;
    let TransferError::Unusable {
        violation: Violation::OtherRange { asked_start: 0, answered },
        ..
    } = fetched.error()
    else {
        panic!("{:?}", fetched.error())
    };
    assert_eq!(answered, "bytes 1-9998/10000");
    assert_eq!(fetched.counts().requests, 3);
}

#[tokio::test]
async fn a_server_without_ranges_is_read_in_one_go() {
    let file = TestFile::new(10, 1000);
    let whole = |mut exchange: Exchange, file: TestFile| async move {
        exchange.answer(200, &[], &file.bytes).await;
        Some(exchange)
    };
    let server = faulty(&file, usize::MAX, whole).await;
    let fetched = fetch_all(&file, &server, 2).await;
    fetched.result.as_ref().expect("a finished transfer");
    let counts = fetched.counts();
    assert_eq!((counts.requests, counts.body_bytes, counts.wasted_bytes()), (1, 10_000, 0));
}

#[tokio::test]
async fn a_broken_whole_answer_is_continued_by_skipping_what_is_there() {
    let file = TestFile::new(10, 1000);
    let server = faulty(&file, usize::MAX, |mut exchange, file| async move {
        exchange.head(200, &["content-length: 10000".to_owned()]).await;
        let end = if exchange.request.number == 0 { 4200 } else { 10_000 };
        exchange.body(&file.bytes[..end]).await;
        None
    })
    .await;
    let fetched = fetch_all(&file, &server, 2).await;
    fetched.result.as_ref().expect("a finished transfer");
    let counts = fetched.counts();
    assert_eq!((counts.requests, counts.body_bytes), (2, 14_200));
    assert_eq!((counts.skipped_bytes, counts.wasted_bytes()), (4200, 0));
}

#[tokio::test]
async fn a_whole_answer_that_would_waste_too_much_is_refused() {
    let file = TestFile::new(10, 1000);
    let server = faulty(&file, usize::MAX, |mut exchange, file| async move {
        exchange.answer(200, &[], &file.bytes).await;
        Some(exchange)
    })
    .await;
    let mut request = file.request(&[server.url("f")], [5], 1);
    request.options.max_skip_bytes = 4999;
    let fetched = fetch(&one_at_a_time(), &request).await;
    let expected = Violation::RangeIgnored { skip_bytes: 5000, limit_bytes: 4999 };
    assert!(
        matches!(fetched.error(), TransferError::Unusable { violation, .. } if *violation == expected)
    );
    assert_eq!(fetched.counts().requests, 1);
    request.options.max_skip_bytes = 5000;
    fetch(&one_at_a_time(), &request).await.assert_complete(&request);
}

#[tokio::test]
async fn final_statuses_are_typed_and_not_repeated() {
    let file = TestFile::new(10, 1000);
    for (code, kind, name) in [
        (404, ErrorKind::NotFound, "notOnServer"),
        (410, ErrorKind::NotFound, "notOnServer"),
        (401, ErrorKind::Refused, "serverDenied"),
        (403, ErrorKind::Refused, "serverDenied"),
        (416, ErrorKind::Network, "fileTooShort"),
        (418, ErrorKind::Network, "serverError"),
    ] {
        let server = faulty(&file, usize::MAX, status(code)).await;
        let fetched = fetch_all(&file, &server, 10).await;
        let failure = fetched.error().to_failure();
        assert_eq!((failure.kind, failure.code.as_str()), (kind, name), "{code}");
        assert!(!failure.hint.is_empty(), "{code}");
        let counts = fetched.counts();
        assert_eq!((counts.requests, counts.retries), (1, 0), "{code}");
        assert_eq!((counts.body_bytes, counts.wasted_bytes()), (5, 5), "short bodies are counted");
    }
}

#[tokio::test]
async fn passing_statuses_are_waited_out_on_the_same_connection() {
    let file = TestFile::new(10, 1000);
    for code in [408, 429, 500, 502, 503, 504] {
        let server = faulty(&file, 2, status(code)).await;
        let fetched = fetch_all(&file, &server, 10).await;
        fetched.result.as_ref().expect("a finished transfer");
        assert_eq!(fetched.counts().requests, 3, "{code}");
        assert_eq!(server.log.connections(), 1, "{code}");
    }
    let server = faulty(&file, usize::MAX, status(503)).await;
    let fetched = fetch_all(&file, &server, 10).await;
    assert!(matches!(fetched.error(), TransferError::Status { status, .. } if *status == 503));
    assert_eq!(fetched.counts().requests, 3);
}

/// Serves the asked range with the byte at `at` flipped.
async fn serve_flipped(exchange: &mut Exchange, file: &TestFile, at: usize) {
    let mut lie = file.bytes.to_vec();
    lie[at] ^= 1;
    exchange.serve(&lie).await;
}

#[tokio::test]
async fn a_wrong_block_is_fetched_again_and_the_ones_before_it_are_not() {
    let file = TestFile::new(10, 1000);
    let server = faulty(&file, 1, |mut exchange, file| async move {
        serve_flipped(&mut exchange, &file, 4321).await;
        Some(exchange)
    })
    .await;
    let fetched = fetch_all(&file, &server, 10).await;
    fetched.result.as_ref().expect("a finished transfer");
    assert_eq!(server.log.ranges(), ["bytes=0-9999", "bytes=4000-9999"]);
    assert_eq!(server.log.requests()[1].header("cache-control"), Some("no-cache"));
}

#[tokio::test]
async fn a_block_that_stays_wrong_is_named() {
    let file = TestFile::new(10, 1000);
    let server = faulty(&file, usize::MAX, |mut exchange, file| async move {
        serve_flipped(&mut exchange, &file, 4321).await;
        Some(exchange)
    })
    .await;
    let fetched = fetch_all(&file, &server, 10).await;
    let TransferError::Corrupt { url, offset: 4000, .. } = fetched.error() else {
        panic!("{:?}", fetched.error())
    };
    assert_eq!(url.as_str(), server.url("f").as_str());
    assert_eq!(fetched.error().error_kind(), ErrorKind::Untrusted);
    assert_eq!(fetched.sink.tags(), [0, 1, 2, 3]);
    assert_eq!(fetched.counts().requests, 2);
}

#[tokio::test]
async fn a_file_of_another_length_is_another_file() {
    let file = TestFile::new(10, 1000);
    let server = faulty(&file, usize::MAX, |mut exchange, file| async move {
        let mut longer = file.bytes.to_vec();
        longer.push(0);
        exchange.serve(&longer).await;
        Some(exchange)
    })
    .await;
    let fetched = fetch_all(&file, &server, 10).await;
    let expected = Violation::OtherSize { promised_bytes: 10_000, actual_bytes: 10_001 };
    assert!(
        matches!(fetched.error(), TransferError::Unusable { violation, .. } if *violation == expected)
    );
    assert!(fetched.sink.0.is_empty());
}

#[tokio::test]
async fn an_unasked_coding_is_refused() {
    let file = TestFile::new(10, 1000);
    let server = faulty(&file, usize::MAX, |mut exchange, file| async move {
        exchange.answer(200, &["content-encoding: gzip".to_owned()], &file.bytes).await;
        Some(exchange)
    })
    .await;
    let fetched = fetch_all(&file, &server, 10).await;
    let expected = Violation::Encoded { encoding: "gzip".to_owned() };
    assert!(
        matches!(fetched.error(), TransferError::Unusable { violation, .. } if *violation == expected)
    );
}

#[tokio::test]
async fn nobody_listening_is_an_unreachable_server() {
    let file = TestFile::new(1, 1000);
    // Bound but not listening: nobody else can get the port meanwhile.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let address = socket.local_addr().expect("a bound socket");
    let url = Url::parse(&format!("http://{address}/f")).expect("a URL");
    let fetched = fetch(&one_at_a_time(), &file.request(&[url], [0], 1)).await;
    assert!(matches!(fetched.error(), TransferError::Unreachable { .. }));
    assert_eq!(fetched.error().error_kind(), ErrorKind::Network);
    assert_eq!(fetched.counts().retries, 2);
}

#[tokio::test]
async fn notices_tell_of_every_retry() {
    let file = TestFile::new(10, 1000);
    let server = faulty(&file, 2, status(503)).await;
    let told = Arc::new(AtomicUsize::new(0));
    let counter = told.clone();
    let tracking = Tracking::new("test").with_listener(move |notice| {
        let Notice::Retrying { delay, .. } = notice else { panic!("{notice:?}") };
        // An hour was asked for and is cut to the configured millisecond, which is more than the back-off's own.
        assert!((1..=2).contains(&delay.as_millis()), "{delay:?}");
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let request = file.request(&[server.url("f")], 0..10, 10);
    let mut sink = Collector::default();
    let result = one_at_a_time().fetch_blocks(&request, &mut sink, &tracking).await;
    result.expect("a finished transfer");
    assert_eq!(told.load(Ordering::SeqCst), 2);
}
