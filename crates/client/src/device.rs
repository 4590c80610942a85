//! What the person at the device decides, and what a developer pretends: for programs that
//! administrate.

use std::collections::BTreeMap;

pub use headstart_model::protocol::device::{Condition, Setting};

use crate::error::Error;
use crate::run::run;
use crate::{Connector, blocking};

/// Settings and conditions of the device. Obtained from [`Connector::device`].
///
/// # Cancel safety
/// Dropping a future ends the wait. What the service has accepted by then is done.
#[derive(Debug, Clone)]
pub struct Device {
    inner: blocking::Device,
}

impl Connector {
    /// Settings and conditions of the device. Does not connect yet.
    ///
    /// # Errors
    /// Of kind `usage` when the home or the app's id cannot be used.
    pub fn device(&self) -> Result<Device, Error> {
        Ok(Device { inner: self.device_blocking()? })
    }

    /// As [`device`](Self::device), for calls that wait.
    ///
    /// # Errors
    /// As [`device`](Self::device).
    pub fn device_blocking(&self) -> Result<blocking::Device, Error> {
        Ok(blocking::Device::new(self.caller()?))
    }
}

impl Device {
    /// Every setting, by key. `Spec: cli`, `settings list`.
    ///
    /// # Errors
    /// As [`blocking::Device::settings`].
    pub async fn settings(&self) -> Result<Vec<Setting>, Error> {
        run(&self.inner, |device| device.settings()).await
    }

    /// Sets a setting, durably and at once; without a value it gets its default again. Tells how it
    /// is then.
    ///
    /// # Errors
    /// As [`blocking::Device::set`].
    pub async fn set(&self, key: &str, value: Option<&str>) -> Result<Setting, Error> {
        let (key, value) = (key.to_owned(), value.map(str::to_owned));
        run(&self.inner, move |device| device.set(&key, value.as_deref())).await
    }

    /// What the service takes the device to be like, by key. `Spec: cli`, `debug conditions`.
    ///
    /// # Errors
    /// As [`blocking::Device::conditions`].
    pub async fn conditions(&self) -> Result<Vec<Condition>, Error> {
        run(&self.inner, |device| device.conditions()).await
    }

    /// Pretends that the device were different, until the service ends; nothing ends every
    /// pretence. For development. Tells what the service takes the device to be like then.
    ///
    /// # Errors
    /// As [`blocking::Device::pretend`].
    pub async fn pretend(
        &self,
        conditions: BTreeMap<String, String>,
    ) -> Result<Vec<Condition>, Error> {
        run(&self.inner, move |device| device.pretend(conditions)).await
    }
}
