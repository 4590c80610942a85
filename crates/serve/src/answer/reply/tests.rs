use super::*;
use crate::{
    fault::FaultPoint,
    mount::{CachePolicy, EntityTag, ResourceBody},
};
use std::time::{Duration, UNIX_EPOCH};

const SIZE: u64 = 100;

fn resource() -> Resource {
    let bytes: Vec<u8> = (0..SIZE).map(|n| n.to_le_bytes()[0]).collect();
    Resource {
        body: ResourceBody::Bytes(bytes.into()),
        etag: EntityTag::new("tag").unwrap(),
        modified: Some(UNIX_EPOCH + Duration::from_secs(1_700_000_000)),
        content_type: HeaderValue::from_static("text/plain"),
        cache: CachePolicy::Immutable,
    }
}

fn reply_with(
    method: &Method,
    pairs: &[(&'static str, &'static str)],
    fault: Option<Fault>,
) -> Reply {
    let pairs = pairs
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let headers: HeaderMap = pairs.collect();
    let circumstances = Circumstances { method, headers: &headers, fault, mark: 0xABC };
    Reply::of_resource(resource(), circumstances)
}

fn faulty(pairs: &[(&'static str, &'static str)], kind: FaultKind) -> Reply {
    let fault = Fault { kind, point: FaultPoint::Drawn(12_345) };
    reply_with(&Method::GET, pairs, Some(fault))
}

fn text(reply: &Reply, name: HeaderName) -> Option<&str> {
    reply.headers.get(name).map(|value| value.to_str().unwrap())
}

fn bytes(reply: &Reply) -> Vec<u8> {
    let pieces = reply.payload.pieces.iter().flat_map(|piece| match piece {
        Piece::Bytes(bytes) => bytes.to_vec(),
        Piece::File { .. } => panic!("no files here"),
    });
    pieces.collect()
}

#[test]
fn not_modified_carries_validators_and_no_body() {
    let reply = reply_with(&Method::GET, &[("if-none-match", "\"tag\"")], None);
    assert_eq!(reply.status, StatusCode::NOT_MODIFIED);
    assert_eq!(text(&reply, header::ETAG), Some("\"tag\""));
    assert_eq!(text(&reply, header::LAST_MODIFIED), Some("Tue, 14 Nov 2023 22:13:20 GMT"));
    assert_eq!(text(&reply, header::CACHE_CONTROL), Some("public, max-age=31536000, immutable"));
    assert_eq!(text(&reply, header::CONTENT_TYPE), None);
    assert_eq!(reply.payload.len, 0);
}

#[test]
fn conditions_are_judged_before_ranges() {
    let pairs = [("if-none-match", "\"tag\""), ("range", "bytes=500-")];
    assert_eq!(reply_with(&Method::GET, &pairs, None).status, StatusCode::NOT_MODIFIED);
    let pairs = [("if-match", "\"other\""), ("range", "bytes=0-9")];
    assert_eq!(reply_with(&Method::GET, &pairs, None).status, StatusCode::PRECONDITION_FAILED);
}

#[test]
fn head_and_repeated_headers_have_no_ranges() {
    let reply = reply_with(&Method::HEAD, &[("range", "bytes=0-9")], None);
    assert_eq!((reply.status, reply.payload.len), (StatusCode::OK, SIZE));
    let mut headers = HeaderMap::new();
    headers.append(header::RANGE, HeaderValue::from_static("bytes=0-9"));
    headers.append(header::RANGE, HeaderValue::from_static("bytes=0-9"));
    let selected = selection(&Method::GET, &headers, &resource());
    assert_eq!(selected, Selection::Whole);
}

#[test]
fn several_ranges_come_as_labelled_parts() {
    let reply = reply_with(&Method::GET, &[("range", "bytes=97-,65-66")], None);
    assert_eq!(reply.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(
        text(&reply, header::CONTENT_TYPE),
        Some("multipart/byteranges; boundary=headstart-0000000000000abc")
    );
    assert_eq!(text(&reply, header::CONTENT_RANGE), None);
    let body = bytes(&reply);
    assert_eq!(body.len() as u64, reply.payload.len);
    assert_eq!(
        String::from_utf8(body).unwrap(),
        "\r\n--headstart-0000000000000abc\r\nContent-Type: text/plain\r\n\
         Content-Range: bytes 97-99/100\r\n\r\nabc\r\n\
         --headstart-0000000000000abc\r\nContent-Type: text/plain\r\n\
         Content-Range: bytes 65-66/100\r\n\r\nAB\r\n\
         --headstart-0000000000000abc--\r\n"
    );
}

#[test]
fn wrong_range_is_labelled_as_what_it_is() {
    let reply = faulty(&[("range", "bytes=40-49")], FaultKind::WrongRange);
    assert_eq!(reply.status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(reply.fault, Some(FaultKind::WrongRange));
    let body = bytes(&reply);
    let (first, last) = (body[0], body[body.len() - 1]);
    assert_ne!((first, last), (40, 49));
    let label = format!("bytes {first}-{last}/100");
    assert_eq!(text(&reply, header::CONTENT_RANGE), Some(label.as_str()));
}

#[test]
fn ignored_range_answers_with_everything() {
    let reply = faulty(&[("range", "bytes=40-49")], FaultKind::IgnoreRange);
    assert_eq!((reply.status, reply.payload.len), (StatusCode::OK, SIZE));
    assert_eq!(text(&reply, header::CONTENT_RANGE), None);
    assert_eq!(reply.fault, Some(FaultKind::IgnoreRange));
}

#[test]
fn truncated_range_still_names_what_was_asked() {
    let reply = faulty(&[("range", "bytes=40-49")], FaultKind::Truncate);
    assert_eq!(text(&reply, header::CONTENT_RANGE), Some("bytes 40-49/100"));
    assert!(reply.payload.len < 10);
    assert_eq!(bytes(&reply).len() as u64, reply.payload.len);
}

#[test]
fn changed_tag_breaks_if_range_and_if_none_match() {
    let reply = faulty(&[("range", "bytes=0-9"), ("if-range", "\"tag\"")], FaultKind::ChangeEtag);
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.fault, Some(FaultKind::ChangeEtag));
    let reply = faulty(&[("if-none-match", "\"tag\"")], FaultKind::ChangeEtag);
    assert_eq!(reply.status, StatusCode::OK);
}

#[test]
fn body_faults_without_a_body_are_not_reported() {
    let reply = faulty(&[("if-none-match", "\"tag\"")], FaultKind::Cut);
    assert_eq!((reply.status, reply.fault), (StatusCode::NOT_MODIFIED, None));
    let reply = faulty(&[("range", "bytes=200-")], FaultKind::Corrupt);
    assert_eq!((reply.status, reply.fault), (StatusCode::RANGE_NOT_SATISFIABLE, None));
    let late = Fault::after_bytes(FaultKind::Cut, SIZE);
    assert_eq!(reply_with(&Method::GET, &[], Some(late)).fault, None);
}

#[test]
fn corruption_changes_one_to_three_bytes_for_every_draw() {
    for draw in 0..200 {
        let fault = Fault { kind: FaultKind::Corrupt, point: FaultPoint::Drawn(draw) };
        let reply = reply_with(&Method::GET, &[], Some(fault));
        let flips = &reply.delivery.flips;
        assert!((1..=3).contains(&flips.len()));
        for (place, (at, bits)) in flips.iter().enumerate() {
            assert!(*at < SIZE && *bits != 0);
            assert!(flips[..place].iter().all(|(other, _)| other != at));
        }
    }
}
