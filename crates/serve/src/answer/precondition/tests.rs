use super::*;
use crate::mount::{CachePolicy, EntityTag, ResourceBody};
use http::HeaderValue;
use proptest::prelude::*;

const MODIFIED: u64 = 1_700_000_000;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Tag `"a,b"`, modified half a second after MODIFIED.
fn resource() -> Resource {
    Resource {
        body: ResourceBody::Bytes(bytes::Bytes::from_static(b"x")),
        etag: EntityTag::new("a,b").unwrap(),
        modified: Some(at(MODIFIED) + Duration::from_millis(500)),
        content_type: HeaderValue::from_static("text/plain"),
        cache: CachePolicy::Revalidate,
    }
}

fn headers(pairs: &[(&'static str, String)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
    });
    pairs.collect()
}

fn verdict(pairs: &[(&'static str, &str)]) -> Verdict {
    let owned: Vec<_> = pairs.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
    judge(&headers(&owned), &resource())
}

fn date_of(seconds: u64) -> String {
    httpdate::fmt_http_date(at(seconds))
}

#[test]
fn if_none_match_compares_weakly_and_knows_lists() {
    for value in ["\"a,b\"", "W/\"a,b\"", "\"x\", \"a,b\"", "*", ",\"x\",W/\"a,b\""] {
        assert_eq!(verdict(&[("if-none-match", value)]), Verdict::NotModified, "{value}");
    }
    for value in ["\"a\"", "a,b", "\"b\"", "\"a,b", ""] {
        assert_eq!(verdict(&[("if-none-match", value)]), Verdict::Proceed, "{value}");
    }
}

#[test]
fn if_match_compares_strongly() {
    assert_eq!(verdict(&[("if-match", "\"x\", \"a,b\"")]), Verdict::Proceed);
    assert_eq!(verdict(&[("if-match", "*")]), Verdict::Proceed);
    assert_eq!(verdict(&[("if-match", "W/\"a,b\"")]), Verdict::Failed);
    assert_eq!(verdict(&[("if-match", "\"x\"")]), Verdict::Failed);
}

#[test]
fn dates_are_compared_in_whole_seconds() {
    let modified_since = |seconds| verdict(&[("if-modified-since", &date_of(seconds))]);
    assert_eq!(modified_since(MODIFIED - 1), Verdict::Proceed);
    assert_eq!(modified_since(MODIFIED), Verdict::NotModified);
    let unmodified_since = |seconds| verdict(&[("if-unmodified-since", &date_of(seconds))]);
    assert_eq!(unmodified_since(MODIFIED - 1), Verdict::Failed);
    assert_eq!(unmodified_since(MODIFIED), Verdict::Proceed);
    assert_eq!(verdict(&[("if-modified-since", "yesterday")]), Verdict::Proceed);
}

#[test]
fn tags_replace_dates() {
    let date = date_of(MODIFIED);
    assert_eq!(
        verdict(&[("if-none-match", "\"x\""), ("if-modified-since", &date)]),
        Verdict::Proceed
    );
    let before = date_of(MODIFIED - 9);
    assert_eq!(
        verdict(&[("if-match", "\"a,b\""), ("if-unmodified-since", &before)]),
        Verdict::Proceed
    );
}

#[test]
fn if_range_needs_the_very_same_representation() {
    let counts =
        |if_range: &str| range_counts(&headers(&[("if-range", if_range.to_owned())]), &resource());
    assert!(range_counts(&HeaderMap::new(), &resource()));
    assert!(counts("\"a,b\""));
    for value in ["W/\"a,b\"", "\"a\"", "*", "junk", "", &date_of(MODIFIED)] {
        assert!(!counts(value), "{value}");
    }
    let mut twice = headers(&[("if-range", "\"a,b\"".to_owned())]);
    twice.append("if-range", HeaderValue::from_static("\"a,b\""));
    assert!(!range_counts(&twice, &resource()));
}

#[test]
fn times_that_no_http_date_can_write_are_left_out() {
    assert_eq!(whole_seconds(Some(at(253_402_300_800))), None);
    assert_eq!(whole_seconds(Some(at(0) - Duration::from_secs(1))), None);
    assert_eq!(whole_seconds(None), None);
}

proptest! {
    #[test]
    fn any_list_of_tags_is_read_without_panic(list in "[Ww/\", a\\PC]{0,30}") {
        for tag in tags(&list) {
            prop_assert!(tag.ends_with('"'));
        }
    }
}
