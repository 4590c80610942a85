//! The headers that decide how a body is read.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};

use crate::Violation;

/// An entity tag as the server gave it. `Spec: RFC 9110 8.8.3`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntityTag(Box<str>);

impl EntityTag {
    /// Longest tag that is kept. `Ours:` tags are digests or numbers; a longer one is ignored.
    const BYTES_MAX: usize = 1024;

    /// A tag from its text, quotes and `W/` included; none when it is malformed or longer than 1024 bytes.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let opaque = text.strip_prefix("W/").unwrap_or(text);
        let inner = opaque.strip_prefix('"')?.strip_suffix('"')?;
        let good = inner.bytes().all(|byte| byte == 0x21 || (0x23..=0x7e).contains(&byte));
        (good && text.len() <= Self::BYTES_MAX).then(|| Self(text.into()))
    }

    /// The text, quotes included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether equal tags mean equal bytes, so that a download may be resumed by it.
    #[must_use]
    pub fn is_strong(&self) -> bool {
        !self.0.starts_with("W/")
    }

    pub(crate) fn to_header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("a tag is visible ASCII")
    }

    /// The tag of an answer.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        Self::new(headers.get(header::ETAG)?.to_str().ok()?)
    }
}

impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A range to ask for. `Spec: RFC 9110 14.1.2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RangeWanted {
    /// The first byte.
    pub(crate) start: u64,
    /// The byte after the last.
    pub(crate) end: u64,
}

impl RangeWanted {
    pub(crate) fn to_header(self) -> HeaderValue {
        let text = format!("bytes={}-{}", self.start, self.end.saturating_sub(1));
        HeaderValue::from_str(&text).expect("a range is visible ASCII")
    }
}

/// A parsed `Content-Range`. `Spec: RFC 9110 14.4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContentRange {
    /// First byte and the byte after the last; none in `bytes */LENGTH`.
    pub(crate) range: Option<(u64, u64)>,
    /// Length of the whole file; none when the server does not know it.
    pub(crate) file_bytes: Option<u64>,
}

impl ContentRange {
    fn parse(text: &str) -> Option<Self> {
        let (range, length) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let file_bytes = match length {
            "*" => None,
            digits => Some(digits.parse().ok()?),
        };
        let range = match range {
            "*" => None,
            both => {
                let (first, last) = both.split_once('-')?;
                let (first, last) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
                let end = last.checked_add(1).filter(|end| first < *end)?;
                Some((first, end))
            }
        };
        let fits = match (range, file_bytes) {
            (Some((_, end)), Some(length)) => end <= length,
            (None, None) => false,
            _ => true,
        };
        fits.then_some(Self { range, file_bytes })
    }

    /// The one of an answer; none when missing or malformed.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        Self::parse(headers.get(header::CONTENT_RANGE)?.to_str().ok()?)
    }

    /// Checks that an answer with status 206 begins where `asked` begins and reaches no further. It may end earlier: the
    /// rest is asked for again.
    pub(crate) fn check(headers: &HeaderMap, asked: RangeWanted) -> Result<Self, Violation> {
        let found = Self::of(headers);
        let fits = |(start, end): (u64, u64)| start == asked.start && end <= asked.end;
        match found {
            Some(found) if found.range.is_some_and(fits) => Ok(found),
            _ => {
                let named = headers.get(header::CONTENT_RANGE);
                let answered = named.map_or_else(
                    || "none".to_owned(),
                    |value| String::from_utf8_lossy(value.as_bytes()).chars().take(100).collect(),
                );
                Err(Violation::OtherRange { asked_start: asked.start, answered })
            }
        }
    }
}

/// The wait that an answer asks for: seconds, or a date.
///
/// `Ours:` a date is compared with the answer's own `Date`, so that the device's clock, which may be wrong, plays no part.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let now = httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?).ok()?;
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("a value"))])
    }

    #[test]
    fn content_ranges_are_read_and_nonsense_is_not() {
        let range =
            |start, end, file_bytes| Some(ContentRange { range: Some((start, end)), file_bytes });
        assert_eq!(ContentRange::parse("bytes 2-4/10"), range(2, 5, Some(10)));
        assert_eq!(ContentRange::parse("bytes 2-4/*"), range(2, 5, None));
        let unsatisfied = ContentRange { range: None, file_bytes: Some(10) };
        assert_eq!(ContentRange::parse("bytes */10"), Some(unsatisfied));
        for text in ["bytes */*", "bytes 4-2/10", "bytes 0-10/10", "bytes 1/10", "items 0-1/2", ""]
        {
            assert_eq!(ContentRange::parse(text), None, "{text}");
        }
        assert_eq!(ContentRange::parse(&format!("bytes 0-{}/*", u64::MAX)), None);
    }

    #[test]
    fn only_the_asked_range_or_its_head_is_accepted() {
        let asked = RangeWanted { start: 10, end: 20 };
        let check = |text| ContentRange::check(&headers(header::CONTENT_RANGE, text), asked);
        assert!(check("bytes 10-19/100").is_ok());
        assert!(check("bytes 10-14/100").is_ok());
        for text in ["bytes 9-19/100", "bytes 11-19/100", "bytes 10-20/100", "bytes */100", "?"] {
            let refused = check(text).expect_err(text);
            assert_eq!(
                refused,
                Violation::OtherRange { asked_start: 10, answered: text.to_owned() }
            );
        }
        assert!(ContentRange::check(&HeaderMap::new(), asked).is_err());
    }

    #[test]
    fn waits_are_read_as_seconds_and_as_dates() {
        let wait = |text| {
            let mut headers = headers(header::RETRY_AFTER, text);
            let date = HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT");
            headers.insert(header::DATE, date);
            retry_after(&headers)
        };
        assert_eq!(wait("90"), Some(Duration::from_secs(90)));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:46 GMT"), Some(Duration::from_secs(9)));
        assert_eq!(wait("Sat, 05 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
        let undated = headers(header::RETRY_AFTER, "Sun, 06 Nov 1994 08:49:46 GMT");
        assert_eq!(retry_after(&undated), None);
    }

    #[test]
    fn tags_are_strong_weak_or_malformed() {
        assert!(EntityTag::new("\"abc\"").is_some_and(|tag| tag.is_strong()));
        assert!(EntityTag::new("W/\"abc\"").is_some_and(|tag| !tag.is_strong()));
        let long = format!("\"{}\"", "a".repeat(2000));
        for text in ["abc", "\"", "\"a\"b\"", "\"a b\"", &long] {
            assert_eq!(EntityTag::new(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text in "\\PC*") {
            let _ = ContentRange::parse(&text);
            let _ = ContentRange::parse(&format!("bytes {text}"));
            let _ = EntityTag::new(&text).map(|tag| tag.to_header());
        }
    }
}
