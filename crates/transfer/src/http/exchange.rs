//! Sends a request, follows redirects, and sorts the answers.

use std::error::Error as StdError;
use std::io;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::time::timeout;
use url::Url;

use super::body::Body;
use super::header::{RangeWanted, retry_after};
use crate::access::{Met, Next, Session};
use crate::ledger::SourceMeter;
use crate::{Client, EntityTag, Interruption, RequestError, ShownUrl, TransferError, Violation};

/// Redirects followed for one request.
const REDIRECTS_MAX: u32 = 5;

/// What is asked of a server.
#[derive(Debug, Clone)]
pub(crate) struct Ask<'a> {
    pub(crate) url: &'a Url,
    headers: HeaderMap,
    session: Option<&'a Session>,
}

impl<'a> Ask<'a> {
    pub(crate) fn new(url: &'a Url) -> Self {
        // No coding: ranges and digests count the bytes as stored.
        let identity = (header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        Self { url, headers: HeaderMap::from_iter([identity]), session: None }
    }

    pub(crate) fn range(mut self, range: RangeWanted) -> Self {
        self.headers.insert(header::RANGE, range.to_header());
        self
    }

    /// With the credentials of a download, whose user is asked for more if the server wants some.
    pub(crate) const fn within(mut self, session: &'a Session) -> Self {
        self.session = Some(session);
        self
    }

    /// The range only if the file is still the one with this validator, else the whole file.
    pub(crate) fn if_range(mut self, validator: HeaderValue) -> Self {
        self.headers.insert(header::IF_RANGE, validator);
        self
    }

    /// Only if the file is no longer the one with this validator, a tag or a date.
    pub(crate) fn if_changed(mut self, validator: HeaderValue) -> Self {
        let is_tag = validator.as_bytes().starts_with(b"\"");
        let name = if is_tag { header::IF_NONE_MATCH } else { header::IF_MODIFIED_SINCE };
        self.headers.insert(name, validator);
        self
    }

    pub(crate) fn if_none_match(mut self, tag: &EntityTag) -> Self {
        self.headers.insert(header::IF_NONE_MATCH, tag.to_header());
        self
    }

    /// From the server itself and not from a cache on the way.
    pub(crate) fn past_caches(mut self) -> Self {
        self.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        self
    }
}

/// An answer whose body has not been read.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What was asked, before redirects.
    pub(crate) url: ShownUrl,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

impl Answer {
    /// The error for a status that is no answer to the request. Reads the body if it is short.
    pub(crate) async fn into_status_error(self) -> TransferError {
        let Self { url, status, headers, body } = self;
        body.drain().await;
        match status {
            StatusCode::NOT_FOUND | StatusCode::GONE => TransferError::NotFound { url },
            StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::PROXY_AUTHENTICATION_REQUIRED => TransferError::Denied { url, status },
            _ => {
                let retry_after = retry_after(&headers);
                TransferError::Status { url, status, retry_after }
            }
        }
    }

    pub(crate) fn unusable(&self, violation: Violation) -> TransferError {
        TransferError::Unusable { url: self.url.clone(), violation }
    }
}

impl Client {
    /// Whether `url` may be asked at all.
    pub(crate) fn check_url(&self, url: &Url) -> Result<(), RequestError> {
        if !self.inner.config.https.allows(url) {
            return Err(RequestError::NotAllowed { url: url.into() });
        }
        if !self.inner.config.reach.allows(url) {
            return Err(RequestError::HostNotAllowed { url: url.into() });
        }
        Ok(())
    }

    /// Sends a request and follows redirects. Any status but a redirect's is an answer; a body in an unasked coding is not.
    pub(crate) async fn ask(
        &self,
        ask: &Ask<'_>,
        meter: &SourceMeter,
    ) -> Result<Answer, TransferError> {
        self.check_url(ask.url)?;
        let mut url = ask.url.clone();
        for _ in 0..=REDIRECTS_MAX {
            let response = self.send_with_credentials(&url, ask, meter).await?;
            let shown = ShownUrl::from(ask.url);
            let (status, headers) = (response.status(), response.headers().clone());
            let (after, paths) = (self.inner.config.stall_timeout, &self.inner.paths);
            let body = Body::new(response, shown.clone(), after, meter.clone(), paths);
            let Some(location) = location_of(status, &headers) else {
                let answer = Answer { url: shown, status, headers, body };
                return check_coding(answer);
            };
            let refused = |violation| TransferError::Unusable { url: shown.clone(), violation };
            url = self.target(&url, ask.url, location).map_err(refused)?;
            body.drain().await;
        }
        let violation = Violation::TooManyRedirects { limit: REDIRECTS_MAX };
        Err(TransferError::Unusable { url: ask.url.into(), violation })
    }

    /// Sends a request as often as there are other credentials to try.
    async fn send_with_credentials(
        &self,
        url: &Url,
        ask: &Ask<'_>,
        meter: &SourceMeter,
    ) -> Result<reqwest::Response, TransferError> {
        let mut met = Met::default();
        loop {
            let sent = self.send(url, ask, meter, &mut met).await;
            let Some(session) = ask.session else { return sent };
            if session.after(url, &sent, &mut met).await? == Next::Stands {
                return sent;
            }
            if let Ok(response) = sent {
                let (after, paths) = (self.inner.config.stall_timeout, &self.inner.paths);
                Body::new(response, ask.url.into(), after, meter.clone(), paths).drain().await;
            }
        }
    }

    async fn send(
        &self,
        url: &Url,
        ask: &Ask<'_>,
        meter: &SourceMeter,
        met: &mut Met,
    ) -> Result<reqwest::Response, TransferError> {
        let config = &self.inner.config;
        let mut headers = ask.headers.clone();
        let origin = url.origin();
        for extra in &self.inner.headers {
            // Credentials never cross to another host: a token for every source goes to those that the caller named.
            if *extra.origin.as_ref().unwrap_or(&ask.url.origin()) == origin {
                headers.append(&extra.name, extra.value.clone());
                met.carried_header();
            }
        }
        let own = match ask.session {
            Some(session) => session.prepare(self, url, &mut headers, met),
            None => Ok(None),
        };
        let own =
            own.map_err(|source| TransferError::Tls { url: url.into(), source: source.into() })?;
        meter.count(|counts| counts.requests += 1);
        let urgency = meter.pace().urgency();
        let is_named = origin == ask.url.origin();
        let common = if is_named { self.http_to_named(urgency) } else { self.http(urgency) };
        let http = own.as_ref().unwrap_or(common);
        let sending = http.get(url.clone()).headers(headers).send();
        let after = config.connect_timeout.saturating_add(config.stall_timeout);
        match timeout(after, sending).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(sending_failed(ask.url.into(), error.without_url())),
            Err(_) => Err(TransferError::Interrupted {
                url: ask.url.into(),
                received_bytes: 0,
                how: Interruption::Stalled { after },
            }),
        }
    }

    /// Where a redirect leads, if it may be followed.
    fn target(&self, from: &Url, first: &Url, location: &HeaderValue) -> Result<Url, Violation> {
        let refused = |target: String| Violation::RedirectRefused { target };
        let shown = || String::from_utf8_lossy(location.as_bytes()).chars().take(200).collect();
        let text = location.to_str().map_err(|_| refused(shown()))?;
        let mut next = from.join(text).map_err(|_| refused(shown()))?;
        let downgraded = from.scheme() == "https" && next.scheme() != "https";
        if downgraded || self.check_url(&next).is_err() {
            return Err(refused(ShownUrl::from(&next).to_string()));
        }
        // A user name in the first URL counts for its own server; one that a redirect brings along counts for nobody.
        let same_server = next.origin() == first.origin();
        let (name, password) =
            if same_server { (first.username(), first.password()) } else { ("", None) };
        // Both fail only for URLs without a host, which are not allowed.
        let _ = next.set_username(name);
        let _ = next.set_password(password);
        Ok(next)
    }
}

fn location_of(status: StatusCode, headers: &HeaderMap) -> Option<&HeaderValue> {
    let redirects = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    if redirects { headers.get(header::LOCATION) } else { None }
}

fn check_coding(answer: Answer) -> Result<Answer, TransferError> {
    let coding = answer.headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes);
    match coding {
        Some(coding) if answer.status.is_success() && !coding.eq_ignore_ascii_case(b"identity") => {
            let encoding = String::from_utf8_lossy(coding).chars().take(100).collect();
            Err(answer.unusable(Violation::Encoded { encoding }))
        }
        _ => Ok(answer),
    }
}

fn sending_failed(url: ShownUrl, error: reqwest::Error) -> TransferError {
    if is_about_certificate(&error) {
        TransferError::Certificate { url, source: error }
    } else if error.is_connect() {
        TransferError::Unreachable { url, source: error }
    } else {
        TransferError::Interrupted { url, received_bytes: 0, how: Interruption::Broken(error) }
    }
}

/// Whether TLS refused the server's certificate. Asking again would only give the same one.
fn is_about_certificate(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
            return true;
        }
        // The `source` of an I/O error is the source of what it wraps; the wrapped error itself is asked for by `get_ref`.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}
