//! The service itself: for programs that administrate.

pub use headstart_model::protocol::service::ServiceStatus;

use crate::blocking;
use crate::error::Error;
use crate::run::run;

/// What stopping the service did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It ran, and is gone.
    Now,
    /// None ran.
    WasNotRunning,
}

/// The service of a home. Obtained from [`Connector::service`](crate::Connector::service).
///
/// # Cancel safety
/// Dropping the future of any method ends the wait, not what it began.
#[derive(Debug, Clone)]
pub struct Service {
    inner: blocking::Service,
}

impl Service {
    pub(crate) const fn new(inner: blocking::Service) -> Self {
        Self { inner }
    }

    /// How the service is; none when none runs. Starts none.
    ///
    /// # Errors
    /// As [`blocking::Service::status`].
    pub async fn status(&self) -> Result<Option<ServiceStatus>, Error> {
        run(&self.inner, |service| service.status()).await
    }

    /// Starts the service unless it runs, and waits until it listens.
    ///
    /// # Errors
    /// As [`blocking::Service::start`].
    pub async fn start(&self) -> Result<ServiceStatus, Error> {
        run(&self.inner, |service| service.start()).await
    }

    /// Stops the service and waits until it is gone.
    ///
    /// # Errors
    /// As [`blocking::Service::stop`].
    pub async fn stop(&self) -> Result<Stopped, Error> {
        run(&self.inner, |service| service.stop()).await
    }
}
