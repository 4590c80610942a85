//! App groups: whom they belong to, and who may join. `Spec: app-bundle 6`.

use headstart_model::{AppGroupId, AppId, Failure};

use crate::failures;
use crate::record::Bundle;
use crate::state::State;
use crate::work::Work;

/// Whether an app may be installed with the groups of its bundle: each is free, or its owner lets the app join. `Ours:` there
/// is no signature that would bind the members of a group.
pub(crate) fn check(w: &Work<'_>, app: &AppId, bundle: &Bundle) -> Result<(), Failure> {
    for group in bundle.groups.keys() {
        let Some((owner, lets_in)) = owner(w, group, app) else { continue };
        if !lets_in {
            return Err(failures::group_taken(app, group, &owner));
        }
    }
    Ok(())
}

/// The app that owns a group, if that is another one than `app`, and whether it lets `app` join. An app that lists others
/// under the group, or that came with it first, owns it.
fn owner(w: &Work<'_>, group: &AppGroupId, app: &AppId) -> Option<(AppId, bool)> {
    let members = w.records().apps().filter(|(id, record)| {
        *id != app && !record.is_leaving() && record.bundle.groups.contains_key(group)
    });
    let oldest = members.min_by_key(|(_, record)| record.installed_at)?;
    let own = w.app(app).filter(|record| record.bundle.groups.contains_key(group));
    if own.is_some_and(|own| own.installed_at <= oldest.1.installed_at) {
        return None;
    }
    let lets_in = oldest.1.bundle.groups.get(group).is_some_and(|guests| guests.contains(app));
    Some((oldest.0.clone(), lets_in))
}

/// The groups of an app that no other app belongs to: what their members share goes with it.
pub(crate) fn left_behind(state: &State, app: &AppId) -> Vec<AppGroupId> {
    let Some(record) = state.records.app(app) else { return Vec::new() };
    let used = |group: &AppGroupId| {
        let mut others = state.records.apps().filter(|(id, _)| *id != app);
        others.any(|(_, other)| other.bundle.groups.contains_key(group))
    };
    record.bundle.groups.keys().filter(|group| !used(group)).cloned().collect()
}
