//! The newest of what happens, for a program that looks when it suits: a game at each frame, a
//! window when it is drawn.
//!
//! *Ours:* what waits for a program is bounded. Where events of a call are too many, the service says
//! how many were lost; here the oldest goes, and what a program finds is the newest.
//!
//! ```no_run
//! # fn play(packs: &headstart::blocking::AssetPackManager) -> Result<(), headstart::Error> {
//! let (recorder, updates) = headstart::recent::channel(16);
//! let listening = packs.listen(None, move |update| recorder.push(update))?;
//! // The listening ends with what it fills.
//! let updates = updates.keep(listening);
//! // At each frame:
//! while let Some(update) = updates.try_next() {
//!     println!("{update:?}");
//! }
//! # Ok(()) }
//! ```

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use async_channel::{Receiver, Sender};
/// What the [recent](Recent) events are to whoever polls them.
pub use futures_lite::Stream;

/// Events that are held at most, whatever capacity was asked for. Room is taken for all of them at
/// once.
pub const CAPACITY_MAX: usize = 1 << 16;

/// Puts events among the [recent](Recent) ones, which are closed when the last clone of this is
/// dropped.
#[derive(Clone)]
pub struct Recorder<E> {
    events: Sender<E>,
}

/// The newest events, oldest first. Takes part in nothing: who fills it never waits.
///
/// Dropping it closes it, and drops what it [keeps](Self::keep).
#[must_use = "dropping it closes it"]
pub struct Recent<E> {
    events: Pin<Box<Receiver<E>>>,
    kept: Kept,
}

/// What is dropped when the events are closed; none from then on.
type Kept = Arc<Mutex<Option<Vec<Box<dyn Send>>>>>;

/// Events that somebody records, of which the newest `capacity` are held: 1 at least, and
/// [`CAPACITY_MAX`] at most.
pub fn channel<E>(capacity: usize) -> (Recorder<E>, Recent<E>) {
    let (sender, receiver) = async_channel::bounded(capacity.clamp(1, CAPACITY_MAX));
    let recent =
        Recent { events: Box::pin(receiver), kept: Arc::new(Mutex::new(Some(Vec::new()))) };
    (Recorder { events: sender }, recent)
}

impl<E> Recorder<E> {
    /// Puts an event among the recent ones; the oldest goes when there are too many. Of events that
    /// are closed nobody hears.
    pub fn push(&self, event: E) {
        drop(self.events.force_send(event));
    }
}

/// [Pushes](Recorder::push) each.
impl<E> Extend<E> for Recorder<E> {
    fn extend<I: IntoIterator<Item = E>>(&mut self, events: I) {
        events.into_iter().for_each(|event| self.push(event));
    }
}

impl<E> Recent<E> {
    /// The next event, as soon as there is one; none when these are closed and empty. Under any
    /// executor.
    pub async fn next(&self) -> Option<E> {
        self.events.recv().await.ok()
    }

    /// The next event, if there is one.
    #[must_use]
    pub fn try_next(&self) -> Option<E> {
        self.events.try_recv().ok()
    }

    /// Whether nothing follows but what is there.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.events.is_closed()
    }

    /// Events that are there.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether no event is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Keeps `hold` until these are closed: whatever is registered for as long as it is kept, such as
    /// a [`Listening`](crate::Listening) or a [`DelegateRegistration`](crate::DelegateRegistration).
    /// Dropped at once if they are closed already.
    pub fn keep(self, hold: impl Send + 'static) -> Self {
        let mut hold: Option<Box<dyn Send>> = Some(Box::new(hold));
        if let Some(kept) = &mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner) {
            kept.extend(hold.take());
        }
        // Whatever it does when it is dropped, it does without the lock.
        drop(hold);
        self
    }
}

/// What is kept goes first: it may be what fills the events.
fn close<E>(events: &Receiver<E>, kept: &Kept) {
    let kept = kept.lock().unwrap_or_else(PoisonError::into_inner).take();
    drop(kept);
    events.close();
}

impl<E> Drop for Recent<E> {
    fn drop(&mut self) {
        close(&self.events, &self.kept);
        // A recorder may still know them, and nobody reads them any more.
        while self.events.try_recv().is_ok() {}
    }
}

impl<E> Stream for Recent<E> {
    type Item = E;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<E>> {
        self.events.as_mut().poll_next(context)
    }
}

impl<E> fmt::Debug for Recent<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (closed, events) = (self.is_closed(), self.len());
        f.debug_struct("Recent").field("closed", &closed).field("events", &events).finish()
    }
}

impl<E> fmt::Debug for Recorder<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}

/// A place that one has at a time, for parts of a program that know nothing of each other: who comes
/// later closes the [recent](Recent) events of who was there.
///
/// ```
/// use headstart::recent::{self, Place};
///
/// static LISTENER: Place = Place::new();
///
/// let (_recorder, first) = recent::channel::<u8>(8);
/// let first = LISTENER.give(first);
/// let (_recorder, second) = recent::channel::<u8>(8);
/// let second = LISTENER.give(second);
/// assert!(first.is_closed() && !second.is_closed());
/// ```
#[derive(Default)]
pub struct Place(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Place {
    /// A place that nobody has.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Gives the place to these events, and closes those that had it: what they
    /// [kept](Recent::keep) is dropped, and what they have can still be taken.
    pub fn give<E: Send + 'static>(&self, events: Recent<E>) -> Recent<E> {
        // Weak: events that were dropped have closed themselves, and their room is free.
        let (receiver, kept) = (events.events.downgrade(), Arc::downgrade(&events.kept));
        let end: Box<dyn FnOnce() + Send> = Box::new(move || {
            if let (Some(receiver), Some(kept)) = (receiver.upgrade(), kept.upgrade()) {
                close(&receiver, &kept);
            }
        });
        let former = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(end);
        if let Some(end_former) = former {
            end_former();
        }
        events
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}
