//! `io.headstart.Apps`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use headstart_engine::record::{Bundle, BundleFiles, KeepData, Trust};
use headstart_engine::view::LaunchGate;
use headstart_engine::{Event, Notice, PackUpdate, Reply, view};
use headstart_model::protocol::PackFailure;
use headstart_model::protocol::apps::{
    AppDetails, AppList, Info, Install, InstallEvent, Launch, LaunchEvent, Launchable, List,
    PrepareLaunch, SimulateEvent, SimulationEvent, SimulationOutcome, Uninstall, Uninstalled,
    Update,
};
use headstart_model::{AppId, ErrorKind, Failure, PackId};

use super::reply::{Caller, End, Replies};
use super::{identity, translate};
use crate::bundle;
use crate::inbox::{Heard, Told};
use crate::perform::blocking;

/// What an installation allows, as the call says it.
fn trust(dev: bool, insecure: bool) -> Result<Trust, Failure> {
    match (dev, insecure) {
        (false, false) => Ok(Trust::Ordinary),
        (true, false) => Ok(Trust::Development),
        (false, true) => Ok(Trust::Insecure),
        (true, true) => {
            let message =
                "an app is installed for development or with an insecure address, not both";
            Err(Failure::new(ErrorKind::Usage, "devAndInsecure", message)
                .with_hint("--dev reaches servers on this machine without encryption already"))
        }
    }
}

pub(super) fn internal(what: &str) -> End {
    Failure::new(ErrorKind::Internal, "internal", what).with_hint("please report this").into()
}

pub(super) fn app_not_found(app: &AppId) -> Failure {
    Failure::new(ErrorKind::NotFound, "appNotFound", format!("app `{app}` is not installed"))
        .with_hint("`headstart app list` shows what is installed")
}

pub(super) async fn install(
    caller: Caller<'_>,
    call: Install,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let files = if call.copy { BundleFiles::Copied } else { BundleFiles::InPlace };
    let trust = trust(call.dev, call.insecure)?;
    let (app, bundle) = read_bundle(call.bundle, trust, files).await?;
    let named = app.clone();
    let answer = caller.shared.core.subscribe(Heard { app: app.clone(), packs: None });
    let call = caller.shared.core.call(caller.client, move |caller| Event::AppInstallRequested {
        caller,
        app: named,
        bundle,
    });
    follow_installation::<Install>(caller, &app, (answer, call), replies).await
}

pub(super) async fn update(
    caller: Caller<'_>,
    call: Update,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let folder = PathBuf::from(&call.bundle);
    let id = blocking(move || bundle::read(&folder)).await??.id;
    let installed = id.clone();
    let present = caller.shared.core.query(move |state, _| {
        state.records().app(&installed).map(|app| (app.bundle.trust, app.bundle.files))
    });
    let Some((trust, files)) = present.await? else { return Err(app_not_found(&id).into()) };
    let trust = if call.insecure { self::trust(trust == Trust::Development, true)? } else { trust };
    let (app, bundle) = read_bundle(call.bundle, trust, files).await?;
    let named = app.clone();
    let told = caller.shared.core.subscribe(Heard { app: app.clone(), packs: None });
    let call = caller.shared.core.call(caller.client, move |caller| Event::AppUpdateRequested {
        caller,
        app: named,
        bundle,
    });
    follow_installation::<Update>(caller, &app, (told, call), replies).await
}

async fn read_bundle(
    folder: String,
    trust: Trust,
    files: BundleFiles,
) -> Result<(AppId, Bundle), Failure> {
    blocking(move || {
        let folder = PathBuf::from(folder);
        let folder = folder.canonicalize().unwrap_or(folder);
        let description = bundle::read(&folder)?;
        bundle::check(&description, trust)?;
        let record = Bundle {
            path: folder.to_string_lossy().into_owned(),
            version: description.version,
            group: description.group,
            repository: description.repository,
            channel: description.channel,
            trust,
            files,
            languages: description.languages,
        };
        Ok((description.id, record))
    })
    .await?
}

/// Tells progress until the installation is answered.
async fn follow_installation<M>(
    caller: Caller<'_>,
    app: &AppId,
    (mut told, call): (
        tokio::sync::mpsc::Receiver<Told>,
        impl Future<Output = Result<Reply, Failure>>,
    ),
    replies: &mut Replies<'_>,
) -> Result<(), End>
where
    M: headstart_model::protocol::Method<Reply = InstallEvent>,
{
    tokio::pin!(call);
    let reply = loop {
        tokio::select! {
            biased;
            Some(told) = told.recv() => {
                if let Told::Notice(Notice::Installation { progress, .. }) = told {
                    let progress = translate::install_progress(&progress);
                    replies.between::<M>(&InstallEvent::Progress(progress)).await?;
                }
            }
            reply = &mut call => break reply?,
        }
    };
    let Reply::Launchable { missed, catalog } = reply else {
        return Err(internal("the installation was answered with something else"));
    };
    if let Some(failure) = &catalog {
        tracing::warn!(%failure, %app, "installed without a catalog");
    }
    let launchable = Launchable { failed: failures(missed), catalog, downloads: Vec::new() };
    replies.between::<M>(&InstallEvent::Launchable(launchable)).await?;
    let info = app_info(caller, app).await?;
    replies.last::<M>(&InstallEvent::Done(info)).await
}

pub(super) fn failures(failed: BTreeMap<PackId, Failure>) -> Vec<PackFailure> {
    failed.into_iter().map(|(pack, failure)| PackFailure { pack, failure }).collect()
}

async fn app_info(
    caller: Caller<'_>,
    app: &AppId,
) -> Result<headstart_model::protocol::apps::AppInfo, Failure> {
    let wanted = app.clone();
    let view = caller.shared.core.query(move |state, _| view::app(state, &wanted)).await?;
    view.map(|view| translate::app(&view)).ok_or_else(|| app_not_found(app))
}

pub(super) async fn uninstall(
    caller: Caller<'_>,
    call: Uninstall,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let data = if call.keep_data { KeepData::Keep } else { KeepData::Delete };
    let app = call.app;
    let event = move |caller| Event::AppUninstallRequested { caller, app, data };
    caller.shared.core.call(caller.client, event).await?;
    replies.last::<Uninstall>(&Uninstalled {}).await
}

pub(super) async fn list(caller: Caller<'_>, replies: &mut Replies<'_>) -> Result<(), End> {
    let views = caller.shared.core.query(|state, _| view::apps(state)).await?;
    let apps = views.iter().map(translate::app).collect();
    replies.last::<List>(&AppList { apps }).await
}

pub(super) async fn info(
    caller: Caller<'_>,
    call: Info,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = app_info(caller, &call.app).await?;
    let id = call.app.clone();
    let record = caller.shared.core.query(move |state, _| {
        let app = state.records().app(&id)?;
        Some((app.bundle.clone(), app.languages.resolved.clone()))
    });
    let Some((record, resolved_language)) = record.await? else {
        return Err(app_not_found(&call.app).into());
    };
    let context = caller.shared.context.clone();
    let id = call.app.clone();
    let description = blocking(move || bundle::registered(&context.layout, &id)).await?;
    // A bundle whose description is lost is still listed.
    let (executable, languages) = match description {
        Ok(description) => (description.executable, description.languages),
        Err(_) => (None, Vec::new()),
    };
    let details = AppDetails {
        app,
        executable: executable.map_or_else(String::new, |executable| {
            let folder = bundle::files_folder(&caller.shared.context.layout, &call.app, &record);
            folder.join(executable).to_string_lossy().into_owned()
        }),
        bundle: record.path,
        dev: record.trust == Trust::Development,
        app_group: record.group,
        repository_url: record.repository,
        channel: Some(record.channel),
        languages,
        resolved_language,
        groups: Vec::new(),
        manifest_url: None,
        extension: None,
        limits: headstart_model::protocol::extension::AppExtensionInfo::default(),
    };
    replies.last::<Info>(&details).await
}

pub(super) async fn prepare_launch(
    caller: Caller<'_>,
    call: PrepareLaunch,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = call.app.clone();
    let gate = caller.shared.core.query(move |state, _| view::launch_gate(state, &app)).await?;
    match gate {
        LaunchGate::Open => {}
        LaunchGate::Closed(failure) => return Err(failure.into()),
        LaunchGate::Pending(_) if call.wait => wait_for_launch(caller, &call.app, replies).await?,
        LaunchGate::Pending(packs) => return Err(pending(&call.app, &packs).into()),
    }
    let launch = launch(caller, &call.app).await?;
    caller.shared.core.event(Event::AppLaunched { app: call.app });
    replies.last::<PrepareLaunch>(&LaunchEvent::Ready(launch)).await
}

fn pending(app: &AppId, packs: &[PackId]) -> Failure {
    let names: Vec<_> = packs.iter().map(PackId::as_str).collect();
    let what = if names.is_empty() { "its installation".to_owned() } else { names.join(", ") };
    let message = format!("app `{app}` cannot be launched yet: {what} is still on its way");
    Failure::new(ErrorKind::Refused, "essentialPending", message)
        .with_hint("wait for it with --wait, or see `headstart explain PACK`")
}

async fn wait_for_launch(
    caller: Caller<'_>,
    app: &AppId,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let mut told = caller.shared.core.subscribe(Heard { app: app.clone(), packs: None });
    let named = app.clone();
    let event = move |caller| Event::LaunchAwaited { caller, app: named };
    let call = caller.shared.core.call(caller.client, event);
    tokio::pin!(call);
    loop {
        tokio::select! {
            biased;
            Some(told) = told.recv() => {
                if let Told::Notice(Notice::Installation { progress, .. }) = told {
                    let progress = translate::install_progress(&progress);
                    replies.between::<PrepareLaunch>(&LaunchEvent::Progress(progress)).await?;
                }
            }
            reply = &mut call => return Ok(reply.map(drop)?),
        }
    }
}

async fn launch(caller: Caller<'_>, app: &AppId) -> Result<Launch, Failure> {
    let id = app.clone();
    let record = caller
        .shared
        .core
        .query(move |state, _| state.records().app(&id).map(|app| app.bundle.clone()));
    let record = record.await?.ok_or_else(|| app_not_found(app))?;
    let (context, id) = (caller.shared.context.clone(), app.clone());
    let description = blocking(move || bundle::registered(&context.layout, &id)).await??;
    let executable = description.executable.ok_or_else(|| {
        let message = format!("the bundle of app `{app}` names no executable");
        Failure::new(ErrorKind::InvalidInput, "noExecutable", message)
            .with_hint("add `executable` to the bundle and update the app")
    })?;
    let folder = bundle::files_folder(&caller.shared.context.layout, app, &record);
    let token = identity::token(caller.shared, app);
    let environment = BTreeMap::from([
        ("HEADSTART_APP_TOKEN".to_owned(), token.secret().to_owned()),
        (
            "HEADSTART_HOME".to_owned(),
            caller.shared.context.layout.home().to_string_lossy().into_owned(),
        ),
    ]);
    Ok(Launch {
        executable: folder.join(executable).to_string_lossy().into_owned(),
        folder: folder.to_string_lossy().into_owned(),
        environment,
    })
}

/// Fires a content request, and tells what came of it: it ends when every download that it started has ended.
pub(super) async fn simulate(
    caller: Caller<'_>,
    call: SimulateEvent,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let core = &caller.shared.core;
    let mut told = core.subscribe(Heard { app: call.app.clone(), packs: None });
    core.event(Event::ContentRequested { app: call.app.clone(), request: call.event });
    // The check that this begins is waited for like anybody's: its answer says what is on its way.
    let app = call.app.clone();
    let event = move |caller| Event::CheckForUpdatesRequested { caller, app };
    let reply = core.call(caller.client, event).await?;
    let Reply::Checked { updating, .. } = reply else {
        return Err(internal("the check was answered with something else"));
    };
    let app = call.app.clone();
    let downloads = core.query(move |state, _| view::downloads(state)).await?;
    let mut open: Vec<PackId> =
        downloads.into_iter().filter(|d| d.app == app).map(|d| d.pack).collect();
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
