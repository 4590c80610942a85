//! The one function: an event comes in, effects go out.

use crate::effect::Effects;
use crate::event::Event;
use crate::state::State;
use crate::time::Now;
use crate::transition::{
    access, calls, cancel, catalog, check, due, ensure, exclusive, facts, files, install,
    languages, manifest, pump, queue, reconcile, removal, restart, settings, switch, transfer,
    uninstall,
};
use crate::work::Work;

/// Takes `event` in and says what is to be recorded and done.
///
/// The same state, event and time give the same result on every machine. The caller commits
/// [`Effects::changes`] in one transaction, and only then does [`Effects::effects`], in their order. If the commit fails it
/// drops the state, loads it again and sends [`Event::Restarted`]; calls that were open then are closed by the caller.
#[must_use = "the changes have to be committed and the effects done"]
pub fn handle(state: &mut State, event: Event, now: Now) -> Effects {
    let mut w = Work::new(state, now);
    dispatch(&mut w, event);
    switch::run(&mut w);
    calls::run(&mut w);
    pump::run(&mut w);
    // What could not even begin has ended, and somebody may have to be told.
    calls::run(&mut w);
    w.finish()
}

#[expect(clippy::too_many_lines, reason = "a table: one arm for each event")]
fn dispatch(w: &mut Work<'_>, event: Event) {
    match event {
        Event::AppInstallRequested { caller, app, bundle, headers } => {
            install::requested(w, caller, &app, (*bundle, headers));
        }
        Event::AppUpdateRequested { caller, app, bundle } => {
            install::update_requested(w, caller, &app, *bundle);
        }
        Event::AppUninstallRequested { caller, app, data } => {
            uninstall::requested(w, caller, &app, data);
        }
        Event::LaunchAwaited { caller, app } => install::launch_awaited(w, caller, &app),
        Event::EnsureRequested { caller, app, packs, terms } => {
            ensure::requested(w, caller, &app, packs, terms);
        }
        Event::CheckForUpdatesRequested { caller, app } => {
            catalog::check_requested(w, caller, &app);
        }
        Event::LanguagesTold { app, languages } => languages::told(w, &app, languages),
        Event::LanguageChosen { caller, app, language } => {
            languages::chosen(w, caller, &app, language);
        }
        Event::ReconcileRequested { caller, app } => reconcile::requested(w, caller, &app),
        Event::RemoveRequested { caller, app, pack } => removal::requested(w, caller, &app, &pack),
        Event::CancelRequested { caller, target } => cancel::requested(w, caller, target),
        Event::DownloadsScheduled { caller, app, origin, downloads, foreground } => {
            files::requested(w, caller, (&app, origin), downloads, foreground);
        }
        Event::FileCancelRequested { caller, app, identifier } => {
            queue::file_cancel_requested(w, caller, &app, &identifier);
        }
        Event::QueueChangeRequested { caller, id, action } => {
            queue::change_requested(w, caller, id, action);
        }
        Event::InstallationControlled { caller, app, action } => {
            queue::installation_controlled(w, caller, &app, action);
        }
        Event::DelegateAttached { client, app } => calls::attached(w, client, &app),
        Event::Acknowledged { caller, app, call, answer } => {
            calls::acknowledged(w, caller, &app, call, answer);
        }
        Event::ChallengeRaised { caller, about, challenge } => {
            calls::challenged(w, caller, about, challenge);
        }
        Event::ChallengeWithdrawn { about } => calls::challenge_withdrawn(w, about),
        Event::ServerHeaderLearned { effect, server, headers } => {
            access::learned(w, effect, (server, headers));
        }
        Event::ExclusiveRequested { caller, app, wait_ms } => {
            exclusive::requested(w, caller, &app, wait_ms);
        }
        Event::ExclusiveReleased { client } => exclusive::released(w, client),
        Event::ExtensionReturned { app, call, answer, used_ms } => {
            calls::extension_returned(w, &app, call, answer, used_ms);
        }
        Event::ExtensionFailed { app, call, failure, used_ms } => {
            calls::extension_failed(w, &app, call, &failure, used_ms);
        }
        Event::SettingChanged { caller, setting } => settings::changed(w, caller, setting),
        Event::SourceOverridden { caller, app, source } => {
            install::overridden(w, caller, &app, source);
        }
        Event::ServerHeadersGiven { caller, app, server, headers } => {
            access::given(w, caller, &app, (server, headers));
        }
        Event::FileFetched { effect, bytes } => files::fetched(w, effect, bytes),
        Event::ArchiveFetched { effect, bytes, pack } => {
            files::archive_fetched(w, effect, bytes, pack);
        }
        Event::AppLaunched { app } | Event::AppUsed { app } => install::launched(w, &app),
        Event::ContentRequested { app, request } => check::simulated(w, &app, request),
        Event::ClientGone { client } => cancel::client_gone(w, client),
        Event::FilesMoved { effect, bytes_done, bytes_total } => {
            install::files_moved(w, effect, bytes_done, bytes_total);
        }
        Event::AppPrepared { effect } => install::prepared(w, effect),
        Event::PrepareFailed { effect, failure } => install::prepare_failed(w, effect, &failure),
        Event::CatalogFetched { effect, release, packs } => {
            catalog::fetched(w, effect, release, packs);
        }
        Event::ManifestRead { effect, packs, unreadable, tag } => {
            catalog::manifest_read(w, effect, packs, unreadable, tag);
        }
        Event::CatalogUnchanged { effect } => catalog::unchanged(w, effect),
        Event::CatalogFailed { effect, failure } => check::reported_failed(w, effect, &failure),
        Event::PlanMade { effect, plan } => transfer::plan_made(w, effect, plan),
        Event::BytesMoved { effect, bytes_done } => transfer::bytes_moved(w, effect, bytes_done),
        Event::LengthKnown { effect, bytes_total } => {
            manifest::length_known(w, effect, bytes_total);
        }
        Event::TransferFinished { effect } => transfer::finished(w, effect),
        Event::TransferFailed { effect, failure } => transfer::failed(w, effect, &failure),
        Event::Stopped { effect } => uninstall::stopped(w, effect),
        Event::Switched { effect } => switch::switched(w, effect),
        Event::SwitchFailed { effect, failure, damaged } => {
            switch::failed(w, effect, &failure, &damaged);
        }
        Event::Removed { effect } => removal::done(w, effect),
        Event::VersionInUse { effect } => removal::in_use(w, effect),
        Event::RemovalFailed { effect, failure } => removal::failed(w, effect, &failure),
        Event::FactsChanged { news } => facts::changed(w, &news),
        Event::TimerDue => due::timer_due(w),
        Event::Restarted => restart::restarted(w),
    }
}

#[cfg(test)]
mod tests;
