//! A content request that somebody simulates. `Spec: packs 7`.

use std::collections::BTreeSet;

use headstart_engine::record::Source;
use headstart_engine::view::{self, LaunchGate, Subject};
use headstart_engine::{Event, FileUpdate, Notice, PackUpdate, Reply};
use headstart_model::download::DownloadStatus;
use headstart_model::protocol::PackFailure;
use headstart_model::protocol::apps::{SimulateEvent, SimulationEvent, SimulationOutcome};
use headstart_model::{AppId, ErrorKind, Failure, PackId};
use tokio::sync::mpsc::Receiver;

use super::{app_not_found, download_failure, internal};
use crate::inbox::{Heard, Told};
use crate::socket::reply::{Caller, End, Replies};
use crate::socket::translate;

/// Fires a content request, and tells what came of it: it ends when every download that it started has ended.
pub(in crate::socket) async fn simulate(
    caller: Caller<'_>,
    call: SimulateEvent,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let core = &caller.shared.core;
    let app = call.app.clone();
    let decides = core.query(move |state, _| {
        let launchable = view::launch_gate(state, &app) == LaunchGate::Open;
        let record = state.records().app(&app)?;
        Some((matches!(record.source(), Source::Manifest(_)), launchable))
    });
    let (decides, launchable) = decides.await?.ok_or_else(|| app_not_found(&call.app))?;
    if !launchable {
        let message = format!("app `{}` is just being installed, updated or removed", call.app);
        return Err(Failure::new(ErrorKind::Conflict, "appBusy", message)
            .with_hint("try again when that has ended")
            .into());
    }
    let told = core.subscribe(Heard { app: call.app.clone(), packs: None });
    core.event(Event::ContentRequested { app: call.app.clone(), request: call.event });
    if decides {
        follow_extension(caller, &call.app, told, replies).await
    } else {
        follow_packs(caller, &call.app, told, replies).await
    }
}

async fn follow_packs(
    caller: Caller<'_>,
    app: &AppId,
    mut told: Receiver<Told>,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let core = &caller.shared.core;
    // The check that this begins is waited for like anybody's: its answer says what is on its way.
    let of = app.clone();
    let event = move |caller| Event::CheckForUpdatesRequested { caller, app: of };
    let reply = core.call(caller.client, event).await?;
    let Reply::Checked { updating, .. } = reply else {
        return Err(internal("the check was answered with something else"));
    };
    let downloads = core.query(|state, _| view::downloads(state)).await?;
    let mut open: Vec<PackId> = downloads
        .into_iter()
        .filter(|d| d.app == *app)
        .filter_map(|d| match d.subject {
            Subject::Pack(pack) => Some(pack),
            Subject::File(_) => None,
        })
        .collect();
    open.extend(updating);
    open.sort();
    open.dedup();
    replies.between::<SimulateEvent>(&SimulationEvent::Selected(open.clone())).await?;
    let mut outcome = SimulationOutcome::default();
    while !open.is_empty() {
        let Some(told) = told.recv().await else { break };
        let Told::Notice(Notice::Pack { pack, update, .. }) = told else { continue };
        match update {
            PackUpdate::Finished => outcome.installed.push(pack.clone()),
            PackUpdate::Failed(failure) => {
                outcome.failed.push(PackFailure { pack: pack.clone(), failure });
            }
            PackUpdate::Downloading { bytes_done, bytes_total, bytes_per_second } => {
                let progress =
                    translate::pack_progress(&pack, bytes_done, bytes_total, bytes_per_second);
                replies.between::<SimulateEvent>(&SimulationEvent::Progress(progress)).await?;
                continue;
            }
            PackUpdate::Began | PackUpdate::Paused(_) => continue,
        }
        open.retain(|waiting| *waiting != pack);
    }
    replies.last::<SimulateEvent>(&SimulationEvent::Done(outcome)).await
}

/// Waits for what the extension asks for, and then until all of the app's downloads have ended.
async fn follow_extension(
    caller: Caller<'_>,
    app: &AppId,
    mut told: Receiver<Told>,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let mut outcome = SimulationOutcome::default();
    let mut asked = false;
    // Known only once the extension has answered: what was going on before is waited for too.
    let mut open: Option<BTreeSet<String>> = None;
    while open.as_ref().is_none_or(|open| !open.is_empty()) {
        let Some(told) = told.recv().await else { break };
        match told {
            Told::Notice(Notice::Extension { result, .. }) if !asked => {
                asked = true;
                match result {
                    Ok(count) => {
                        let scheduled = SimulationEvent::Scheduled(count);
                        replies.between::<SimulateEvent>(&scheduled).await?;
                    }
                    Err(failure) => outcome.extension = Some(failure),
                }
                open = Some(still_open(caller, app).await?);
            }
            Told::Notice(Notice::File { download, update, .. }) => {
                let identifier = download.identifier.clone();
                match update {
                    FileUpdate::Finished => outcome.downloads.push(identifier.clone()),
                    FileUpdate::Failed(failure) => {
                        let failed = download_failure((identifier.clone(), failure));
                        outcome.failed_downloads.push(failed);
                    }
                    _ => continue,
                }
                if let Some(open) = &mut open {
                    open.remove(&identifier);
                }
            }
            // Some ends may have been missed: what is open is asked for anew.
            Told::Lost(_) if asked => open = Some(still_open(caller, app).await?),
            _ => {}
        }
    }
    replies.last::<SimulateEvent>(&SimulationEvent::Done(outcome)).await
}

/// Identifiers of the app's downloads that have not ended.
async fn still_open(caller: Caller<'_>, app: &AppId) -> Result<BTreeSet<String>, End> {
    let app = app.clone();
    let open = caller.shared.core.query(move |state, _| {
        let views = view::current(state, &app, None, usize::MAX);
        let open = views.into_iter().filter(|view| {
            !matches!(view.status, DownloadStatus::Finished | DownloadStatus::Failed)
        });
        open.map(|view| view.download.identifier).collect()
    });
    Ok(open.await?)
}
