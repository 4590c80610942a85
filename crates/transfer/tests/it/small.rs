//! Small files into memory.

use headstart_transfer::{
    ByteRange, Condition, EntityTag, RequestError, SmallBody, SmallRequest, SmallResponse,
    Tracking, TransferError,
};

use crate::server::{Exchange, Server};
use crate::support::client;

const FILE: &[u8] = b"0123456789";

async fn server_with<A>(answer: impl Fn(Exchange) -> A + Send + Sync + 'static) -> Server
where
    A: Future<Output = Option<Exchange>> + Send + 'static,
{
    Server::start(answer).await
}

/// Serves the file with a tag, and 304 to who names it.
async fn tagged() -> Server {
    server_with(|mut exchange| async move {
        if exchange.request.header("if-none-match") == Some("\"ten\"") {
            exchange.head(304, &[]).await;
        } else {
            exchange.answer(200, &["etag: \"ten\"".to_owned()], FILE).await;
        }
        Some(exchange)
    })
    .await
}

async fn fetch(request: SmallRequest) -> (Result<SmallResponse, TransferError>, Tracking) {
    let tracking = Tracking::new("test");
    (client().fetch_small(&request, &tracking).await, tracking)
}

fn body(result: Result<SmallResponse, TransferError>) -> SmallBody {
    match result {
        Ok(SmallResponse::Body(body)) => body,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_file_that_did_not_change_is_not_sent_again() {
    let server = tagged().await;
    let mut request = SmallRequest::new(server.url("f"), 10);
    let first = body(fetch(request.clone()).await.0);
    assert_eq!(
        (first.bytes.as_ref(), first.etag.as_ref().map(EntityTag::as_str)),
        (FILE, Some("\"ten\""))
    );
    request.condition = Condition::IfChanged(first.etag.expect("a tag"));
    let (second, tracking) = fetch(request).await;
    assert_eq!(second.expect("an answer"), SmallResponse::NotModified);
    assert_eq!(tracking.meter().ledger().total().body_bytes, 0);
}

#[tokio::test]
async fn an_announced_length_above_the_limit_is_refused_before_the_body() {
    let server = tagged().await;
    let (result, tracking) = fetch(SmallRequest::new(server.url("f"), 9)).await;
    assert!(matches!(result, Err(TransferError::TooLarge { limit_bytes: 9, .. })));
    let counts = tracking.meter().ledger().total();
    assert_eq!((counts.requests, counts.body_bytes), (1, 0));
}

#[tokio::test]
async fn an_unannounced_length_above_the_limit_is_refused_while_it_streams() {
    let server = server_with(|mut exchange| async move {
        exchange.head(200, &["transfer-encoding: chunked".to_owned()]).await;
        for _ in 0..3 {
            exchange.raw(b"5\r\n").await;
            exchange.body(b"abcde").await;
            exchange.raw(b"\r\n").await;
        }
        // No end: only the limit can stop it.
        exchange.hang().await;
        None
    })
    .await;
    let (result, tracking) = fetch(SmallRequest::new(server.url("f"), 12)).await;
    assert!(matches!(result, Err(TransferError::TooLarge { limit_bytes: 12, .. })));
    assert_eq!(tracking.meter().ledger().total().wasted_bytes(), 15);
}

#[tokio::test]
async fn a_part_comes_alone_whether_or_not_the_server_gives_ranges() {
    for ranges in [true, false] {
        let server = server_with(move |mut exchange| async move {
            if ranges {
                exchange.serve(FILE).await;
            } else {
                exchange.answer(200, &[], FILE).await;
            }
            Some(exchange)
        })
        .await;
        let range = Some(ByteRange { start: 3, bytes: 4 });
        let request = SmallRequest { range, ..SmallRequest::new(server.url("f"), 4) };
        let (result, tracking) = fetch(request).await;
        assert_eq!(body(result).bytes, "3456");
        assert_eq!(server.log.ranges(), ["bytes=3-6"]);
        let counts = tracking.meter().ledger().total();
        assert_eq!(counts.useful_bytes, 4);
        let expected = if ranges { (4, 0, 0) } else { (10, 3, 3) };
        assert_eq!((counts.body_bytes, counts.skipped_bytes, counts.wasted_bytes()), expected);
    }
}

#[tokio::test]
async fn a_part_beyond_the_end_is_typed() {
    let server = server_with(|mut exchange| async move {
        if exchange.request.path == "/whole" {
            exchange.answer(200, &[], FILE).await;
        } else {
            exchange.answer(416, &["content-range: bytes */10".to_owned()], b"").await;
        }
        Some(exchange)
    })
    .await;
    for path in ["whole", "refused"] {
        let range = Some(ByteRange { start: 8, bytes: 4 });
        let (result, tracking) =
            fetch(SmallRequest { range, ..SmallRequest::new(server.url(path), 4) }).await;
        assert!(matches!(result, Err(TransferError::Shorter { promised_bytes: 12, .. })), "{path}");
        assert_eq!(tracking.meter().ledger().total().requests, 1, "{path}");
    }
}

#[tokio::test]
async fn a_part_that_cannot_fit_is_refused_before_anything_is_sent() {
    let server = tagged().await;
    for (bytes, expected) in [
        (11, RequestError::TooLong { bytes: 11, limit_bytes: 10 }),
        (0, RequestError::Order { tag: 0, offset: 0 }),
    ] {
        let range = Some(ByteRange { start: 0, bytes });
        let (result, _) =
            fetch(SmallRequest { range, ..SmallRequest::new(server.url("f"), 10) }).await;
        assert!(matches!(result, Err(TransferError::Request(error)) if error == expected));
    }
    assert!(server.log.requests().is_empty());
}

#[tokio::test]
async fn a_cut_answer_is_fetched_again_whole() {
    let server = server_with(|mut exchange| async move {
        if exchange.request.number == 0 {
            exchange.head(200, &["content-length: 10".to_owned()]).await;
            exchange.body(&FILE[..6]).await;
            return None;
        }
        exchange.serve(FILE).await;
        Some(exchange)
    })
    .await;
    let (result, tracking) = fetch(SmallRequest::new(server.url("f"), 10)).await;
    assert_eq!(body(result).bytes, FILE);
    let counts = tracking.meter().ledger().total();
    assert_eq!((counts.requests, counts.retries, counts.wasted_bytes()), (2, 1, 6));
}

#[tokio::test]
async fn a_304_that_was_not_asked_for_is_an_error() {
    let server = server_with(|mut exchange| async move {
        exchange.head(304, &[]).await;
        Some(exchange)
    })
    .await;
    let (result, _) = fetch(SmallRequest::new(server.url("f"), 10)).await;
    assert!(matches!(result, Err(TransferError::Status { status, .. }) if status == 304));
}
