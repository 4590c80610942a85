//! Work that begins at once, and a future for its result.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use headstart::recent::{Recent, Stream as _, channel};

use crate::error::{BackgroundAssetsError, Result};

/// The result of work that has begun: under any executor. Dropping it does not end the work, and a
/// panic in it is an error.
pub struct Operation<T>(Recent<Result<T>>);

impl<T: Send + 'static> Operation<T> {
    pub(crate) fn start(work: impl FnOnce() -> Result<T> + Send + 'static) -> Self {
        let (done, result) = channel(1);
        blocking::unblock(move || done.push(work())).detach();
        Self(result)
    }
}

impl<T> Future for Operation<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let panicked = || Err(BackgroundAssetsError::bridge("it panicked"));
        Pin::new(&mut self.0).poll_next(context).map(|given| given.unwrap_or_else(panicked))
    }
}

impl<T> fmt::Debug for Operation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Operation")
    }
}
