//! App groups: whom they belong to, and who may join. `Spec: app-bundle 6`.

use std::collections::{BTreeMap, BTreeSet};

use headstart_model::{AppGroupId, AppId, Failure};

use crate::failures;
use crate::record::{App, Bundle, InstallKind, KeepData, KeptGroup};
use crate::state::State;
use crate::transition::files;
use crate::work::Work;

/// Whether an app may be installed with the groups of its bundle: each is free, or its owner lets the app join. `Ours:` there
/// is no signature that would bind the members of a group.
pub(crate) fn check(w: &Work<'_>, app: &AppId, bundle: &Bundle) -> Result<(), Failure> {
    for group in bundle.groups.keys() {
        let Some((owner, lets_in)) = owner(w, group, app) else { continue };
        if !lets_in && member(w, group, &owner).is_none() {
            return Err(failures::group_kept(app, group, &owner));
        }
        if !lets_in {
            return Err(failures::group_taken(app, group, &owner));
        }
    }
    Ok(())
}

/// The record of an app that belongs to a group and stays.
fn member<'a>(w: &'a Work<'_>, group: &AppGroupId, app: &AppId) -> Option<&'a App> {
    w.app(app).filter(|record| !record.is_leaving() && record.bundle.groups.contains_key(group))
}

/// The app that owns a group, if that is another one than `app`, and whether it lets `app` join. Whoever keeps data in its
/// container owns it, whether it is installed or not; else the app that came with it first.
fn owner(w: &Work<'_>, group: &AppGroupId, app: &AppId) -> Option<(AppId, bool)> {
    if let Some(kept) = w.records().kept_groups.get(group) {
        let now = member(w, group, &kept.owner).and_then(|owner| owner.bundle.groups.get(group));
        let lets_in = now.unwrap_or(&kept.guests).contains(app);
        return (kept.owner != *app).then(|| (kept.owner.clone(), lets_in));
    }
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

fn has_others(state: &State, group: &AppGroupId, app: &AppId) -> bool {
    let mut others = state.records.apps().filter(|(id, _)| *id != app);
    others.any(|(_, other)| other.bundle.groups.contains_key(group))
}

/// The containers that go with an app: those of groups that no other app belongs to, or keeps data in. What it keeps itself
/// stays; of a first installation that did not come to its end nothing is kept, or its files would be whoever's who names
/// the group next.
pub(crate) fn left_behind(state: &State, app: &AppId, data: KeepData) -> Vec<AppGroupId> {
    let Some(record) = state.records.app(app) else { return Vec::new() };
    let kept = &state.records.kept_groups;
    let own = kept.iter().filter(|(_, kept)| kept.owner == *app).map(|(group, _)| group);
    let all: BTreeSet<_> = record.bundle.groups.keys().chain(own).collect();
    let goes = |group: &AppGroupId| match kept.get(group) {
        Some(kept) => kept.owner == *app && data == KeepData::Delete,
        None => true,
    };
    all.into_iter().filter(|group| goes(group) && !has_others(state, group, app)).cloned().collect()
}

/// An app is to be removed: the containers that it owns stay its own where it keeps its data.
pub(crate) fn leaving(w: &mut Work<'_>, app: &AppId, data: KeepData) {
    let Some(record) = w.app(app).filter(|_| data == KeepData::Keep) else { return };
    if record.installation().is_some_and(|installation| installation.kind == InstallKind::First) {
        return;
    }
    let groups = record.bundle.groups.clone();
    for (group, guests) in groups {
        if owner(w, &group, app).is_none() {
            w.set_kept_group(&group, Some(KeptGroup { owner: app.clone(), guests }));
        }
    }
}

/// An app has a new bundle: it has left the groups that only the old one names. Its downloads for them are invalid, for its
/// extension could not open what is handed over there; a container that nobody else uses stays its own, and goes with it.
pub(crate) fn released(w: &mut Work<'_>, app: &AppId, before: BTreeMap<AppGroupId, Vec<AppId>>) {
    for (group, guests) in before {
        if w.app(app).is_none_or(|record| record.bundle.groups.contains_key(&group)) {
            continue;
        }
        let kept = w.records().kept_groups.get(&group).map(|kept| kept.owner == *app);
        match (kept, has_others(w.state(), &group, app)) {
            (None | Some(true), false) => {
                w.set_kept_group(&group, Some(KeptGroup { owner: app.clone(), guests }));
            }
            (Some(true), true) => w.set_kept_group(&group, None),
            (None, true) | (Some(false), _) => {}
        }
        files::leave_group(w, app, &group);
    }
}

/// An app and its data are gone: it keeps nothing.
pub(crate) fn left(w: &mut Work<'_>, app: &AppId, data: KeepData) {
    let own = w.records().kept_groups.iter().filter(|(_, kept)| kept.owner == *app);
    if data == KeepData::Delete {
        for group in own.map(|(group, _)| group.clone()).collect::<Vec<_>>() {
            w.set_kept_group(&group, None);
        }
    }
}
