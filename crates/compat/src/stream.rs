//! Streams of events that somebody else fills.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use async_channel::{Receiver, Sender, bounded};
use futures_lite::StreamExt as _;
use futures_lite::future::{block_on, or};

use crate::error::{BackgroundAssetsError, Result};

/// Events that a stream holds at most. `Ours:` a capacity may be any number, and room is taken for
/// all of it at once.
const CAPACITY_MAX: usize = 1 << 16;

/// Events as they come. Holds as many as it was made for; when it is full, the oldest goes.
/// Dropping it unregisters whatever fills it.
pub struct EventStream<T> {
    events: Receiver<T>,
    unregister: Option<Box<dyn FnOnce() + Send + Sync>>,
}

/// What fills a stream.
pub(crate) struct Events<T> {
    sender: Sender<T>,
    receiver: Receiver<T>,
}

impl<T> Clone for Events<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), receiver: self.receiver.clone() }
    }
}

impl<T> Events<T> {
    /// A capacity of 0 is taken for 1.
    pub(crate) fn new(capacity: usize) -> Self {
        let (sender, receiver) = bounded(capacity.clamp(1, CAPACITY_MAX));
        Self { sender, receiver }
    }

    pub(crate) fn stream(&self, on_drop: impl FnOnce() + Send + Sync + 'static) -> EventStream<T> {
        EventStream { events: self.receiver.clone(), unregister: Some(Box::new(on_drop)) }
    }

    /// Of a stream that is closed nobody hears.
    pub(crate) fn push(&self, event: T) {
        drop(self.sender.force_send(event));
    }

    /// Nothing follows; what waits can still be taken.
    pub(crate) fn close(&self) {
        self.sender.close();
    }
}

impl<T> EventStream<T> {
    /// The next event; none when the stream is closed and empty.
    #[expect(clippy::manual_async_fn, reason = "the signature is given")]
    pub fn next(&self) -> impl Future<Output = Option<T>> + '_ {
        async { self.events.recv().await.ok() }
    }

    /// The next event, if one waits.
    pub fn try_next(&self) -> Option<T> {
        self.events.try_recv().ok()
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

impl<T> Drop for EventStream<T> {
    fn drop(&mut self) {
        if let Some(unregister) = self.unregister.take() {
            unregister();
        }
        self.events.close();
    }
}

impl<T> fmt::Debug for EventStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (closed, buffered) = (self.is_closed(), self.buffered_count());
        f.debug_struct("EventStream").field("closed", &closed).field("buffered", &buffered).finish()
    }
}

/// What a thread gives out of a source, until it is dropped.
pub(crate) struct Pump {
    _running: Sender<()>,
}

/// Has a thread give what `source` tells to `each`, until it ends; `events` ends with it.
pub(crate) fn pump<T: Send + 'static, E: Send + 'static>(
    mut source: headstart::Events<E>,
    events: &Events<T>,
    mut each: impl FnMut(E, &Events<T>) + Send + 'static,
) -> Result<Pump> {
    let (running, stopped) = bounded::<()>(1);
    let events = events.clone();
    let builder = std::thread::Builder::new().name("backgroundassets".to_owned());
    let thread = builder.spawn(move || {
        let stop = async || stopped.recv().await.ok().and(None);
        while let Some(Ok(event)) = block_on(or(source.next(), stop())) {
            each(event, &events);
        }
        events.close();
    });
    thread.map_err(|error| BackgroundAssetsError::bridge(error.to_string()))?;
    Ok(Pump { _running: running })
}

/// Who is registered in this process; there is one of each kind.
pub(crate) struct Slot(Mutex<Option<Registered>>);

/// A number, and what ends the registration.
type Registered = (u64, Box<dyn FnOnce() + Send>);

impl Slot {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Puts somebody in the place of whoever was there, who is ended by what it gave for that.
    pub(crate) fn install(&self, end: impl FnOnce() + Send + 'static) -> u64 {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let id = NUMBER.fetch_add(1, Ordering::Relaxed);
        self.replace(|_| true, Some((id, Box::new(end))));
        id
    }

    /// Ends that one, if it is still the one.
    pub(crate) fn remove(&self, id: u64) {
        self.replace(|held| held == id, None);
    }

    fn replace(&self, which: impl FnOnce(u64) -> bool, by: Option<Registered>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let former = held.take_if(|(held, _)| which(*held));
        if by.is_some() {
            *held = by;
        }
        drop(held);
        if let Some((_, end)) = former {
            end();
        }
    }
}
