//! One tree of limits for everything that the service fetches: the device, its apps, their downloads.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use headstart_engine::Class;
use headstart_model::AppId;
use headstart_transfer::{Limit, Pace, Urgency};

/// The limits of this device. Apps share it evenly, and so do the downloads of an app, whatever each has to fetch.
#[derive(Debug, Default)]
pub struct Pacing {
    device: Limit,
    apps: Mutex<HashMap<AppId, Limit>>,
}

impl Pacing {
    /// The limit of all apps together.
    #[must_use]
    pub const fn device(&self) -> &Limit {
        &self.device
    }

    /// A pace for one more download of an app.
    pub(super) fn of_app(&self, app: &AppId, urgency: Urgency) -> Pace {
        let mut apps = self.apps.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = apps.entry(app.clone()).or_insert_with(|| self.device.child());
        Pace::new(limit.child(), urgency)
    }
}

/// Whether a download gives way: all do that nobody waits for. `Ours:` an update must not make a
/// game lag.
pub(super) const fn urgency(class: Class) -> Urgency {
    match class {
        Class::Essential | Class::Foreground => Urgency::Foreground,
        Class::Nonessential | Class::Upkeep => Urgency::Background,
    }
}
