//! What the person at the device has decided. `Spec: concepts 9` and `Spec: cli`, `settings`.

use std::collections::BTreeSet;

use headstart_model::AppId;
use serde::{Deserialize, Serialize};

/// Whether something may happen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Switch {
    /// It may.
    #[default]
    On,
    /// It may not.
    Off,
}

/// The settings of the device; what the engine has to know of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// In-app content: off means that before the first launch nothing is begun for an app and its extension does not run.
    /// What is on record already goes on.
    pub in_app_content: Switch,
    /// Background activity: off means that extensions do not run, nothing new is scheduled, and what nobody waits for waits.
    pub background_activity: Switch,
    /// Apps whose background activity is off.
    pub apps_without_background: BTreeSet<AppId>,
    /// Bytes a second that all transfers together may take; none when nothing limits them.
    pub bytes_per_second: Option<u64>,
    /// Transfers that may run at once; none for the device's own choice.
    pub transfers_max: Option<u32>,
}

/// A setting and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// [`Settings::in_app_content`].
    InAppContent(Switch),
    /// [`Settings::background_activity`], or of one app alone.
    BackgroundActivity(Option<AppId>, Switch),
    /// [`Settings::bytes_per_second`].
    BytesPerSecond(Option<u64>),
    /// [`Settings::transfers_max`].
    TransfersMax(Option<u32>),
}

impl Settings {
    /// Sets one.
    pub(crate) fn set(&mut self, setting: Setting) {
        match setting {
            Setting::InAppContent(switch) => self.in_app_content = switch,
            Setting::BackgroundActivity(None, switch) => self.background_activity = switch,
            Setting::BackgroundActivity(Some(app), Switch::Off) => {
                self.apps_without_background.insert(app);
            }
            Setting::BackgroundActivity(Some(app), Switch::On) => {
                self.apps_without_background.remove(&app);
            }
            Setting::BytesPerSecond(rate) => self.bytes_per_second = rate,
            Setting::TransfersMax(transfers) => self.transfers_max = transfers,
        }
    }

    /// Whether background activity is off for `app`: for all apps, or for this one.
    #[must_use]
    pub fn is_background_off(&self, app: &AppId) -> bool {
        self.background_activity == Switch::Off || self.apps_without_background.contains(app)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn background_is_off_for_all_or_for_one() {
        let app = |id: &str| AppId::new(id).expect("a good id");
        let mut settings = Settings::default();
        assert!(!settings.is_background_off(&app("a")));
        settings.set(Setting::BackgroundActivity(Some(app("a")), Switch::Off));
        assert!(settings.is_background_off(&app("a")) && !settings.is_background_off(&app("b")));
        settings.set(Setting::BackgroundActivity(Some(app("a")), Switch::On));
        settings.set(Setting::BackgroundActivity(None, Switch::Off));
        assert!(settings.is_background_off(&app("a")) && settings.is_background_off(&app("b")));
    }

    #[test]
    fn settings_of_an_earlier_program_have_their_defaults() {
        let read: Settings = serde_json::from_str("{}").expect("all of it has a default");
        assert_eq!(read, Settings::default());
    }
}
