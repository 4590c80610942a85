//! The queue of downloads, as the person at the device sees it: for programs that administrate.

pub use headstart_model::download::{DownloadPriority, DownloadStatus};
pub use headstart_model::protocol::downloads::{
    DownloadExplanation, QueueAction, QueueEntry, QueueSubject,
};

use crate::error::Error;
use crate::run::run;
use crate::{Connector, blocking};

/// Everything that is being downloaded, for the app that the connector acts for or for any.
/// Obtained from [`Connector::queue`].
///
/// # Cancel safety
/// Dropping a future ends the wait. What the service has accepted by then goes on.
#[derive(Debug, Clone)]
pub struct Queue {
    inner: blocking::Queue,
}

impl Connector {
    /// The queue of downloads, for programs that administrate. Does not connect yet.
    ///
    /// # Errors
    /// Of kind `usage` when the home or the app's id cannot be used.
    pub fn queue(&self) -> Result<Queue, Error> {
        Ok(Queue { inner: self.queue_blocking()? })
    }

    /// As [`queue`](Self::queue), for calls that wait.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    pub fn queue_blocking(&self) -> Result<blocking::Queue, Error> {
        Ok(blocking::Queue::new(self.caller()?))
    }
}

impl Queue {
    /// Everything that is being downloaded, oldest first. `Spec: cli`, `downloads list`.
    ///
    /// # Errors
    /// As [`blocking::Queue::list`].
    pub async fn list(&self) -> Result<Vec<QueueEntry>, Error> {
        run(&self.inner, |queue| queue.list()).await
    }

    /// Does something about the download with this number or identifier. `Spec: cli`, `downloads`.
    ///
    /// # Errors
    /// As [`blocking::Queue::change`].
    pub async fn change(&self, id: &str, action: QueueAction) -> Result<(), Error> {
        let id = id.to_owned();
        run(&self.inner, move |queue| queue.change(&id, action)).await
    }

    /// Why the download with this number or identifier is where it is, and when it will go on.
    ///
    /// # Errors
    /// As [`blocking::Queue::explain`].
    pub async fn explain(&self, id: &str) -> Result<DownloadExplanation, Error> {
        let id = id.to_owned();
        run(&self.inner, move |queue| queue.explain(&id)).await
    }
}
