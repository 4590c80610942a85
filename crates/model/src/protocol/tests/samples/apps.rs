//! Samples of `io.headstart.Apps`.

use super::{
    Sample, app, downloads, failure, headers, pack_failure, pack_id, phases, progress, reason,
    sample,
};
use crate::protocol::Phase;
use crate::protocol::apps;
use crate::protocol::dispatch::Call;
use crate::protocol::packs::Trust;
use crate::{AppGroupId, ChannelName, ContentRequest, Language};

pub(super) fn samples() -> Vec<Sample> {
    use ContentRequest::{Install, LanguageChange, Periodic, Update};
    let bundle = || "/bundle".to_owned();
    let done = || apps::InstallEvent::Done(app_infos().remove(0));
    let launchable = || {
        apps::InstallEvent::Launchable(apps::Launchable {
            failed: vec![pack_failure()],
            catalog: Some(pack_failure().failure),
            downloads: vec![downloads::download_failure()],
        })
    };
    let mut events: Vec<_> = phases().map(|p| apps::InstallEvent::Progress(progress(p))).to_vec();
    events.extend([launchable(), done()]);
    let headers = headers();
    let install =
        apps::Install { bundle: bundle(), copy: true, dev: true, insecure: false, headers };
    let details = apps::AppDetails {
        app: app_infos().remove(0),
        bundle: bundle(),
        executable: "/bundle/bin".to_owned(),
        dev: true,
        app_group: Some(AppGroupId::new("group.example").expect("a good id")),
        repository_url: Some("https://assets.example.com".to_owned()),
        repository_mirrors: vec!["https://mirror.example.com".to_owned()],
        trust: Some(Trust::TransportOnly),
        channel: Some(ChannelName::production()),
        languages: vec![Language::new("en").expect("a good tag")],
        resolved_language: Some(Language::new("en").expect("a good tag")),
        groups: vec![apps::GroupFolder {
            group: AppGroupId::new("group.example").expect("a good id"),
            folder: "/home/groups/group.example".to_owned(),
        }],
        manifest_url: Some("https://assets.example.com/manifest".to_owned()),
        extension: Some(downloads::extension_details()),
        limits: downloads::info(),
        awaited: vec![reason()],
    };
    let launch = apps::Launch {
        executable: "/bundle/bin".to_owned(),
        folder: bundle(),
        environment: [("A".to_owned(), "b".to_owned())].into(),
    };
    let launch_events =
        [apps::LaunchEvent::Progress(progress(Phase::Essential)), apps::LaunchEvent::Ready(launch)];
    let simulation = simulation();
    let update = apps::Update { bundle: bundle(), insecure: true };
    let uninstall = apps::Uninstall { app: app(), keep_data: true };
    let mut samples = vec![
        sample(Call::Install, &install, &events),
        sample(
            Call::Update,
            &update,
            &[apps::InstallEvent::Progress(progress(Phase::Files)), launchable(), done()],
        ),
        sample(Call::Uninstall, &uninstall, &[apps::Uninstalled {}]),
        sample(Call::ListApps, &apps::List {}, &[apps::AppList { apps: app_infos() }]),
        sample(Call::AppInfo, &apps::Info { app: app() }, &[details]),
        sample(
            Call::PrepareLaunch,
            &apps::PrepareLaunch { app: app(), wait: true },
            &launch_events,
        ),
        sample(
            Call::Override,
            &apps::Override {
                app: app(),
                url: Some("https://localhost/".to_owned()),
                root: Some("/root.json".to_owned()),
            },
            &[apps::Overridden {}],
        ),
        sample(
            Call::AttachDebugger,
            &apps::AttachDebugger { app: app() },
            &[apps::Attached { pid: 7, program: "/bundle/extension".to_owned() }],
        ),
    ];
    let actions = [
        apps::InstallationAction::Pause,
        apps::InstallationAction::Resume,
        apps::InstallationAction::Cancel,
    ];
    samples.extend(actions.map(|action| {
        let control = apps::ControlInstallation { app: app(), action };
        sample(Call::ControlInstallation, &control, &[apps::Controlled {}])
    }));
    samples.extend([Install, Update, Periodic, LanguageChange].map(|event| {
        sample(Call::SimulateEvent, &apps::SimulateEvent { app: app(), event }, &simulation)
    }));
    samples
}

fn simulation() -> Vec<apps::SimulationEvent> {
    let outcome = apps::SimulationOutcome {
        installed: vec![pack_id()],
        failed: vec![pack_failure()],
        downloads: vec!["levels/1".to_owned()],
        failed_downloads: vec![downloads::download_failure()],
        extension: Some(failure()),
    };
    vec![
        apps::SimulationEvent::Selected(vec![pack_id()]),
        apps::SimulationEvent::Scheduled(3),
        apps::SimulationEvent::Progress(progress(Phase::Download)),
        apps::SimulationEvent::Done(outcome),
    ]
}

fn app_infos() -> Vec<apps::AppInfo> {
    let states = [apps::AppState::Installing, apps::AppState::Launchable, apps::AppState::Removing];
    let info =
        |state| apps::AppInfo { id: app(), version: "1.0".to_owned(), state, essential_pending: 1 };
    states.map(info).to_vec()
}
