//! Work that begins at once, and a future for its result.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::BackgroundAssetsError;

/// The result of work that has begun: under any executor. Dropping it does not end the work.
pub struct Operation<T> {
    task: Option<blocking::Task<Result<T, BackgroundAssetsError>>>,
}

impl<T: Send + 'static> Operation<T> {
    pub(crate) fn start(
        work: impl FnOnce() -> Result<T, BackgroundAssetsError> + Send + 'static,
    ) -> Self {
        Self { task: Some(blocking::unblock(work)) }
    }
}

impl<T> Future for Operation<T> {
    type Output = Result<T, BackgroundAssetsError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.task {
            Some(task) => Pin::new(task).poll(context),
            None => Poll::Pending,
        }
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
