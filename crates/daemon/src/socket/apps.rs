//! `io.headstart.Apps`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use headstart_engine::record::{Bundle, BundleFiles, KeepData, Trust};
use headstart_engine::view::LaunchGate;
use headstart_engine::{Event, Notice, Reply, explain_catalog, view};
use headstart_model::protocol::PackFailure;
use headstart_model::protocol::apps::{
    AppDetails, AppList, ExtensionDetails, GroupFolder, Info, Install, InstallEvent, Launch,
    LaunchEvent, Launchable, List, PrepareLaunch, Uninstall, Uninstalled, Update,
};
use headstart_model::protocol::downloads::DownloadFailure;
use headstart_model::{AppId, ErrorKind, Failure, PackId};

use super::reply::{Caller, End, Replies};
use super::{identity, translate};
use crate::bundle;
use crate::inbox::{Heard, Told};
use crate::perform::blocking;
use crate::server_headers;

mod control;
mod simulate;

pub(super) use control::{attach, control, override_source};
pub(super) use simulate::simulate;

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
    let headers = call.headers;
    server_headers::check(&headers)?;
    let (app, bundle) = read_bundle(call.bundle, trust, files).await?;
    let named = app.clone();
    let answer = caller.shared.core.subscribe(Heard { app: app.clone(), packs: None });
    let call = caller.shared.core.call(caller.client, move |caller| Event::AppInstallRequested {
        caller,
        app: named,
        bundle,
        headers,
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
) -> Result<(AppId, Box<Bundle>), Failure> {
    blocking(move || {
        let folder = PathBuf::from(folder);
        let folder = folder.canonicalize().unwrap_or(folder);
        let description = bundle::read(&folder)?;
        bundle::check(&description, trust)?;
        let record = bundle::record(&description, &folder, trust, files);
        Ok((description.id, Box::new(record)))
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
    let Reply::Launchable { missed, catalog, downloads } = reply else {
        return Err(internal("the installation was answered with something else"));
    };
    if let Some(failure) = &catalog {
        tracing::warn!(%failure, %app, "installed without a catalog");
    }
    let launchable = Launchable {
        failed: failures(missed),
        catalog,
        downloads: downloads.into_iter().map(download_failure).collect(),
    };
    replies.between::<M>(&InstallEvent::Launchable(launchable)).await?;
    let info = app_info(caller, app).await?;
    replies.last::<M>(&InstallEvent::Done(info)).await
}

fn download_failure((identifier, failure): (String, Failure)) -> DownloadFailure {
    DownloadFailure { identifier, failure }
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
        Some((app.bundle.clone(), app.languages.resolved.clone(), view::trust(state, &id)))
    });
    let Some((record, resolved_language, trust)) = record.await? else {
        return Err(app_not_found(&call.app).into());
    };
    let context = caller.shared.context.clone();
    let id = call.app.clone();
    let description = blocking(move || bundle::registered(&context.layout, &id)).await?;
    // A bundle whose description is lost is still listed.
    let (executable, languages, program) = match description {
        Ok(description) => (description.executable, description.languages, description.extension),
        Err(_) => (None, Vec::new(), None),
    };
    let files = bundle::files_folder(&caller.shared.context.layout, &call.app, &record);
    let id = call.app.clone();
    let view = caller.shared.core.query(move |state, now| view::extension(state, &id, now)).await?;
    let view = view.ok_or_else(|| app_not_found(&call.app))?;
    let extension = program.map(|program| ExtensionDetails {
        program: files.join(program).to_string_lossy().into_owned(),
        used_milliseconds: view.used_ms,
        allowed_milliseconds: view.allowed_ms,
        runs: caller.shared.asker.runs_of(&call.app),
        held_back: view.held_back.as_ref().map(translate::reason),
        failure: view.failure.clone(),
    });
    let id = call.app.clone();
    let awaited = caller.shared.core.query(move |state, now| explain_catalog(state, &id, now));
    let awaited = awaited.await?.iter().map(translate::reason).collect();
    let details = AppDetails {
        app,
        awaited,
        executable: executable.map_or_else(String::new, |executable| {
            files.join(executable).to_string_lossy().into_owned()
        }),
        bundle: record.path.clone(),
        dev: record.trust == Trust::Development,
        app_group: record.group.clone(),
        repository_url: record.repository.clone(),
        repository_mirrors: record.repository_mirrors.clone(),
        channel: Some(record.channel.clone()),
        trust,
        languages,
        resolved_language,
        groups: group_folders(caller, &record),
        manifest_url: record.manifest.or(record.download_manifest),
        extension,
        limits: view.info,
    };
    replies.last::<Info>(&details).await
}

fn group_folders(caller: Caller<'_>, record: &Bundle) -> Vec<GroupFolder> {
    let layout = &caller.shared.context.layout;
    let folder = |group: &headstart_model::AppGroupId| GroupFolder {
        group: group.clone(),
        folder: layout.group(group).to_string_lossy().into_owned(),
    };
    record.groups.keys().map(folder).collect()
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
        LaunchGate::Pending(..) if call.wait => wait_for_launch(caller, &call.app, replies).await?,
        LaunchGate::Pending(packs, downloads) => {
            return Err(pending(&call.app, &packs, &downloads).into());
        }
    }
    let launch = launch(caller, &call.app).await?;
    caller.shared.core.event(Event::AppLaunched { app: call.app });
    replies.last::<PrepareLaunch>(&LaunchEvent::Ready(launch)).await
}

fn pending(app: &AppId, packs: &[PackId], downloads: &[String]) -> Failure {
    const NAMED_MAX: usize = 10;
    let names = packs.iter().map(PackId::as_str).chain(downloads.iter().map(String::as_str));
    let names: Vec<_> = names.take(NAMED_MAX).collect();
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
