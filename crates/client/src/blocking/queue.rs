//! The queue of downloads, waiting.

use headstart_model::protocol::downloads::{
    Change, DownloadExplanation, ExplainDownload, List, QueueAction, QueueEntry, QueuePage,
};

use crate::error::Error;
use crate::link::Caller;
use crate::run::Blocking;

/// Everything that is being downloaded: [`crate::queue::Queue`] for programs without an executor.
#[derive(Debug, Clone)]
pub struct Queue {
    caller: Caller,
}

impl Queue {
    pub(crate) const fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// Everything that is being downloaded for the app that the connector acts for, or for any;
    /// oldest first. `Spec: cli`, `downloads list`.
    ///
    /// # Errors
    /// Of kind `unavailable` when the service cannot be had.
    pub fn list(&self) -> Result<Vec<QueueEntry>, Error> {
        let mut entries = Vec::new();
        let mut after = None;
        loop {
            let call = List { app: self.caller.on_behalf_of(), after };
            let QueuePage { downloads, next } = self.caller.call(&call)?;
            entries.extend(downloads);
            // A page that does not lead on is the last, whatever it says.
            if next.is_none() || next <= after {
                return Ok(entries);
            }
            after = next;
        }
    }

    /// Does something about the download with this number or identifier. `Spec: cli`, `downloads`.
    ///
    /// # Errors
    /// Of kind `notFound` when there is none, `conflict` when it has concluded.
    pub fn change(&self, id: &str, action: QueueAction) -> Result<(), Error> {
        let app = self.caller.on_behalf_of();
        self.caller.call(&Change { id: id.to_owned(), app, action }).map(drop)
    }

    /// Why the download with this number or identifier is where it is, and when it will go on.
    ///
    /// # Errors
    /// Of kind `notFound` when there is none.
    pub fn explain(&self, id: &str) -> Result<DownloadExplanation, Error> {
        let app = self.caller.on_behalf_of();
        self.caller.call(&ExplainDownload { app, id: id.to_owned() })
    }
}

impl Blocking for Queue {
    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn with_caller(&self, caller: Caller) -> Self {
        Self { caller }
    }
}
