//! The downloader extension of an app, as people see it.

use headstart_model::protocol::extension::AppExtensionInfo;
use headstart_model::{AppId, Failure};

use crate::allowance;
use crate::reason::Reason;
use crate::state::State;
use crate::time::Now;
use crate::transition::calls::{Permission, budget, permission};

/// What an app's extension may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionView {
    /// Run time used within the present day, in milliseconds.
    pub used_ms: u64,
    /// Run time that it may use in a day, in milliseconds.
    pub allowed_ms: u64,
    /// Why it is not asked anything at present.
    pub held_back: Option<Reason>,
    /// Why its last answer was none.
    pub failure: Option<Failure>,
    /// What limits the app until its first launch.
    pub info: AppExtensionInfo,
}

/// What the extension of `app` may do; none when the app is not installed. One without an extension has nothing to use.
#[must_use]
pub fn extension(state: &State, app: &AppId, now: Now) -> Option<ExtensionView> {
    let record = state.records.app(app)?;
    let (used_ms, allowed_ms) = budget(record, now.wall);
    let held_back = match permission(state, app, now.wall) {
        Permission::Granted { .. } => None,
        Permission::Denied(reason) => Some(reason),
    };
    Some(ExtensionView {
        used_ms,
        allowed_ms,
        held_back,
        failure: record.extension.failure.clone(),
        info: allowance::remaining(record),
    })
}
