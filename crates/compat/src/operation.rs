//! Work that begins at once, and a future for its result.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::Result;

/// The result of work that has begun: under any executor. Dropping it does not end the work.
pub struct Operation<T> {
    task: Option<blocking::Task<Result<T>>>,
}

impl<T: Send + 'static> Operation<T> {
    pub(crate) fn start(work: impl FnOnce() -> Result<T> + Send + 'static) -> Self {
        Self { task: Some(blocking::unblock(work)) }
    }
}

impl<T> Future for Operation<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.task.as_mut().map_or(Poll::Pending, |task| Pin::new(task).poll(context))
    }
}

impl<T> Drop for Operation<T> {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.detach();
        }
    }
}

impl<T> fmt::Debug for Operation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Operation")
    }
}
