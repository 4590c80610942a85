//! `io.headstart.Device`: what the person at the device decides, and what a developer pretends. `Spec: cli`, `settings` and
//! `debug conditions`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::method::method;

/// Every setting.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

/// A setting. Its fields are those of `settings list`. `Spec: cli`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Its value if nobody had set it.
    pub default: String,
    /// What it decides.
    pub meaning: String,
}

/// What the service answers to [`Settings`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingList {
    /// The settings, by key.
    pub settings: Vec<Setting>,
}

method!(Settings, "io.headstart.Device.Settings", One, SettingList);

/// Sets a setting, durably and at once. `Debug` shows no value: that of a header is a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetSetting {
    /// Its name.
    pub key: String,
    /// Its value; none gives it its default again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl fmt::Debug for SetSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetSetting").field("key", &self.key).finish_non_exhaustive()
    }
}

method!(SetSetting, "io.headstart.Device.Set", One, Setting);

/// What the service takes the device to be like.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditions {}

/// A fact about the device. Its fields are those of `debug conditions`. `Spec: cli`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Its name.
    pub key: String,
    /// What the service takes it to be.
    pub value: String,
    /// What it really is.
    pub real: String,
}

/// What the service answers to [`Conditions`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionList {
    /// The facts, by key.
    pub conditions: Vec<Condition>,
}

method!(Conditions, "io.headstart.Device.Conditions", One, ConditionList);

/// Pretends that the device were different, until the service ends or somebody resets it; for development.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pretend {
    /// What to pretend, by the names of [`Conditions`]. Nothing ends every pretence.
    #[serde(default)]
    pub conditions: BTreeMap<String, String>,
}

method!(Pretend, "io.headstart.Device.Pretend", One, ConditionList);
