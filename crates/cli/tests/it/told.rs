//! What programs and people are told of the queue, the settings and extensions.

use headstart_model::protocol::apps::{
    ControlInstallation, Install, InstallEvent, InstallationAction, Override,
};
use headstart_model::protocol::device::{Pretend, SetSetting};
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::downloads::QueueAction;
use headstart_model::protocol::packs::Explain;
use headstart_model::protocol::{Phase, Progress};

use crate::answers::{APP, app, serve};
use crate::fake::FakeService;
use crate::golden::assert_golden;
use crate::world::{Ran, Running, Signal, World};

#[track_caller]
fn golden(service: &FakeService<'_>, world: &World, name: &str, arguments: &[&str]) {
    assert_golden(world, name, &service.json(arguments).succeeds());
}

#[test]
fn the_queue_is_shown_and_changed() {
    let world = World::new();
    let service = FakeService::start(&world, serve);
    golden(&service, &world, "downloads-list", &["downloads", "list"]);
    golden(&service, &world, "downloads-change", &["downloads", "pause", "level-2", "--app", APP]);
    service.json(&["downloads", "cancel", "99"]).fails(1, "notFound", "notScheduled");
    let text = service.run(&["downloads", "list"]).succeeds().out;
    let lines: Vec<_> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines,
        [
            "ID APP WHAT STATE DONE",
            "7 com.example.game pack textures downloading 1.50 MB of 3.00 MB essential, foreground",
            "12 com.example.game level-2 paused 0 B priority 1000",
        ]
    );
    let actions = ["pause", "resume", "promote", "cancel"];
    for action in actions {
        service.run(&["downloads", action, "7"]).succeeds();
    }
    let changes: Vec<_> = service
        .calls()
        .into_iter()
        .filter_map(|call| match call {
            Call::ChangeDownload(change) if change.id == "7" => Some(change.action),
            _ => None,
        })
        .collect();
    let expected =
        [QueueAction::Pause, QueueAction::Resume, QueueAction::Promote, QueueAction::Cancel];
    assert_eq!(changes, expected);
}

#[test]
fn a_name_is_looked_for_among_packs_first_and_a_number_among_downloads() {
    let world = World::new();
    let service = FakeService::start(&world, serve);
    golden(&service, &world, "explain-download", &["explain", "level-2"]);
    golden(&service, &world, "explain-download", &["explain", "7"]);
    service.json(&["explain", "nothing"]).fails(1, "notFound", "assetPackNotFound");
    service.json(&["explain", "99"]).fails(1, "notFound", "notScheduled");
    let text = service.run(&["explain", "7"]).succeeds().out;
    assert_eq!(
        text,
        "7: waiting\n  because there is no network\n  expected at 2026-11-18T11:08:20Z\n"
    );
    let asked: Vec<_> = service
        .calls()
        .iter()
        .map(|call| match call {
            Call::Explain(Explain { pack, .. }) => format!("pack {pack}"),
            Call::ExplainDownload(explain) => format!("download {}", explain.id),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        asked,
        [
            "pack level-2",
            "download level-2",
            "download 7",
            "pack nothing",
            "download nothing",
            "download 99",
            "pack 99",
            "download 7"
        ]
    );
}

#[test]
fn settings_are_listed_read_and_set() {
    let world = World::new();
    let service = FakeService::start(&world, serve);
    golden(&service, &world, "settings-list", &["settings", "list"]);
    golden(&service, &world, "settings-get", &["settings", "get", "limit"]);
    golden(&service, &world, "settings-set", &["settings", "set", "limit", "5MB"]);
    assert_eq!(service.run(&["settings", "get", "limit"]).succeeds().out, "20Mbit\n");
    assert_eq!(service.run(&["settings", "set", "limit"]).succeeds().out, "limit is none\n");
    let reset = Call::SetSetting(SetSetting { key: "limit".to_owned(), value: None });
    assert_eq!(service.calls().last(), Some(&reset));
    service.json(&["settings", "get", "colour"]).fails(1, "notFound", "settingUnknown");
}

#[test]
fn conditions_are_pretended_and_given_up() {
    let world = World::new();
    let service = FakeService::start(&world, serve);
    golden(&service, &world, "debug-conditions-show", &["debug", "conditions", "show"]);
    let set = ["debug", "conditions", "set", "network=offline"];
    golden(&service, &world, "debug-conditions-set", &set);
    let text = service.run(&set).succeeds().out;
    assert_eq!(text, "network  offline  (really online)\npower    normal\n");
    golden(&service, &world, "debug-conditions-show", &["debug", "conditions", "reset"]);
    assert_eq!(service.calls().last(), Some(&Call::Pretend(Pretend::default())));
    service.json(&["debug", "conditions", "set", "network"]).fails(2, "usage", "usage");
}

#[test]
fn an_app_is_described_with_its_groups_its_extension_and_its_limits() {
    let world = World::new();
    let service = FakeService::start(&world, serve);
    golden(&service, &world, "app-info-extension", &["app", "info", APP]);
    let text = service.run(&["app", "info", APP]).succeeds().out;
    for line in [
        "Manifest   https://example.com/manifest.json",
        "Group      group.com.example.game: /home/groups/group.com.example.game",
        "Limits     until its first launch 0 B of essential downloads and 3.00 MB of other downloads more",
        "Extension  /bundle/bin/downloads (ran 12.3 s of 600.0 s today)",
        "           2026-11-18T11:07:40Z: 1 call, 0.2 s, 2.00 MB; is there",
        "           2026-11-18T11:06:40Z: 2 calls, 12.0 s, 17.00 MB; it used more memory than it may",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is not in\n{text}");
    }
}

#[test]
fn downloads_that_failed_make_an_installation_and_a_simulation_exit_1() {
    let world = World::new();
    let service = FakeService::start(&world, serve);
    let installed = service.json(&["app", "install", "bundle"]);
    assert_eq!(installed.code, 1);
    assert_golden(&world, "app-install-failed-download", &installed);
    let text = service.run(&["app", "install", "bundle"]).out;
    assert!(text.starts_with("download `level-2` is missing: the download is larger"), "{text}");
    let simulate = ["debug", "simulate", "install", "--app", APP];
    let simulated = service.json(&simulate);
    assert_eq!(simulated.code, 1);
    assert_golden(&world, "debug-simulate-downloads", &simulated);
    let text = service.run(&simulate).out;
    assert!(text.starts_with("The extension asked for 2 downloads.\nCame: level-1\n"), "{text}");
}

#[test]
fn an_installation_is_paused_resumed_and_cancelled() {
    let world = World::new();
    let service = FakeService::start(&world, serve);
    for action in ["pause", "resume", "cancel"] {
        golden(&service, &world, "app-control", &["app", action, APP]);
    }
    let control = |action| Call::ControlInstallation(ControlInstallation { app: app(), action });
    let expected = [
        control(InstallationAction::Pause),
        control(InstallationAction::Resume),
        control(InstallationAction::Cancel),
    ];
    assert_eq!(service.calls(), expected);
}

#[test]
fn a_source_is_overridden_and_given_back() {
    let world = World::new();
    let service = FakeService::start(&world, serve);
    world.write("root.json", "{}");
    let url = "http://localhost:8000/";
    let command = ["debug", "override", "--app", APP, url, "--root", "root.json"];
    golden(&service, &world, "debug-override", &command);
    golden(&service, &world, "debug-override", &["debug", "override", "--app", APP, "--clear"]);
    let root = world.root().canonicalize().unwrap().join("root.json");
    let root = Some(root.to_str().unwrap().to_owned());
    let set = Override { app: app(), url: Some(url.to_owned()), root };
    let clear = Override { app: app(), url: None, root: None };
    assert_eq!(service.calls(), [Call::Override(set), Call::Override(clear)]);
    let missing = ["debug", "override", "--app", APP, url, "--root", "nowhere"];
    service.json(&missing).fails(2, "invalidInput", "rootMissing");
    service.json(&["debug", "override", "--app", APP]).fails(2, "usage", "usage");
    service.json(&["debug", "override", "--app", APP, url, "--clear"]).fails(2, "usage", "usage");
}

#[test]
fn a_debugger_is_told_which_process_waits_for_it() {
    let world = World::new();
    let service = FakeService::start(&world, serve);
    golden(&service, &world, "debug-attach", &["debug", "attach", "--app", APP]);
    // The app may also be named by a variable, so that a debugger's configuration needs no arguments.
    let mut command = service.command(&["debug", "attach", "--json"]);
    let ran = Ran::of(command.env("EXTENSION", APP).output().unwrap()).succeeds();
    assert_golden(&world, "debug-attach", &ran);
    let text = service.run(&["debug", "attach", "--app", APP]).succeeds();
    assert_eq!(text.out, "Process 4711 waits for a debugger:\ngdb -p 4711\n");
    assert_eq!(text.err, format!("Waiting for the next start of the extension of {APP}\n"));
    service.json(&["debug", "attach"]).fails(2, "usage", "usage");
}

/// An installation that goes on for longer than anybody watches it.
#[test]
fn an_interrupted_command_leaves_the_installation_going_on_and_says_how_to_end_it() {
    let world = World::new();
    let service = FakeService::start(&world, |call, peer| {
        assert!(matches!(call, Call::Install(_)), "{call:?}");
        peer.reply_and_go_on::<Install>(&InstallEvent::Progress(Progress {
            phase: Phase::Essential,
            pack: None,
            bytes_done: 1,
            bytes_total: 10,
            bytes_per_second: 0,
            eta_seconds: None,
            fraction: 0.1,
        }));
    });
    let mut running = Running::start(service.command(&["app", "install", "bundle", "--json"]));
    assert!(running.line().contains("progress"));
    running.signal(Signal::Interrupt);
    let ran = running.end().fails(130, "cancelled", "interrupted");
    let hint = ran.last()["error"]["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("goes on in the background"), "{hint}");
    assert!(hint.contains("headstart app cancel"), "{hint}");
    assert_eq!(service.calls().len(), 1);
}
