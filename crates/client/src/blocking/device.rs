//! What the person at the device decides, waiting.

use std::collections::BTreeMap;

use headstart_model::protocol::device::{
    Condition, Conditions, Pretend, SetSetting, Setting, Settings,
};

use crate::error::Error;
use crate::link::Caller;
use crate::run::Blocking;

/// Settings and conditions of the device: [`crate::device::Device`] for programs without an
/// executor.
#[derive(Debug, Clone)]
pub struct Device {
    caller: Caller,
}

impl Device {
    pub(crate) const fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// Every setting, by key. `Spec: cli`, `settings list`.
    ///
    /// # Errors
    /// Of kind `unavailable` when the service cannot be had.
    pub fn settings(&self) -> Result<Vec<Setting>, Error> {
        self.caller.call(&Settings {}).map(|list| list.settings)
    }

    /// Sets a setting, durably and at once; without a value it gets its default again. Tells how it
    /// is then.
    ///
    /// # Errors
    /// Of kind `notFound` when there is no such setting, `usage` when it cannot have the value.
    pub fn set(&self, key: &str, value: Option<&str>) -> Result<Setting, Error> {
        let value = value.map(str::to_owned);
        self.caller.call(&SetSetting { key: key.to_owned(), value })
    }

    /// What the service takes the device to be like, by key. `Spec: cli`, `debug conditions`.
    ///
    /// # Errors
    /// As [`settings`](Self::settings).
    pub fn conditions(&self) -> Result<Vec<Condition>, Error> {
        self.caller.call(&Conditions {}).map(|list| list.conditions)
    }

    /// Pretends that the device were different, until the service ends; nothing ends every
    /// pretence. For development. Tells what the service takes the device to be like then.
    ///
    /// # Errors
    /// Of kind `notFound` when there is no such condition, `usage` when it cannot have the value.
    pub fn pretend(&self, conditions: BTreeMap<String, String>) -> Result<Vec<Condition>, Error> {
        self.caller.call(&Pretend { conditions }).map(|list| list.conditions)
    }
}

impl Blocking for Device {
    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn with_caller(&self, caller: Caller) -> Self {
        Self { caller }
    }
}
