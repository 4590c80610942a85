//! An answer before it is sent, and how the request, the resource and a fault make one.

use super::{
    body::{Delivery, Manner},
    payload::{Payload, Piece},
    precondition::{Verdict, judge, range_counts, whole_seconds},
    range::{ByteRange, Selection, select},
};
use crate::{
    fault::{Fault, FaultKind},
    mount::Resource,
    seed::Draws,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

/// Status, headers and bytes of an answer, and the fault that shaped it.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) payload: Payload,
    pub(super) delivery: Delivery,
    pub(super) fault: Option<FaultKind>,
}

/// The circumstances of a request that shape its answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances<'a> {
    pub(super) method: &'a Method,
    pub(super) headers: &'a HeaderMap,
    pub(super) fault: Option<Fault>,
    /// A number of this request alone: makes the boundary of parts and the tags that change.
    pub(super) mark: u64,
}

impl Reply {
    /// An answer that says no more than its status.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or_default();
        let mut reply = Self {
            status,
            headers: HeaderMap::new(),
            payload: Payload::of_text(format!("{} {reason}\n", status.as_u16())),
            delivery: Delivery::steady(),
            fault: None,
        };
        reply.set(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        reply.set(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        reply
    }

    /// A redirection that ends where it began. The reference is only a query: nothing of the
    /// request's path is repeated, so it cannot be made to lead to another host.
    pub(super) fn redirect(round: u64) -> Self {
        let mut reply = Self::of_status(StatusCode::FOUND);
        reply.set_text(header::LOCATION, &format!("?{REDIRECT_QUERY}{}", round.wrapping_add(1)));
        reply.fault = Some(FaultKind::RedirectLoop);
        reply
    }

    /// The answer to a GET or HEAD for a resource.
    pub(super) fn of_resource(mut resource: Resource, circumstances: Circumstances<'_>) -> Self {
        let Circumstances { method, headers, fault, mark } = circumstances;
        let mut applied = None;
        if let Some(Fault { kind: FaultKind::ChangeEtag, .. }) = fault {
            resource.etag = resource.etag.altered(mark);
            applied = Some(FaultKind::ChangeEtag);
        }
        let mut reply = match judge(headers, &resource) {
            Verdict::Failed => Self::of_status(StatusCode::PRECONDITION_FAILED),
            Verdict::NotModified => {
                let mut reply = Self::of_status(StatusCode::NOT_MODIFIED);
                reply.payload = Payload::default();
                reply.headers.clear();
                reply.set_validators(&resource);
                reply
            }
            Verdict::Proceed => {
                let asked = selection(method, headers, &resource);
                let selection = match fault {
                    Some(fault) => change_selection(&asked, fault, resource.body.len()),
                    None => asked.clone(),
                };
                let mut reply = Self::of_selection(&resource, &selection, mark);
                if selection != asked {
                    applied = fault.map(|fault| fault.kind);
                }
                if let Some(fault) = fault {
                    reply.spoil(fault);
                }
                reply
            }
        };
        reply.fault = reply.fault.or(applied);
        reply
    }

    fn of_selection(resource: &Resource, selection: &Selection, mark: u64) -> Self {
        let size = resource.body.len();
        let mut reply = Self::of_status(StatusCode::OK);
        match selection {
            Selection::Unsatisfiable => {
                reply = Self::of_status(StatusCode::RANGE_NOT_SATISFIABLE);
                reply.set_text(header::CONTENT_RANGE, &format!("bytes */{size}"));
                return reply;
            }
            Selection::Whole => {
                reply.payload = Payload::whole(&resource.body);
                reply.set(header::CONTENT_TYPE, resource.content_type.clone());
            }
            Selection::One(range) => {
                reply.status = StatusCode::PARTIAL_CONTENT;
                reply.payload = Payload::range(&resource.body, *range);
                reply.set(header::CONTENT_TYPE, resource.content_type.clone());
                reply.set_text(header::CONTENT_RANGE, &content_range(*range, size));
            }
            Selection::Many(ranges) => {
                let boundary = format!("headstart-{mark:016x}");
                reply.status = StatusCode::PARTIAL_CONTENT;
                reply.payload = multipart(resource, ranges, &boundary);
                let kind = format!("multipart/byteranges; boundary={boundary}");
                reply.set_text(header::CONTENT_TYPE, &kind);
            }
        }
        reply.set_validators(resource);
        reply
    }

    /// Applies the faults that concern the body, if there is one.
    fn spoil(&mut self, fault: Fault) {
        let len = self.payload.len;
        let offset = fault.offset(len);
        if !self.status.is_success() || offset >= len {
            return;
        }
        match fault.kind {
            FaultKind::Cut => self.delivery.manner = Manner::CutAt(offset),
            FaultKind::Stall => self.delivery.manner = Manner::StallAt(offset),
            FaultKind::Slow => self.delivery.manner = Manner::Drip,
            FaultKind::Truncate => self.payload.truncate(offset),
            FaultKind::Corrupt => self.delivery.flips = flips(fault, offset, len),
            _ => return,
        }
        self.fault = Some(fault.kind);
    }

    fn set_validators(&mut self, resource: &Resource) {
        self.set(header::ETAG, resource.etag.header());
        if let Some(modified) = whole_seconds(resource.modified) {
            self.set_text(header::LAST_MODIFIED, &httpdate::fmt_http_date(modified));
        }
        self.set(header::CACHE_CONTROL, resource.cache.header());
        self.set(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        self.set(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }

    pub(super) fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.insert(name, value);
    }

    fn set_text(&mut self, name: HeaderName, text: &str) {
        let value = HeaderValue::from_str(text)
            .expect("made from numbers, dates and fixed text, all visible ASCII");
        self.set(name, value);
    }
}

/// Marks requests that are rounds of a redirect loop.
pub(super) const REDIRECT_QUERY: &str = "headstart-redirect=";

/// Only GET has ranges (RFC 9110, 14.2), and a repeated Range header is malformed.
fn selection(method: &Method, headers: &HeaderMap, resource: &Resource) -> Selection {
    let mut values = headers.get_all(header::RANGE).iter();
    let range = match (values.next(), values.next()) {
        (Some(range), None) if method == Method::GET => range.to_str().ok(),
        _ => None,
    };
    match range {
        Some(range) if range_counts(headers, resource) => select(range, resource.body.len()),
        _ => Selection::Whole,
    }
}

fn change_selection(asked: &Selection, fault: Fault, size: u64) -> Selection {
    match (fault.kind, asked) {
        (FaultKind::IgnoreRange, _) => Selection::Whole,
        (FaultKind::WrongRange, Selection::One(range)) => {
            range.another(size, fault.draw()).map_or(Selection::One(*range), Selection::One)
        }
        (FaultKind::WrongRange, Selection::Many(ranges)) => {
            ranges.first().map_or(Selection::Whole, |first| Selection::One(*first))
        }
        _ => asked.clone(),
    }
}

fn content_range(range: ByteRange, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.first, range.last)
}

/// RFC 9110, 14.6. The first part too begins on a new line, as with the servers that zsync was made for: it refuses others.
fn multipart(resource: &Resource, ranges: &[ByteRange], boundary: &str) -> Payload {
    let size = resource.body.len();
    let kind = resource.content_type.to_str().unwrap_or("application/octet-stream");
    let mut payload = Payload::default();
    for range in ranges {
        let label = content_range(*range, size);
        let head =
            format!("\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: {label}\r\n\r\n");
        payload.push(Piece::Bytes(head.into()));
        payload.push_range(&resource.body, *range);
    }
    payload.push(Piece::Bytes(format!("\r\n--{boundary}--\r\n").into()));
    payload
}

/// One to three different bytes, each with one flipped bit: the first at the fault's point.
fn flips(fault: Fault, offset: u64, len: u64) -> Vec<(u64, u8)> {
    let mut draws = Draws::new(fault.draw(), len);
    let mut flips = vec![(offset, 1 << (draws.next() % 8))];
    for _ in 0..draws.next() % 3 {
        let at = draws.next() % len;
        if flips.iter().all(|(other, _)| *other != at) {
            flips.push((at, 1 << (draws.next() % 8)));
        }
    }
    flips
}

#[cfg(test)]
mod tests;
