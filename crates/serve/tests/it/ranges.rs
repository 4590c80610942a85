//! RFC 9110, 14: what each Range header gets.

use crate::world::{SIZE, World, ask, data, text};
use reqwest::{Client, Method, StatusCode};

/// Range, and the expected status, Content-Range and bytes.
type Row = (&'static str, u16, Option<String>, Vec<u8>);

fn matrix() -> Vec<Row> {
    let all = data();
    let part = |first: usize, last: usize| {
        (Some(format!("bytes {first}-{last}/{SIZE}")), all[first..=last].to_vec())
    };
    let one = |range, (label, bytes)| (range, 206, label, bytes);
    let whole = |range| (range, 200, None, all.clone());
    let end = SIZE - 1;
    vec![
        one("bytes=0-0", part(0, 0)),
        one("bytes=0-", part(0, end)),
        one("bytes=100-199", part(100, 199)),
        one("bytes=131071-131073", part(131_071, 131_073)),
        one("bytes=1000-290000", part(1_000, 290_000)),
        one("bytes=299999-", part(end, end)),
        one("bytes=299990-999999999", part(299_990, end)),
        one("bytes=-10", part(SIZE - 10, end)),
        one("bytes=-999999999", part(0, end)),
        one("bytes=5-99999999999999999999999999", part(5, end)),
        one("BYTES=7-8", part(7, 8)),
        one("bytes=400000-,7-8", part(7, 8)),
        whole("bytes=5-4"),
        whole("bytes=x-y"),
        whole("bytes"),
        whole("chars=0-9"),
        whole("bytes=0-9,5-14"),
        whole("bytes=--5"),
        ("bytes=300000-", 416, Some(format!("bytes */{SIZE}")), Vec::new()),
        ("bytes=-0", 416, Some(format!("bytes */{SIZE}")), Vec::new()),
        ("bytes=300000-300001,400000-", 416, Some(format!("bytes */{SIZE}")), Vec::new()),
    ]
}

async fn check_matrix(world: &World, client: &Client) {
    for (range, status, label, bytes) in matrix() {
        let response = ask(client, Method::GET, &world.url("data"), &[("range", range)]).await;
        assert_eq!(response.status().as_u16(), status, "{range}");
        assert_eq!(text(response.headers(), "content-range"), label.as_deref(), "{range}");
        let promised = response.content_length();
        let body = response.bytes().await.unwrap();
        assert_eq!(promised, Some(body.len() as u64), "{range}");
        if status != 416 {
            assert!(body == bytes, "{range}: {} bytes, not the expected ones", body.len());
        }
    }
}

#[tokio::test]
async fn every_form_of_range_gets_what_the_standard_says_over_http1() {
    let world = World::new().await;
    check_matrix(&world, &world.client).await;
}

#[tokio::test]
async fn every_form_of_range_gets_what_the_standard_says_over_http2() {
    let world = World::new().await;
    let client = Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    check_matrix(&world, &client).await;
}

#[tokio::test]
async fn ranged_answers_carry_validators() {
    let world = World::new().await;
    let whole = world.get("data", &[]).await;
    let part = world.get("data", &[("range", "bytes=0-9")]).await;
    for name in ["etag", "last-modified", "accept-ranges", "cache-control", "content-type"] {
        assert!(whole.headers().contains_key(name), "{name}");
        assert_eq!(whole.headers().get(name), part.headers().get(name), "{name}");
    }
    assert_eq!(text(whole.headers(), "accept-ranges"), Some("bytes"));
}

#[tokio::test]
async fn head_tells_everything_but_ignores_ranges() {
    let world = World::new().await;
    let get = world.get("data", &[]).await;
    let head = world.head("data", &[("range", "bytes=0-9")]).await;
    assert_eq!(head.status(), StatusCode::OK);
    for name in ["etag", "last-modified", "content-length", "content-type", "cache-control"] {
        assert_eq!(head.headers().get(name), get.headers().get(name), "{name}");
    }
    assert!(head.bytes().await.unwrap().is_empty());
    assert_eq!(world.head("none", &[]).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn parts_of_several_ranges_can_be_put_together() {
    let world = World::new().await;
    let ranges = [(200_000, 269_999), (10, 19), (131_000, 131_999)];
    let list: Vec<_> = ranges.iter().map(|(first, last)| format!("{first}-{last}")).collect();
    let header = format!("bytes={}", list.join(","));
    let response = world.get("data", &[("range", &header)]).await;
    assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
    let kind = text(response.headers(), "content-type").unwrap().to_owned();
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let mut expected = Vec::new();
    for (first, last) in &ranges {
        let head = format!(
            "\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\n\
             Content-Range: bytes {first}-{last}/{SIZE}\r\n\r\n"
        );
        expected.extend_from_slice(head.as_bytes());
        expected.extend_from_slice(&data()[*first..=*last]);
    }
    expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    assert_eq!(response.content_length(), Some(expected.len() as u64));
    assert!(response.bytes().await.unwrap() == expected);
}

#[tokio::test]
async fn empty_file_has_no_range_that_could_be_sent() {
    let world = World::new().await;
    let response = world.get("empty", &[]).await;
    assert_eq!((response.status(), response.content_length()), (StatusCode::OK, Some(0)));
    let response = world.get("empty", &[("range", "bytes=0-")]).await;
    assert_eq!(response.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(text(response.headers(), "content-range"), Some("bytes */0"));
}

#[tokio::test]
async fn file_beyond_four_gigabytes_is_served_at_its_far_end() {
    let world = World::new().await;
    let len = (5 << 30) + 3;
    crate::world::sparse_file(&world.path("huge"), len);
    let response = world.get("huge", &[("range", "bytes=-4")]).await;
    let label = format!("bytes {}-{}/{len}", len - 4, len - 1);
    assert_eq!(text(response.headers(), "content-range"), Some(label.as_str()));
    assert_eq!(response.bytes().await.unwrap(), vec![0; 4]);
    assert_eq!(
        text(world.head("huge", &[]).await.headers(), "content-length"),
        Some(len.to_string().as_str())
    );
}
