//! Answers requests: finds the resource, judges conditions and ranges, applies faults, logs.

mod body;
mod payload;
mod precondition;
mod range;
mod record;
mod reply;

pub(crate) use body::SendBody;

use crate::{
    conditioner::Link,
    fault::{FaultKind, Faults, RequestFacts},
    gate::Gate,
    log::{EventSender, Outcome, RequestEvent},
    mount::{FindError, RequestPath, Resource, Site},
    seed::mix,
    wire::Signals,
};
use body::Carrier;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use record::Record;
use reply::{Circumstances, REDIRECT_QUERY, Reply};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// What a client is told that the gate turns away.
const CHALLENGE: &str = r#"Bearer realm="assets""#;

/// One client's connection, as its requests see it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) number: u64,
    pub(crate) peer: SocketAddr,
    pub(crate) signals: Arc<Signals>,
}

/// Everything that answering needs; shared by all connections of a server.
#[derive(Debug)]
pub(crate) struct Answerer {
    site: Arc<Site>,
    faults: Faults,
    gate: Gate,
    link: Link,
    log: EventSender,
    requests: AtomicU64,
    /// Keeps boundaries from being guessed by whoever writes the files.
    secret: u64,
}

impl Answerer {
    pub(crate) fn new(
        site: Site,
        (faults, gate): (Faults, Gate),
        link: Link,
        log: EventSender,
    ) -> Self {
        use std::hash::{BuildHasher, RandomState};
        Self {
            site: Arc::new(site),
            faults,
            gate,
            link,
            log,
            requests: AtomicU64::new(0),
            secret: RandomState::new().hash_one("boundary"),
        }
    }

    /// Answers one request. Dropping the future ends the answer; the log hears of it.
    pub(crate) async fn answer<B>(
        &self,
        connection: &Connection,
        request: Request<B>,
    ) -> Response<SendBody> {
        let (head, _) = request.into_parts();
        connection.signals.count_request();
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let mut record = Record::begin(event(number, connection, &head), self.log.clone());
        let latency = self.link.conditions().latency;
        if latency > Duration::ZERO {
            tokio::time::sleep(latency).await;
        }
        let reply = self.reply(&head, number).await;
        record.answered(reply.status, reply.fault);
        send(reply, &head, connection, record)
    }

    async fn reply(&self, head: &http::request::Parts, number: u64) -> Reply {
        if !self.gate.admits(&head.headers) {
            let mut reply = Reply::of_status(StatusCode::UNAUTHORIZED);
            reply.set(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
            return reply;
        }
        if let Some(round) = self.redirect_round(head) {
            return Reply::redirect(round);
        }
        let fault = self.faults.decide(RequestFacts {
            number: 0,
            method: head.method.as_str(),
            path: head.uri.path(),
            range: range_of(head),
        });
        match fault.map(|fault| fault.kind) {
            Some(FaultKind::RedirectLoop) => return Reply::redirect(0),
            Some(kind @ FaultKind::Status500) => {
                let mut reply = Reply::of_status(StatusCode::INTERNAL_SERVER_ERROR);
                reply.fault = Some(kind);
                return reply;
            }
            Some(kind @ FaultKind::Status503) => {
                let mut reply = Reply::of_status(StatusCode::SERVICE_UNAVAILABLE);
                reply.set(header::RETRY_AFTER, HeaderValue::from_static("1"));
                reply.fault = Some(kind);
                return reply;
            }
            _ => {}
        }
        match self.find(head).await {
            Ok(resource) => Reply::of_resource(
                resource,
                Circumstances {
                    method: &head.method,
                    headers: &head.headers,
                    fault,
                    mark: mix(self.secret, 0, number),
                },
            ),
            Err(reply) => *reply,
        }
    }

    async fn find(&self, head: &http::request::Parts) -> Result<Resource, Box<Reply>> {
        let refuse = |status| Box::new(Reply::of_status(status));
        if !matches!(head.method, Method::GET | Method::HEAD) {
            let mut reply = refuse(StatusCode::METHOD_NOT_ALLOWED);
            reply.set(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return Err(reply);
        }
        let path = RequestPath::parse(head.uri.path()).map_err(|error| {
            tracing::debug!("refused {}: {error}", head.uri.path().escape_debug());
            refuse(StatusCode::BAD_REQUEST)
        })?;
        let site = Arc::clone(&self.site);
        match tokio::task::spawn_blocking(move || site.find(&path)).await {
            Ok(Ok(resource)) => Ok(resource),
            Ok(Err(FindError::NotFound)) => Err(refuse(StatusCode::NOT_FOUND)),
            Ok(Err(FindError::Unreadable(error))) => {
                tracing::warn!("cannot read {}: {error}", head.uri.path().escape_debug());
                Err(refuse(StatusCode::INTERNAL_SERVER_ERROR))
            }
            // A route's own code panicked, or the runtime is going down.
            Err(error) => {
                tracing::warn!("cannot look up {}: {error}", head.uri.path().escape_debug());
                Err(refuse(StatusCode::INTERNAL_SERVER_ERROR))
            }
        }
    }

    /// A client that went into a redirect loop stays there as long as any faults are set.
    fn redirect_round(&self, head: &http::request::Parts) -> Option<u64> {
        let round = head.uri.query()?.strip_prefix(REDIRECT_QUERY)?.parse().ok()?;
        self.faults.are_set().then_some(round)
    }
}

fn range_of(head: &http::request::Parts) -> Option<&str> {
    head.headers.get(header::RANGE)?.to_str().ok()
}

fn event(number: u64, connection: &Connection, head: &http::request::Parts) -> RequestEvent {
    RequestEvent {
        number,
        connection: connection.number,
        peer: connection.peer,
        protocol: format!("{:?}", head.version),
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        range: range_of(head).map(str::to_owned),
        status: None,
        bytes_sent: 0,
        duration: Duration::ZERO,
        fault: None,
        outcome: Outcome::Aborted,
    }
}

fn send(
    reply: Reply,
    head: &http::request::Parts,
    connection: &Connection,
    record: Record,
) -> Response<SendBody> {
    let Reply { status, mut headers, payload, delivery, .. } = reply;
    if status != StatusCode::NOT_MODIFIED {
        headers.insert(header::CONTENT_LENGTH, payload.len.into());
    }
    let body = if head.method == Method::HEAD {
        SendBody::empty(record)
    } else {
        let carrier = match head.version {
            Version::HTTP_2 | Version::HTTP_3 => Carrier::Http2,
            _ => Carrier::Http1,
        };
        SendBody::new(payload, delivery, carrier, Arc::clone(&connection.signals), record)
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
