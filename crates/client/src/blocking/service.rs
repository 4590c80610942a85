//! The service itself, waiting.

use headstart_model::protocol::service::{ServiceStatus, Status, Stop};

use crate::error::Error;
use crate::link::Caller;
use crate::run::Blocking;
use crate::service::Stopped;

/// The service of a home: [`crate::service::Service`] for programs without an executor.
#[derive(Debug, Clone)]
pub struct Service {
    caller: Caller,
}

impl Service {
    pub(crate) const fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// How the service is; none when none runs. Starts none.
    ///
    /// # Errors
    /// Of kind `unavailable` when something listens and does not answer, `conflict` when it has
    /// another home.
    pub fn status(&self) -> Result<Option<ServiceStatus>, Error> {
        let reply = self.caller.call_if_running(&Status {})?;
        Ok(reply.map(|(_, status)| status))
    }

    /// Starts the service unless it runs, and waits until it listens.
    ///
    /// # Errors
    /// `serviceNotInstalled` when its program cannot be found, `serviceStartFailed` when it ends or
    /// does not listen in time; `serviceNotRunning` when starting is forbidden and none runs.
    pub fn start(&self) -> Result<ServiceStatus, Error> {
        self.caller.call(&Status {})
    }

    /// Stops the service and waits until it is gone.
    ///
    /// # Errors
    /// As [`status`](Self::status).
    pub fn stop(&self) -> Result<Stopped, Error> {
        match self.caller.call_if_running(&Stop {})? {
            None => Ok(Stopped::WasNotRunning),
            Some((connection, _)) => {
                connection.wait_for_end();
                Ok(Stopped::Now)
            }
        }
    }
}

impl Blocking for Service {
    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn with_caller(&self, caller: Caller) -> Self {
        Self { caller }
    }
}
