//! Streams of events that somebody else fills.

use std::fmt;
use std::future::Future;

use headstart::extension::ServingThread;
use headstart::recent::Recent;

/// Events as they come. Holds as many as it was made for; when it is full, the oldest goes.
/// Dropping it unregisters whatever fills it.
pub struct EventStream<T> {
    /// Goes first: this waits until the service is done.
    _serving: Option<ServingThread>,
    events: Recent<T>,
}

impl<T> EventStream<T> {
    pub(crate) const fn new(events: Recent<T>, serving: Option<ServingThread>) -> Self {
        Self { _serving: serving, events }
    }

    /// The next event; none when the stream is closed and empty.
    pub fn next(&self) -> impl Future<Output = Option<T>> + '_ {
        self.events.next()
    }

    /// The next event, if one waits.
    pub fn try_next(&self) -> Option<T> {
        self.events.try_next()
    }

    /// Whether nothing follows but what waits.
    pub fn is_closed(&self) -> bool {
        self.events.is_closed()
    }

    /// Events that wait.
    pub fn buffered_count(&self) -> usize {
        self.events.len()
    }
}

impl<T> fmt::Debug for EventStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.events.fmt(f)
    }
}
