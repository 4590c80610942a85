//! One tree of limits for everything that the service fetches: the device, its apps, their downloads.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use headstart_engine::{Class, EffectId};
use headstart_model::AppId;
use headstart_transfer::{Limit, Pace, Urgency};

/// The limits of this device. Apps share it evenly, and so do the downloads of an app, whatever each has to fetch.
#[derive(Debug, Default)]
pub struct Pacing {
    device: Limit,
    apps: Mutex<HashMap<AppId, Limit>>,
    /// The paces of effects that run, so that their class can change.
    effects: Mutex<HashMap<EffectId, Pace>>,
}

impl Pacing {
    /// The limit of all apps together.
    #[must_use]
    pub const fn device(&self) -> &Limit {
        &self.device
    }

    /// A pace for an effect of an app, which [`reclass`](Self::reclass) can change until [`end`](Self::end).
    pub(super) fn of_effect(&self, effect: EffectId, app: &AppId, urgency: Urgency) -> Pace {
        let pace = self.of_app(app, urgency);
        self.effects().insert(effect, pace.clone());
        pace
    }

    /// Gives a running effect another urgency, from the next byte on.
    pub(super) fn reclass(&self, effect: EffectId, class: Class) {
        if let Some(pace) = self.effects().get(&effect) {
            pace.set_urgency(urgency(class));
        }
    }

    /// Forgets the pace of an effect that has ended.
    pub(super) fn end(&self, effect: EffectId) {
        self.effects().remove(&effect);
    }

    fn effects(&self) -> std::sync::MutexGuard<'_, HashMap<EffectId, Pace>> {
        self.effects.lock().unwrap_or_else(PoisonError::into_inner)
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
