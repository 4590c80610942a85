//! Streams of events that somebody else fills.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_channel::{Receiver, Sender, bounded};

/// Events that a stream holds at most. `Ours:` a capacity may be any number, and room is taken for
/// all of it at once.
const CAPACITY_MAX: usize = 1 << 16;

/// Events as they come. Holds as many as it was made for; when it is full, the oldest goes.
/// Dropping it unregisters whatever fills it.
pub struct EventStream<T> {
    events: Receiver<T>,
    unregister: Option<Box<dyn FnOnce() + Send + Sync>>,
}

/// What fills a stream, which is closed when the last of these is dropped.
#[derive(Clone)]
pub(crate) struct Events<T> {
    sender: Sender<T>,
    receiver: Receiver<T>,
}

impl<T> Events<T> {
    /// A capacity of 0 is taken for 1.
    pub(crate) fn new(capacity: usize) -> Self {
        let (sender, receiver) = bounded(capacity.clamp(1, CAPACITY_MAX));
        Self { sender, receiver }
    }

    /// The stream, which does this when it is dropped.
    pub(crate) fn stream(&self, on_drop: impl FnOnce() + Send + Sync + 'static) -> EventStream<T> {
        EventStream { events: self.receiver.clone(), unregister: Some(Box::new(on_drop)) }
    }

    /// Of a stream that is closed nobody hears.
    pub(crate) fn push(&self, event: T) {
        drop(self.sender.force_send(event));
    }

    /// The stream, registered in the place of whoever was there, until either is dropped. What fills
    /// it is dropped then.
    pub(crate) fn register<F: Send + 'static>(self, slot: &Slot, filling: F) -> EventStream<T>
    where
        T: Send + 'static,
    {
        let closing = self.receiver.clone();
        let registration = Registration::install(slot, move || {
            drop(filling);
            closing.close();
        });
        self.stream(move || registration.end())
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

/// Who is registered in this process; there is one of each kind.
pub(crate) type Slot = Mutex<Option<Arc<Registration>>>;

/// What ends a registration, once.
pub(crate) struct Registration(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Registration {
    /// Takes the place of whoever was there, who is ended.
    pub(crate) fn install(slot: &Slot, end: impl FnOnce() + Send + 'static) -> Arc<Self> {
        let installed = Arc::new(Self(Mutex::new(Some(Box::new(end)))));
        let former = lock(slot).replace(Arc::clone(&installed));
        if let Some(former) = former {
            former.end();
        }
        installed
    }

    pub(crate) fn end(&self) {
        let end = lock(&self.0).take();
        if let Some(end) = end {
            end();
        }
    }
}

/// What a handler's panic leaves behind is the handler's business.
pub(crate) fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
