//! Exclusive control.

#[cfg(not(feature = "v0_3"))]
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::SystemTime;

use super::DownloadManager;
#[cfg(not(feature = "v0_3"))]
use crate::error::BackgroundAssetsError;
#[cfg(feature = "v0_3")]
use crate::error::Result;
use crate::operation::Operation;

/// What `body` gave, once it has run with exclusive control.
#[cfg(not(feature = "v0_3"))]
pub type ExclusiveControlFuture<R> = Operation<R>;
/// Whether exclusive control was had.
#[cfg(feature = "v0_3")]
pub type ExclusiveControlFuture = Operation<bool>;

#[cfg(feature = "v0_3")]
impl DownloadManager {
    /// Whether exclusive control can be had; it is given back at once.
    ///
    /// # Errors
    /// When the service cannot be had.
    pub async fn with_exclusive_control(&self, before: Option<SystemTime>) -> Result<bool> {
        self.try_exclusive_control(before).await
    }

    pub(crate) fn try_exclusive_control(
        &self,
        before: Option<SystemTime>,
    ) -> ExclusiveControlFuture {
        let manager = self.inner.clone();
        Operation::start(move || match manager.exclusive_control(before) {
            Ok(control) => {
                control.release_blocking();
                Ok(true)
            }
            Err(error) if error.kind() == headstart::ErrorKind::Conflict => Ok(false),
            Err(error) => Err(error.into()),
        })
    }
}

#[cfg(not(feature = "v0_3"))]
impl DownloadManager {
    /// Runs `body` with exclusive control over the downloads of app and extension. It runs to its
    /// end even if the future is dropped; a panic in it is an error.
    pub fn with_exclusive_control<F, R>(
        &self,
        before: Option<SystemTime>,
        body: F,
    ) -> ExclusiveControlFuture<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let manager = self.inner.clone();
        Operation::start(move || {
            let control = manager.exclusive_control(before)?;
            let given = catch_unwind(AssertUnwindSafe(body));
            control.release_blocking();
            given.map_err(|_| BackgroundAssetsError::bridge("the body panicked"))
        })
    }
}
