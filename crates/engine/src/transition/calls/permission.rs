//! Whether an extension may run. `Spec: concepts 9, 10`.

use headstart_model::{AppId, ErrorKind, Failure};

use crate::backoff::BACKOFF_MAX_MS;
use crate::reason::{Fact, Reason};
use crate::record::{App, Switch, budget_ms};
use crate::state::State;
use crate::time::WallTime;

/// Whether an extension may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Permission {
    /// It may, for this long.
    Granted {
        /// Milliseconds left of its day.
        budget_ms: u64,
    },
    /// It may not.
    Denied(Reason),
}

/// Run time that the extension of an app has used in the present day, and what it may use, in milliseconds.
pub(crate) fn budget(app: &App, now: WallTime) -> (u64, u64) {
    (app.extension.budget.used_ms(now), budget_ms(&app.usage, app.first_launch, now))
}

/// Whether the extension of `app` may run now.
pub(crate) fn permission(state: &State, app: &AppId, now: WallTime) -> Permission {
    let Some(record) = state.records.app(app).filter(|record| record.bundle.extension) else {
        return Permission::Denied(Reason::new(Fact::Untold));
    };
    let denied = |fact| Permission::Denied(Reason::new(fact));
    let (settings, facts) = (&state.records.settings, &state.live.facts);
    if settings.is_background_off(app) {
        return denied(Fact::BackgroundOff);
    }
    if facts.is_low_power() {
        return Permission::Denied(Reason::new(Fact::LowPower).since(facts.power.since));
    }
    if settings.in_app_content == Switch::Off && record.first_launch.is_none() {
        return denied(Fact::InAppContentOff);
    }
    let extension = &record.extension;
    if let Some((at, failure)) = extension.retry_at.zip(extension.failure.clone())
        && at > now
        // A clock that was set back must not keep it waiting for longer than any back-off.
        && now.ms_until(at) <= BACKOFF_MAX_MS
    {
        let fact = Fact::ExtensionFailed { attempts: extension.attempts, failure };
        return Permission::Denied(Reason::new(fact).until(at));
    }
    let (used_ms, allowed_ms) = budget(record, now);
    if used_ms >= allowed_ms {
        let fact = Fact::ExtensionBudget { used_ms, allowed_ms };
        return Permission::Denied(Reason::new(fact).until(extension.budget.renewal()));
    }
    Permission::Granted { budget_ms: allowed_ms - used_ms }
}

/// Why an extension was not asked, for whoever wanted it to be.
pub(crate) fn failure(app: &AppId, reason: &Reason) -> Failure {
    let message = format!("the extension of app `{app}` was not asked: {}", reason.fact);
    Failure::new(ErrorKind::Refused, "extensionNotAsked", message).with_hint(
        "`headstart settings list` and `headstart debug conditions show` tell what holds it back",
    )
}
