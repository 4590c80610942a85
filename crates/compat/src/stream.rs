//! Streams of events that somebody else fills.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use futures_lite::StreamExt as _;
use futures_lite::future::{block_on, or};

use crate::error::BackgroundAssetsError;

/// Events as they come. Holds as many as it was made for; when it is full, the oldest goes.
/// Dropping it unregisters whatever fills it.
pub struct EventStream<T> {
    events: Events<T>,
    on_drop: Option<Box<dyn FnOnce() + Send + Sync>>,
}

/// What fills a stream.
pub(crate) struct Events<T> {
    state: Arc<Mutex<State<T>>>,
}

struct State<T> {
    waiting: VecDeque<T>,
    capacity: usize,
    closed: bool,
    wakers: Vec<Waker>,
}

impl<T> Clone for Events<T> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state) }
    }
}

impl<T> Events<T> {
    /// A capacity of 0 is taken for 1.
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            capacity: capacity.max(1),
            closed: false,
            wakers: Vec::new(),
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    pub(crate) fn stream(&self, on_drop: impl FnOnce() + Send + Sync + 'static) -> EventStream<T> {
        EventStream { events: self.clone(), on_drop: Some(Box::new(on_drop)) }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, event: T) {
        let mut state = self.state();
        if state.closed {
            return;
        }
        if state.waiting.len() == state.capacity {
            state.waiting.pop_front();
        }
        state.waiting.push_back(event);
        wake(state);
    }

    /// Nothing follows; what waits can still be taken.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        wake(state);
    }

    fn closed(&self) -> impl Future<Output = ()> + '_ {
        poll_fn(|context| {
            let mut state = self.state();
            if state.closed {
                return Poll::Ready(());
            }
            state.wakers.push(context.waker().clone());
            Poll::Pending
        })
    }
}

fn wake<T>(mut state: MutexGuard<'_, State<T>>) {
    let wakers = std::mem::take(&mut state.wakers);
    drop(state);
    wakers.into_iter().for_each(Waker::wake);
}

impl<T> EventStream<T> {
    /// The next event; none when the stream is closed and empty.
    pub fn next(&self) -> impl Future<Output = Option<T>> + '_ {
        poll_fn(|context| {
            let mut state = self.events.state();
            match state.waiting.pop_front() {
                Some(event) => Poll::Ready(Some(event)),
                None if state.closed => Poll::Ready(None),
                None => {
                    state.wakers.push(context.waker().clone());
                    Poll::Pending
                }
            }
        })
    }

    /// The next event, if one waits.
    #[must_use]
    pub fn try_next(&self) -> Option<T> {
        self.events.state().waiting.pop_front()
    }

    /// Whether nothing follows but what waits.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.events.state().closed
    }

    /// Events that wait.
    #[must_use]
    pub fn buffered_count(&self) -> usize {
        self.events.state().waiting.len()
    }
}

impl<T> Drop for EventStream<T> {
    fn drop(&mut self) {
        if let Some(unregister) = self.on_drop.take() {
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

/// Has a thread give what `source` tells to `each`, until either ends or `events` is closed.
pub(crate) fn pump<T: Send + 'static, E: Send + 'static>(
    mut source: headstart::Events<E>,
    events: &Events<T>,
    mut each: impl FnMut(E, &Events<T>) + Send + 'static,
) -> Result<(), BackgroundAssetsError> {
    let events = events.clone();
    let builder = std::thread::Builder::new().name("backgroundassets".to_owned());
    let thread = builder.spawn(move || {
        block_on(async {
            let next = async |source: &mut headstart::Events<E>| {
                or(source.next(), async {
                    events.closed().await;
                    None
                })
                .await
            };
            while let Some(Ok(event)) = next(&mut source).await {
                each(event, &events);
            }
        });
        events.close();
    });
    thread.map(drop).map_err(|error| BackgroundAssetsError::bridge(error.to_string()))
}

/// Who is registered in this process; there is one of each kind.
pub(crate) struct Slot {
    held: Mutex<Option<Registered>>,
}

/// A number, and what ends the registration.
type Registered = (u64, Box<dyn FnOnce() + Send>);

impl Slot {
    pub(crate) const fn new() -> Self {
        Self { held: Mutex::new(None) }
    }

    /// Puts somebody in the place of whoever was there, who is ended by what it gave for that.
    pub(crate) fn install(&self, end: impl FnOnce() + Send + 'static) -> u64 {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let id = held.as_ref().map_or(0, |(id, _)| id + 1);
        let former = held.replace((id, Box::new(end)));
        drop(held);
        if let Some((_, end)) = former {
            end();
        }
        id
    }

    /// Ends that one, if it is still the one.
    pub(crate) fn remove(&self, id: u64) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let is_mine = held.as_ref().is_some_and(|(held, _)| *held == id);
        let former = if is_mine { held.take() } else { None };
        drop(held);
        if let Some((_, end)) = former {
            end();
        }
    }
}
