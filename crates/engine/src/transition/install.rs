//! Installation and update of an app, until it may be launched. `Spec: concepts 5.1, 7`.

use std::collections::BTreeMap;

use headstart_model::{AppId, ContentRequest, Failure, Headers, PackId, ServerOrigin};

use crate::effect::{ExtensionEnd, Notice, Reply};
use crate::event::Caller;
use crate::failures;
use crate::id::EffectId;
use crate::live::{Hold, Subject, Wait};
use crate::progress;
use crate::record::{
    App, Bundle, InstallKind, InstallStage, Installation, KeepData, Outcome, Owed, Pack, Phase,
    SourceOverride, Trust,
};
use crate::transition::{
    access, calls, catalog, check, groups, languages, manifest, settings, uninstall,
};
use crate::work::Work;

pub(crate) fn requested(
    w: &mut Work<'_>,
    caller: Caller,
    app: &AppId,
    (bundle, headers): (Bundle, Headers),
) {
    match w.app(app).map(|record| (&record.phase, &record.bundle)) {
        None => {
            if let Err(failure) = groups::check(w, app, &bundle) {
                return w.answer_at_once(caller.request, Err(failure));
            }
            let mut record = App::new(bundle, w.now.wall);
            match record.address().and_then(ServerOrigin::of) {
                Some(server) => {
                    record.server_headers.set(server, headers);
                }
                None if headers.is_empty() => {}
                None => return w.answer_at_once(caller.request, Err(failures::no_server(app))),
            }
            w.insert_app(app.clone(), record);
            languages::begin(w, app);
            settings::hold_content(w, app);
            wait(w, caller, app);
            prepare(w, app);
        }
        Some((Phase::Installing(Installation { kind: InstallKind::First, .. }), present))
            if *present == bundle =>
        {
            if !headers.is_empty()
                && let Err(failure) = access::give(w, app, None, headers)
            {
                return w.answer_at_once(caller.request, Err(failure));
            }
            wait(w, caller, app);
        }
        Some((Phase::Launchable, _)) => {
            w.answer_at_once(caller.request, Err(failures::already_installed(app)));
        }
        Some((phase, _)) => {
            let failure = busy(app, phase);
            w.answer_at_once(caller.request, Err(failure));
        }
    }
}

pub(crate) fn update_requested(w: &mut Work<'_>, caller: Caller, app: &AppId, bundle: Bundle) {
    match w.app(app).map(|record| &record.phase) {
        None => w.answer_at_once(caller.request, Err(failures::app_not_found(app))),
        Some(Phase::Launchable) => {
            if let Err(failure) = groups::check(w, app, &bundle) {
                return w.answer_at_once(caller.request, Err(failure));
            }
            let installation = Installation {
                kind: InstallKind::Update,
                stage: InstallStage::Files,
                incoming: Some(Box::new(bundle)),
                paused: false,
                cancelled: false,
            };
            if let Some(record) = w.app_mut(app) {
                record.phase = Phase::Installing(installation);
            }
            w.live_mut().installs.remove(app);
            calls::end_extension(w, app, ExtensionEnd::AppUpdated);
            // What was fetched for the version before says nothing about the new one.
            manifest::forget(w, app);
            wait(w, caller, app);
            prepare(w, app);
        }
        Some(Phase::Installing(installation)) if is_same_update(w, app, installation, &bundle) => {
            wait(w, caller, app);
        }
        Some(phase) => {
            let failure = busy(app, phase);
            w.answer_at_once(caller.request, Err(failure));
        }
    }
}

/// Whether the update that is going on is the one asked for: a caller that lost its connection asks again.
fn is_same_update(w: &Work<'_>, app: &AppId, installation: &Installation, bundle: &Bundle) -> bool {
    let current = w.app(app).map(|record| &record.bundle);
    installation.kind == InstallKind::Update
        && installation.incoming.as_deref().or(current) == Some(bundle)
}

fn busy(app: &AppId, phase: &Phase) -> Failure {
    match phase {
        Phase::Removing(_) => failures::app_being_removed(app),
        Phase::Installing(_) | Phase::Launchable => failures::app_busy(app),
    }
}

fn wait(w: &mut Work<'_>, caller: Caller, app: &AppId) {
    w.live_mut().requests.open(caller, app.clone(), Wait::Launch);
    w.live_mut().requests.attach(caller.request, Subject::Launch(app.clone()));
}

fn prepare(w: &mut Work<'_>, app: &AppId) {
    progress::tell(w, app);
    w.start(Owed::PrepareApp { app: app.clone() });
}

pub(crate) fn launch_awaited(w: &mut Work<'_>, caller: Caller, app: &AppId) {
    match w.app(app).map(|record| &record.phase) {
        None => w.answer_at_once(caller.request, Err(failures::app_not_found(app))),
        Some(Phase::Removing(_)) => {
            w.answer_at_once(caller.request, Err(failures::app_being_removed(app)));
        }
        Some(Phase::Installing(_)) => wait(w, caller, app),
        Some(Phase::Launchable) => {
            let reply = launchable(w, app);
            w.answer_at_once(caller.request, Ok(reply));
        }
    }
}

/// The app is used, for the first time or again. `Spec: concepts 14`: the first launch lifts what limited it.
pub(crate) fn launched(w: &mut Work<'_>, app: &AppId) {
    let now = w.now.wall;
    let Some(record) = w.app(app).filter(|record| record.phase == Phase::Launchable) else {
        return;
    };
    let (first, owed) = (record.first_launch.is_none(), record.content_request.is_some());
    let mut usage = record.usage;
    if !usage.note(now) && !first {
        return;
    }
    if let Some(record) = w.app_mut(app) {
        record.usage = usage;
        record.first_launch.get_or_insert(now);
    }
    if first {
        settings::hold_content(w, app);
        if owed {
            check::want(w, app);
        }
        w.want_ask(app);
    }
}

pub(crate) fn files_moved(w: &mut Work<'_>, effect: EffectId, done: u64, total: u64) {
    if let Some(Owed::PrepareApp { app }) = w.records().owed.get(&effect).cloned()
        && w.app(&app).is_some_and(|record| record.installation().is_some())
    {
        progress::tell_files(w, &app, done, total);
    }
}

/// A developer points the app at another source, or at its own again. What the one offered says nothing about the other.
pub(crate) fn overridden(
    w: &mut Work<'_>,
    caller: Caller,
    app: &AppId,
    source: Option<SourceOverride>,
) {
    let outcome = match w.app(app) {
        None => Err(failures::app_not_found(app)),
        Some(record) if record.bundle.trust != Trust::Development => {
            Err(failures::not_for_development(app))
        }
        Some(_) => {
            calls::end_extension(w, app, ExtensionEnd::AppUpdated);
            forget_offers(w, app);
            check::other_source(w, app);
            if let Some(record) = w.app_mut(app) {
                record.source = source;
                record.release = None;
                record.check_failure = None;
            }
            check::arm_period(w, app);
            let owed = w.app(app).is_some_and(|record| record.content_request.is_some());
            if owed || check::is_sought(w, app) {
                check::want(w, app);
            }
            Ok(Reply::Changed)
        }
    };
    w.answer_at_once(caller.request, outcome);
}

/// Takes a preparation off the record; none when `effect` is no preparation, or nobody wants its end any more.
fn end_preparation(w: &mut Work<'_>, effect: EffectId) -> Option<AppId> {
    let Some(Owed::PrepareApp { app }) = w.records().owed.get(&effect).cloned() else {
        return None;
    };
    w.end_order(effect);
    if w.app(&app).is_none_or(App::is_leaving) {
        uninstall::go_on(w, &app);
        return None;
    }
    Some(app)
}

pub(crate) fn prepared(w: &mut Work<'_>, effect: EffectId) {
    let Some(app) = end_preparation(w, effect) else { return };
    let cancelled = w.app(&app).and_then(App::installation).is_some_and(|i| i.cancelled);
    let Some(kind) = take_bundle(w, &app) else { return };
    if let Some(record) = w.app_mut(&app) {
        record.extension.forgive();
    }
    if w.app(&app).is_some_and(|record| !record.has_source()) {
        set_stage(w, &app, InstallStage::Essential);
        conclude_if_done(w, &app);
        return;
    }
    set_stage(w, &app, InstallStage::Install);
    check::add_request(w, &app, kind.content_request());
    if cancelled {
        // The new version was in place before the word came: it is what there is. `Spec: concepts 8`.
        without_catalog(w, &app);
    }
    check::want(w, &app);
    // What was put off while its program was replaced.
    w.want_ask(&app);
}

/// Makes the incoming bundle the app's bundle. What was fetched from another repository or channel says nothing about the
/// new one.
fn take_bundle(w: &mut Work<'_>, app: &AppId) -> Option<InstallKind> {
    let record = w.app_mut(app)?;
    let Phase::Installing(installation) = &mut record.phase else { return None };
    let kind = installation.kind;
    if let Some(incoming) = installation.incoming.take() {
        let present = &record.bundle;
        let same = present.repository == incoming.repository
            && present.channel == incoming.channel
            && present.download_manifest == incoming.download_manifest
            && present.manifest == incoming.manifest;
        let other_version = present.version != incoming.version;
        let before = std::mem::replace(&mut record.bundle, *incoming);
        if !same {
            record.release = None;
            record.check_failure = None;
            forget_offers(w, app);
            check::other_source(w, app);
        } else if other_version {
            catalog::app_changed(w, app);
        }
        groups::released(w, app, before.groups);
    }
    Some(kind)
}

fn set_stage(w: &mut Work<'_>, app: &AppId, stage: InstallStage) {
    if let Some(record) = w.app_mut(app)
        && let Phase::Installing(installation) = &mut record.phase
    {
        installation.stage = stage;
    }
    progress::tell(w, app);
}

/// The new bundle names another repository, or none: what the old one offered is not offered any more. What is local stays.
fn forget_offers(w: &mut Work<'_>, app: &AppId) {
    let known =
        |pack: &Pack| pack.offer.is_some() || pack.withheld.is_some() || pack.unreadable.is_some();
    let offered = w.records().packs_of(app).filter(|(_, pack)| known(pack));
    for key in offered.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
        w.pack_mut(&key).withheld = None;
        w.pack_mut(&key).withheld_archive = None;
        w.pack_mut(&key).unreadable = None;
        catalog::withdraw(w, &key);
    }
    w.live_mut().queue.release(app, Hold::Distrust);
    manifest::forget(w, app);
    if let Some(record) = w.app_mut(app) {
        // A first installation that never saw a catalog stays one, wherever the catalog comes from. `Spec: concepts 3`.
        record.content_request =
            record.content_request.filter(|owed| *owed == ContentRequest::Install);
        record.asking = None;
    }
}

/// The app's files could not be put in place: a first installation leaves nothing behind, an update leaves what was there.
pub(crate) fn prepare_failed(w: &mut Work<'_>, effect: EffectId, failure: &Failure) {
    let Some(app) = end_preparation(w, effect) else { return };
    let Some(kind) = w.app(&app).and_then(App::installation).map(|i| i.kind) else { return };
    let waiting = w.live().requests.waiting_for(&Subject::Launch(app.clone()));
    match kind {
        InstallKind::First => {
            // Whoever is told may try again at once, so nothing may be left then.
            for request in waiting {
                uninstall::await_end(w, request, &app, failure);
            }
            uninstall::begin(w, &app, KeepData::Keep);
        }
        InstallKind::Update => {
            for request in waiting {
                w.answer(request, Err(failure.clone()));
            }
            if let Some(record) = w.app_mut(&app) {
                record.phase = Phase::Launchable;
            }
            if w.app(&app).is_some_and(|record| record.content_request.is_some()) {
                check::want(w, &app);
            }
            languages::ask_again(w, &app);
            w.want_ask(&app);
        }
    }
}

/// The catalog has arrived and what it selects is under way.
pub(crate) fn catalog_arrived(w: &mut Work<'_>, app: &AppId) {
    let installation = w.app(app).and_then(App::installation);
    let asking = w.app(app).is_some_and(|record| record.asking.is_some());
    if installation.is_some_and(|i| i.stage == InstallStage::Install) && !asking {
        set_stage(w, app, InstallStage::Essential);
        conclude_if_done(w, app);
    }
}

/// No catalog could be had in the time that an installation waits: it ends without content, which follows in the background.
pub(crate) fn without_catalog(w: &mut Work<'_>, app: &AppId) {
    set_stage(w, app, InstallStage::Essential);
    conclude_if_done(w, app);
}

/// Makes the app launchable when its last essential download has concluded.
pub(crate) fn conclude_if_done(w: &mut Work<'_>, app: &AppId) {
    let installation = w.app(app).and_then(App::installation);
    let waits = installation.is_some_and(|i| i.stage == InstallStage::Essential);
    if !waits || w.live().essential_pending(app) > 0 {
        return;
    }
    if let Some(record) = w.app_mut(app) {
        record.phase = Phase::Launchable;
    }
    w.live_mut().installs.remove(app);
    if w.app(app).is_some_and(|record| record.bundle.extension) {
        // What it holds in memory goes: the batch of what has concluded is told to a new one. `Spec: concepts 4.1`.
        calls::end_extension(w, app, ExtensionEnd::InstallationDone);
        w.want_ask(app);
    }
    let reply = launchable(w, app);
    if let Reply::Launchable { missed, .. } = &reply {
        w.tell(Notice::Launchable { app: app.clone(), missed: missed.clone() });
    }
    for request in w.live().requests.waiting_for(&Subject::Launch(app.clone())) {
        w.answer(request, Ok(reply.clone()));
    }
    languages::ask_again(w, app);
}

fn launchable(w: &Work<'_>, app: &AppId) -> Reply {
    let missed: BTreeMap<PackId, Failure> = w
        .records()
        .packs_of(app)
        .filter_map(|(key, pack)| Some((key.pack.clone(), pack.missed.clone()?)))
        .collect();
    let record = w.app(app);
    let owed = record.filter(|record| record.content_request.is_some());
    let catalog = owed.and_then(|record| record.check_failure.as_ref());
    let catalog = catalog.map(|check| check.failure.clone());
    let catalog = catalog.or_else(|| w.app(app).and_then(|app| app.extension.failure.clone()));
    Reply::Launchable { missed, catalog, downloads: failed_downloads(w, app) }
}

/// Essential downloads that failed, and of which nobody has taken note yet.
fn failed_downloads(w: &Work<'_>, app: &AppId) -> Vec<(String, Failure)> {
    let concluded = w.live().files.concluded.get(app).into_iter().flatten();
    let files = concluded.filter_map(|id| w.file(*id)).filter(|file| file.download.essential);
    files
        .filter_map(|file| match file.outcome()? {
            Outcome::Failed(failure) => Some((file.download.identifier.clone(), failure.clone())),
            Outcome::Finished { .. } => None,
        })
        .collect()
}
