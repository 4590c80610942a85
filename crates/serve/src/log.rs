//! One event per request, delivered over a bounded channel.

use crate::fault::FaultKind;
use futures::Stream;
use serde::Serialize;
use std::{
    fmt,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::mpsc;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Outcome {
    /// The whole answer was handed to the connection.
    Complete,
    /// The connection or the stream ended first: the client left, a fault struck, the file could
    /// not be read on, or the server stopped.
    Aborted,
}

/// One request and what became of it. As JSON it is one object with `"event":"request"` and
/// fields in camel case. Spec: cli (`serve`: one line per request).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename = "request", rename_all = "camelCase")]
#[non_exhaustive]
pub struct RequestEvent {
    /// Which request of this server, from 1.
    pub number: u64,
    /// Which connection of this server, from 1.
    pub connection: u64,
    /// Who asked.
    pub peer: SocketAddr,
    /// `HTTP/1.1` or `HTTP/2.0`, as it was spoken.
    pub protocol: String,
    /// The method as sent.
    pub method: String,
    /// The path as sent, percent-encoding included, query excluded.
    pub path: String,
    /// The Range header as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// The status; nothing if the client left before the answer.
    pub status: Option<u16>,
    /// Bytes of the body that were handed to the connection. Some of them may not have reached the
    /// client if the answer was aborted.
    pub bytes_sent: u64,
    /// From the request's head to the end of the answer's body, in milliseconds.
    #[serde(rename = "durationMs", serialize_with = "milliseconds")]
    pub duration: Duration,
    /// The fault that was applied to the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultKind>,
    /// How it ended.
    pub outcome: Outcome,
}

fn milliseconds<S: serde::Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// One line for people. What the client sent is escaped: a path cannot forge lines or move the
/// cursor.
impl fmt::Display for RequestEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{status}")?,
            None => f.write_str("---")?,
        }
        write!(f, " {} {}", self.method.escape_debug(), self.path.escape_debug())?;
        if let Some(range) = &self.range {
            write!(f, " [{}]", range.escape_debug())?;
        }
        write!(f, " {} bytes {} ms", self.bytes_sent, self.duration.as_millis())?;
        if let Some(fault) = self.fault {
            write!(f, " fault={fault}")?;
        }
        match self.outcome {
            Outcome::Complete => Ok(()),
            Outcome::Aborted => f.write_str(" aborted"),
        }
    }
}

/// The events of a server, in the order in which answers ended. Ends when the server has ended.
///
/// If nobody reads, events beyond the channel's capacity are dropped and counted: serving never
/// waits for a reader.
#[derive(Debug)]
pub struct RequestLog {
    events: mpsc::Receiver<RequestEvent>,
    lost: Arc<AtomicU64>,
}

impl RequestLog {
    /// The next event; nothing once the server has ended. Cancel safe: no event is lost.
    pub async fn recv(&mut self) -> Option<RequestEvent> {
        self.events.recv().await
    }

    /// How many events were dropped so far because nobody read them in time.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Stream for RequestLog {
    type Item = RequestEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_recv(cx)
    }
}

/// The sending side.
#[derive(Debug, Clone)]
pub(crate) struct EventSender {
    events: mpsc::Sender<RequestEvent>,
    lost: Arc<AtomicU64>,
}

impl EventSender {
    pub(crate) fn send(&self, event: RequestEvent) {
        tracing::debug!(target: "headstart_serve::request", "{event}");
        // A reader who went away is no loss; one who is slow is.
        if let Err(mpsc::error::TrySendError::Full(_)) = self.events.try_send(event) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

pub(crate) fn channel(capacity: usize) -> (EventSender, RequestLog) {
    let (sender, receiver) = mpsc::channel(capacity.max(1));
    let lost = Arc::new(AtomicU64::new(0));
    let log = RequestLog { events: receiver, lost: Arc::clone(&lost) };
    (EventSender { events: sender, lost }, log)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: u64) -> RequestEvent {
        RequestEvent {
            number,
            connection: 1,
            peer: SocketAddr::from(([127, 0, 0, 1], 5)),
            protocol: "HTTP/1.1".to_owned(),
            method: "GET".to_owned(),
            path: "/a\u{1b}[2J".to_owned(),
            range: Some("bytes=0-9".to_owned()),
            status: Some(206),
            bytes_sent: 10,
            duration: Duration::from_millis(3),
            fault: Some(FaultKind::ChangeEtag),
            outcome: Outcome::Aborted,
        }
    }

    #[tokio::test]
    async fn unread_events_are_dropped_and_counted() {
        let (sender, mut log) = channel(2);
        for number in 1..=5 {
            sender.send(event(number));
        }
        drop(sender);
        assert_eq!(log.recv().await.unwrap().number, 1);
        assert_eq!(log.recv().await.unwrap().number, 2);
        assert_eq!(log.recv().await, None);
        assert_eq!(log.lost(), 3);
    }

    #[test]
    fn line_and_object_say_the_same() {
        assert_eq!(
            event(1).to_string(),
            "206 GET /a\\u{1b}[2J [bytes=0-9] 10 bytes 3 ms fault=change-etag aborted"
        );
        assert_eq!(
            serde_json::to_value(event(1)).unwrap(),
            serde_json::json!({
                "event": "request", "number": 1, "connection": 1, "peer": "127.0.0.1:5",
                "protocol": "HTTP/1.1", "method": "GET", "path": "/a\u{1b}[2J",
                "range": "bytes=0-9", "status": 206, "bytesSent": 10, "durationMs": 3,
                "fault": "change-etag", "outcome": "aborted",
            })
        );
    }
}
