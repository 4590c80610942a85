//! Conditional requests. RFC 9110, 13.

use crate::mount::Resource;
use http::{HeaderMap, HeaderName, header};
use std::time::{Duration, SystemTime};

/// What the preconditions of a GET or HEAD say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Answer as usual.
    Proceed,
    /// 304: the client has it.
    NotModified,
    /// 412: the client wants something else than what is here.
    Failed,
}

/// Steps in the order of RFC 9110, 13.2.2. A later condition that a former one replaces is not
/// looked at. Dates that cannot be read are ignored (13.1.3, 13.1.4).
pub(super) fn judge(headers: &HeaderMap, resource: &Resource) -> Verdict {
    // Steps 1 and 2.
    if headers.contains_key(header::IF_MATCH) {
        if !names_tag(headers, &header::IF_MATCH, resource, Comparison::Strong) {
            return Verdict::Failed;
        }
    } else if let (Some(since), Some(modified)) =
        (date(headers, &header::IF_UNMODIFIED_SINCE), whole_seconds(resource.modified))
        && modified > since
    {
        return Verdict::Failed;
    }
    // Steps 3 and 4.
    if headers.contains_key(header::IF_NONE_MATCH) {
        if names_tag(headers, &header::IF_NONE_MATCH, resource, Comparison::Weak) {
            return Verdict::NotModified;
        }
    } else if let (Some(since), Some(modified)) =
        (date(headers, &header::IF_MODIFIED_SINCE), whole_seconds(resource.modified))
        && modified <= since
    {
        return Verdict::NotModified;
    }
    Verdict::Proceed
}

/// Step 5: whether If-Range, if there is one, lets the Range header count (13.1.5).
///
/// Only the entity tag holds, compared strongly. A date never does: a file can change twice within
/// a second, so it is a weak validator unless proven otherwise (8.8.2.2), and as every answer has a
/// tag no client has to fall back on it. Whoever sends a date gets the whole file, which is safe.
pub(super) fn range_counts(headers: &HeaderMap, resource: &Resource) -> bool {
    let mut values = headers.get_all(header::IF_RANGE).iter();
    match (values.next(), values.next()) {
        (None, _) => true,
        (Some(value), None) => {
            value.to_str().is_ok_and(|text| text.trim() == resource.etag.to_string())
        }
        (Some(_), Some(_)) => false,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

fn names_tag(
    headers: &HeaderMap,
    name: &HeaderName,
    resource: &Resource,
    comparison: Comparison,
) -> bool {
    let own = resource.etag.to_string();
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        value.trim() == "*"
            || tags(value).any(|tag| match tag.strip_prefix("W/") {
                Some(weak) => comparison == Comparison::Weak && weak == own,
                None => tag == own,
            })
    })
}

/// The tags of a list. A comma may stand inside the quotes, so splitting at commas would be wrong.
fn tags(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let open = rest.find('"')?;
        let close = open + 1 + rest.get(open + 1..)?.find('"')?;
        let (tag, after) = rest.split_at_checked(close + 1)?;
        rest = after;
        Some(tag)
    })
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

/// HTTP dates know no fractions: compare what Last-Modified said.
pub(super) fn whole_seconds(time: Option<SystemTime>) -> Option<SystemTime> {
    let since = time?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    // The last second that an HTTP date can write: the end of the year 9999.
    (since.as_secs() < 253_402_300_800)
        .then(|| SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs()))
}

#[cfg(test)]
mod tests;
