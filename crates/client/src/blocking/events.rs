//! Events of a call, as an iterator.

use std::fmt;

use crate::error::Error;

/// Events of a call, each waited for. Ends after the first error.
///
/// Dropping it ends the call; what the service has accepted goes on.
pub struct Events<E> {
    events: Box<dyn Iterator<Item = Result<E, Error>> + Send>,
}

impl<E> Events<E> {
    pub(crate) fn new(events: impl Iterator<Item = Result<E, Error>> + Send + 'static) -> Self {
        Self { events: Box::new(events) }
    }
}

impl<E> Iterator for Events<E> {
    type Item = Result<E, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.events.next()
    }
}

impl<E> fmt::Debug for Events<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
