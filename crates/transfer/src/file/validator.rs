//! What tells one content of a URL from another.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};

use crate::EntityTag;

/// Something by which a server says that its file is still the same, byte for byte. `Spec: RFC 9110 8.8.1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Validator {
    /// A strong entity tag.
    Tag(EntityTag),
    /// A date of change that is old enough.
    Modified(Box<str>),
}

impl Validator {
    /// A date counts when the answer was given so much later. `Spec: RFC 9110 8.8.2.2`; `Ours:` a minute, for servers whose
    /// files and clocks are on different machines.
    const MODIFIED_BEFORE: Duration = Duration::from_mins(1);

    /// The validator of an answer; none when it has only weak ones.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        match EntityTag::of(headers) {
            Some(tag) if tag.is_strong() => Some(Self::Tag(tag)),
            _ => modified(headers).map(Self::Modified),
        }
    }

    /// From its text in a state.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.starts_with('"') {
            return EntityTag::new(text).filter(EntityTag::is_strong).map(Self::Tag);
        }
        httpdate::parse_http_date(text).is_ok().then(|| Self::Modified(text.into()))
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Tag(tag) => tag.as_str(),
            Self::Modified(date) => date,
        }
    }

    pub(super) fn to_header(&self) -> HeaderValue {
        HeaderValue::from_str(self.as_str()).expect("checked when it was made")
    }

    /// Whether an answer names another content. Some servers ignore `If-Range`, so an answer with a range is compared too.
    pub(super) fn differs(&self, headers: &HeaderMap) -> bool {
        match self {
            Self::Tag(tag) => EntityTag::of(headers).is_some_and(|other| other != *tag),
            Self::Modified(date) => {
                text(headers, &header::LAST_MODIFIED).is_some_and(|other| *other != **date)
            }
        }
    }

    /// Whether an answer certainly has the same content.
    pub(super) fn matches(&self, headers: &HeaderMap) -> bool {
        match self {
            Self::Tag(tag) => EntityTag::of(headers).is_some_and(|other| other == *tag),
            Self::Modified(date) => {
                text(headers, &header::LAST_MODIFIED).is_some_and(|other| *other == **date)
            }
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn modified(headers: &HeaderMap) -> Option<Box<str>> {
    let said = text(headers, &header::LAST_MODIFIED)?;
    let modified = httpdate::parse_http_date(said).ok()?;
    let answered = httpdate::parse_http_date(text(headers, &header::DATE)?).ok()?;
    let age = answered.duration_since(modified).ok()?;
    (age >= Validator::MODIFIED_BEFORE).then(|| said.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (http::HeaderName::from_static(name), HeaderValue::from_static(value))
            })
            .collect()
    }

    const OLD: (&str, &str) = ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT");

    #[test]
    fn strong_tags_and_old_dates_count() {
        let noon = ("date", "Sun, 06 Nov 1994 12:00:00 GMT");
        let of =
            |lines: &[_]| Validator::of(&headers(lines)).map(|found| found.as_str().to_owned());
        assert_eq!(of(&[("etag", "\"a\""), OLD, noon]).as_deref(), Some("\"a\""));
        assert_eq!(of(&[("etag", "W/\"a\""), OLD, noon]).as_deref(), Some(OLD.1));
        assert_eq!(of(&[("etag", "W/\"a\"")]), None);
        assert_eq!(of(&[OLD]), None);
        assert_eq!(of(&[OLD, ("date", "Sun, 06 Nov 1994 08:50:00 GMT")]), None);
    }

    #[test]
    fn an_answer_that_names_another_content_differs_and_a_silent_one_does_not() {
        let tag = Validator::parse("\"a\"").expect("a tag");
        assert!(tag.differs(&headers(&[("etag", "\"b\"")])) && !tag.differs(&headers(&[OLD])));
        assert!(tag.matches(&headers(&[("etag", "\"a\"")])) && !tag.matches(&headers(&[OLD])));
        let date = Validator::parse(OLD.1).expect("a date");
        assert!(date.differs(&headers(&[("last-modified", "Sun, 06 Nov 1994 08:49:38 GMT")])));
        assert!(date.matches(&headers(&[OLD])) && !date.differs(&headers(&[])));
        assert_eq!(Validator::parse("W/\"a\""), None);
        assert_eq!(Validator::parse("yesterday"), None);
    }
}
