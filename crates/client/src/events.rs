//! Streams of events for futures.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::blocking::Unblock;
use futures_lite::Stream;

use crate::blocking;
use crate::error::Error;
use crate::interrupt::{Interrupt, OnDrop};
use crate::run::Blocking;

/// Events read ahead of the consumer. `Ours:` beyond that the service is left to notice that this
/// program is slow.
const READ_AHEAD: usize = 64;

/// Events of a call, as a stream: what [`blocking::Events`] is for programs without an executor.
/// Ends after the first error.
///
/// Dropping it ends the call; what the service has accepted goes on.
pub struct Events<E: Send + 'static> {
    events: Unblock<blocking::Events<E>>,
    _end: OnDrop,
}

impl<E: Send + 'static> Events<E> {
    /// Begins the call of `start`.
    pub(crate) async fn start<B: Blocking>(
        on: &B,
        start: impl FnOnce(B) -> Result<blocking::Events<E>, Error> + Send + 'static,
    ) -> Result<Self, Error> {
        let interrupt = Interrupt::default();
        let end = interrupt.on_drop();
        let on = on.with_caller(on.caller().with(interrupt));
        let events = ::blocking::unblock(move || start(on)).await?;
        Ok(Self { events: Unblock::with_capacity(READ_AHEAD, events), _end: end })
    }
}

impl<E: Send + 'static> Stream for Events<E> {
    type Item = Result<E, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.events).poll_next(context)
    }
}

impl<E: Send + 'static> fmt::Debug for Events<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
