//! The queue, settings and extensions with a real service, a real extension in its confinement, and a real server.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::device::daemon;
use crate::golden::assert_golden;
use crate::world::{Ran, Running, Serving, Signal, World, noise};

const APP: &str = "com.example.game";

/// The extension of the service's own tests: it asks for what the manifest lists, a file a line.
fn extension() -> PathBuf {
    let programs = Path::new(env!("CARGO_BIN_EXE_headstart")).parent().expect("a folder");
    let program = programs.join("examples/extension_probe");
    if !program.exists() {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "headstart-daemon"])
            .args(["--example", "extension_probe"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(built.success());
    }
    program
}

/// A device, and a server with a manifest and its files.
struct Device {
    world: World,
    server: Serving,
}

impl Device {
    /// Files of the manifest: name, bytes, and whether it is essential. One without bytes is not on the server.
    fn new(files: &[(&str, usize, bool)]) -> Self {
        assert!(daemon().exists());
        let world = World::new();
        world.write("web/manifest", "");
        let server = world.serve(&["web"]);
        let mut manifest = String::new();
        for (name, bytes, essential) in files {
            let (url, essential) = (&server.url, if *essential { " essential" } else { "" });
            let url = url.trim_end_matches('/');
            let size = (*bytes).max(1);
            writeln!(manifest, "{name} {url}/{name} {size}{essential}").unwrap();
            if *bytes > 0 {
                world.write(&format!("web/{name}"), noise(7, *bytes));
            }
        }
        world.write("web/manifest", manifest);
        let url = server.url.trim_end_matches('/');
        world.write(
            "bundle/headstart.toml",
            format!(
                "[app]\nid = \"{APP}\"\nversion = \"1.0.0\"\nexecutable = \"bin/game\"\n\
                 extension = \"bin/extension\"\n\n[background-assets]\n\
                 BAAppGroupID = \"group.{APP}\"\nBAManifestURL = \"{url}/manifest\"\n\n\
                 [background-assets.BAInitialDownloadRestrictions]\n\
                 BADownloadDomainAllowList = [\"127.0.0.1\"]\nBADownloadAllowance = 10000000\n\
                 BAEssentialDownloadAllowance = 10000000\n"
            ),
        );
        world.write("bundle/bin/game", "#!/bin/sh\necho playing\n");
        std::fs::copy(extension(), world.path("bundle/bin/extension")).unwrap();
        Self { world, server }
    }

    fn json(&self, arguments: &[&str]) -> Ran {
        self.world.json(arguments)
    }

    /// From now on a megabyte takes half a minute, and a few bytes no time.
    fn slow_down(&self) {
        self.json(&["settings", "set", "limit", "30kB"]).succeeds();
    }

    fn install(&self) -> Ran {
        self.json(&["app", "install", "bundle", "--dev"])
    }

    /// Begins an installation, and waits until something of it is told.
    fn installing(&self) -> Running {
        let mut running = self.world.spawn(&["app", "install", "bundle", "--dev", "--json"]);
        assert!(running.line().contains("progress"));
        running
    }

    fn queue(&self) -> Vec<Value> {
        let list = self.json(&["downloads", "list"]).succeeds().last();
        list["downloads"].as_array().unwrap().clone()
    }

    /// The one download of the queue, once there is one.
    fn download(&self) -> Value {
        loop {
            if let Some(download) = self.queue().pop() {
                return download;
            }
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.world.run(&["service", "stop"]);
        self.server.running.signal(Signal::Kill);
    }
}

fn facts(explained: &Value) -> Vec<&str> {
    let reasons = explained["reasons"].as_array().unwrap();
    reasons.iter().map(|reason| reason["fact"].as_str().unwrap()).collect()
}

#[test]
fn a_download_is_listed_paused_explained_promoted_and_cancelled() {
    let device = Device::new(&[("first", 1_000, true), ("extra", 1_000_000, false)]);
    device.slow_down();
    let installed = device.install().succeeds();
    assert_eq!(installed.last()["state"], "launchable", "{installed:?}");
    let listed = device.download();
    assert_eq!(listed["subject"], json!({ "identifier": "extra" }));
    assert_eq!((&listed["app"], &listed["essential"]), (&json!(APP), &json!(false)));
    let id = listed["id"].to_string();

    let paused = device.json(&["downloads", "pause", &id]).succeeds().last();
    assert_eq!(paused["downloads"][0]["paused"], true, "{paused}");
    let explained = device.json(&["explain", "extra"]).succeeds().last();
    assert_eq!(explained["state"], "waiting");
    assert!(!facts(&explained).is_empty(), "{explained:#}");
    assert_eq!(device.json(&["explain", &id]).succeeds().last()["state"], "waiting");

    let resumed = device.json(&["downloads", "resume", "extra"]).succeeds().last();
    assert_eq!(resumed["downloads"][0]["paused"], false, "{resumed}");
    let promoted = device.json(&["downloads", "promote", "extra", "--app", APP]).succeeds().last();
    assert_eq!(promoted["downloads"][0]["foreground"], true, "{promoted}");
    let cancelled = device.json(&["downloads", "cancel", "extra"]).succeeds().last();
    let state = &cancelled["downloads"][0]["state"];
    assert!(state == "failed" || state.is_null(), "{cancelled}");
    // It stays until its extension has heard of it.
    while !device.queue().is_empty() {}
    assert_eq!(device.json(&["downloads", "pause", &id]).code, 1);
    assert_eq!(device.json(&["explain", "extra"]).code, 1);
}

#[test]
fn an_essential_download_that_fails_is_told_with_the_reason() {
    let device = Device::new(&[("first", 1_000, true), ("gone", 0, true)]);
    let installed = device.install();
    assert_eq!(installed.code, 1);
    let launchable = installed.objects().into_iter().find(|it| it["event"] == "launchable");
    let failed = launchable.unwrap()["failedDownloads"].clone();
    assert_eq!((&failed[0]["identifier"], &failed[1]), (&json!("gone"), &Value::Null), "{failed}");
    assert_eq!(failed[0]["error"]["kind"], "notFound", "{failed}");
    let info = device.json(&["app", "info", APP]).succeeds().last();
    assert!(info["extension"]["program"].as_str().unwrap().ends_with("bundle/bin/extension"));
    let first = info["extension"]["runs"].as_array().unwrap().last().unwrap();
    assert!(first["calls"].as_u64().unwrap() > 0, "{info:#}");
    assert_eq!(first["ended"], "the installation has ended");
    assert_eq!(info["groups"][0]["group"], format!("group.{APP}"));
    assert!(info["manifestURL"].as_str().unwrap().ends_with("/manifest"));
    assert!(info["limits"]["downloadBytesRemaining"].as_u64().unwrap() <= 10_000_000, "{info:#}");
}

#[test]
fn a_simulated_event_tells_what_the_extension_asked_for_and_what_became_of_it() {
    let device = Device::new(&[]);
    device.install().succeeds();
    let url = device.server.url.trim_end_matches('/');
    device.world.write("web/later", noise(7, 5_000));
    device.world.write("web/manifest", format!("later {url}/later 5000\ngone {url}/gone 1\n"));
    let simulated = device.json(&["debug", "simulate", "periodic", "--app", APP]);
    assert_eq!(simulated.code, 1, "{simulated:?}");
    let scheduled = simulated.objects().into_iter().find(|it| it["event"] == "scheduled");
    assert_eq!(scheduled.unwrap()["downloads"], 2);
    let done = simulated.last();
    assert_eq!(done["downloads"], json!(["later"]), "{done:#}");
    assert_eq!(done["failedDownloads"][0]["identifier"], "gone", "{done:#}");
    assert_eq!(done["extension"], Value::Null, "{done:#}");
}

#[test]
fn an_installation_is_paused_goes_on_and_is_cancelled() {
    let device = Device::new(&[("first", 1_000_000, true)]);
    device.slow_down();
    let installing = device.installing();
    let id = device.download()["id"].to_string();
    device.json(&["app", "pause", APP]).succeeds();
    let explained = device.json(&["explain", &id]).succeeds().last();
    assert_eq!(explained["state"], "waiting", "{explained:#}");
    assert!(!facts(&explained).is_empty(), "{explained:#}");
    device.json(&["app", "resume", APP]).succeeds();
    device.json(&["app", "cancel", APP]).succeeds();
    installing.end().fails(130, "cancelled", "cancelled");
    // A first installation is undone.
    loop {
        let list = device.json(&["app", "list"]).succeeds().last();
        let Some(app) = list["apps"].as_array().unwrap().first() else { break };
        assert_eq!(app["state"], "removing");
    }
    assert_eq!(device.json(&["app", "pause", APP]).code, 1);
}

#[test]
fn an_installation_goes_on_without_its_command_and_can_be_watched_again() {
    let device = Device::new(&[("first", 1_000_000, true)]);
    device.slow_down();
    let installing = device.installing();
    device.download();
    installing.signal(Signal::Interrupt);
    installing.end().fails(130, "cancelled", "interrupted");
    assert_eq!(device.download()["essential"], true);
    let again = device.installing();
    device.json(&["settings", "set", "limit"]).succeeds();
    assert_eq!(again.end().succeeds().last()["state"], "launchable");
}

#[test]
fn settings_last_and_conditions_do_not() {
    let device = Device::new(&[]);
    device.install().succeeds();
    let key = format!("background-activity.{APP}");
    assert_eq!(device.world.run(&["settings", "get", &key]).succeeds().out, "on\n");
    device.json(&["settings", "set", &key, "off"]).succeeds();
    device.json(&["settings", "set", "transfers", "3"]).succeeds();
    device.json(&["debug", "conditions", "set", "power=low"]).succeeds();
    let both = device.json(&["debug", "conditions", "set", "network=offline"]).succeeds().last();
    let of = |document: &Value, key: &str| {
        let conditions = document["conditions"].as_array().unwrap();
        conditions.iter().find(|it| it["key"] == key).unwrap()["value"].clone()
    };
    assert_eq!((of(&both, "power"), of(&both, "network")), (json!("low"), json!("offline")));
    device.json(&["service", "stop"]).succeeds();
    assert_eq!(device.world.run(&["settings", "get", &key]).succeeds().out, "off\n");
    assert_eq!(device.world.run(&["settings", "get", "transfers"]).succeeds().out, "3\n");
    let show = device.json(&["debug", "conditions", "show"]).succeeds().last();
    assert_eq!(of(&show, "network"), "online");
    assert_golden(
        &device.world,
        "settings-list-real",
        &device.json(&["settings", "list"]).succeeds(),
    );
    device.json(&["settings", "set", "transfers", "17"]).fails(2, "usage", "badSetting");
    device.json(&["settings", "set", "colour", "red"]).fails(2, "usage", "unknownSetting");
    device.json(&["debug", "conditions", "set", "sky=blue"]).fails(2, "usage", "unknownCondition");
}

#[test]
fn only_apps_under_development_follow_another_source() {
    let device = Device::new(&[]);
    device.install().succeeds();
    device.world.write("web/other", "");
    let other = format!("{}/other", device.server.url.trim_end_matches('/'));
    device.json(&["debug", "override", "--app", APP, &other]).succeeds();
    device.json(&["debug", "override", "--app", APP, "--clear"]).succeeds();
    let elsewhere = ["debug", "override", "--app", APP, "http://example.com/manifest"];
    device.json(&elsewhere).fails(1, "refused", "bundleUrl");
    let unknown = ["debug", "override", "--app", "com.example.other", &other];
    device.json(&unknown).fails(1, "notFound", "appNotFound");
}

#[test]
fn an_extension_waits_for_its_debugger_before_it_runs() {
    let device = Device::new(&[]);
    device.install().succeeds();
    let mut attaching = device.world.spawn(&["debug", "attach", "--app", APP]);
    let attached = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // A run that began before somebody waited for it is not meant: the next one is.
        scope.spawn(|| {
            while !attached.load(Ordering::SeqCst) {
                let simulate = ["debug", "simulate", "periodic", "--app", APP];
                device.json(&simulate).succeeds();
            }
        });
        let first = attaching.line();
        attached.store(true, Ordering::SeqCst);
        assert_eq!(attaching.line(), let_go(&first));
    });
    attaching.end().succeeds();
}

/// Does what a debugger does in the end, when the process has stopped; gives how one would attach to it.
fn let_go(line: &str) -> String {
    let pid: u32 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    let command = format!("gdb -p {pid}");
    // It says so a moment before it stops.
    loop {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let state = state.rsplit(") ").next().unwrap().chars().next().unwrap();
        if state == 'T' {
            break;
        }
        assert!("RSD".contains(state), "{state}");
    }
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    command
}
