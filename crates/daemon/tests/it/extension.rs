//! Apps whose extension decides: real services, real extensions in their confinement, a real server on loopback.
#![cfg(target_os = "linux")]

mod debugged;
mod groups;
mod hostile;
mod install;
mod starting;

use std::path::{Path, PathBuf};

use headstart::apps::{AppDetails, InstallEvent, InstallOptions, Launchable};
use headstart::blocking::Apps;
use headstart::{AppId, Connector, Start};

use crate::device::{Device, Service};
use crate::publisher::{Web, noise};

/// A device with a bundle whose extension is the probe, and a server with its manifest and files.
pub struct Bench {
    pub folder: tempfile::TempDir,
    pub web: Web,
    pub device: Device,
    app: &'static str,
}

/// The probe, which is built with the tests.
fn probe() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let probe = tests.parent().unwrap().parent().unwrap().join("examples/extension_probe");
    assert!(probe.exists(), "{} is built by `cargo build --examples`", probe.display());
    probe
}

impl Bench {
    pub fn new(behaviour: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("web")).unwrap();
        std::fs::create_dir_all(folder.path().join("home")).unwrap();
        let web = Web::serve(&folder.path().join("web"));
        let device = Device {
            home: folder.path().join("home"),
            bundle: folder.path().join("app"),
            app: APP,
        };
        let bench = Self { folder, web, device, app: APP };
        bench.bundle(&bench.device.bundle, bench.app, behaviour);
        bench.manifest(&[]);
        bench
    }

    /// Writes a bundle with the probe as its extension.
    pub fn bundle(&self, folder: &Path, app: &str, behaviour: &str) {
        std::fs::create_dir_all(folder.join("bin")).unwrap();
        let description = format!(
            "[app]\nid = \"{app}\"\nversion = \"1.0.0\"\nexecutable = \"bin/game\"\n\
             extension = \"bin/extension\"\n\n[background-assets]\n\
             BAAppGroupID = \"group.{app}\"\nBAManifestURL = \"{}manifest\"\n\n\
             [background-assets.BAInitialDownloadRestrictions]\n\
             BADownloadDomainAllowList = [\"127.0.0.1\"]\nBADownloadAllowance = 10000000\n\
             BAEssentialDownloadAllowance = 10000000\n",
            self.web.url
        );
        std::fs::write(folder.join("headstart.toml"), description).unwrap();
        std::fs::write(folder.join("bin/game"), b"#!/bin/sh\necho playing\n").unwrap();
        let extension = folder.join("bin/extension");
        if std::fs::hard_link(probe(), &extension).is_err() {
            std::fs::copy(probe(), &extension).unwrap();
        }
        std::fs::write(folder.join("bin/behaviour"), behaviour).unwrap();
    }

    /// Puts files on the server, and a manifest that names them: name, bytes, and whether it is essential.
    pub fn manifest(&self, files: &[(&str, usize, bool)]) {
        let mut manifest = String::new();
        for (name, bytes, essential) in files {
            let content = noise(7, *bytes);
            std::fs::write(self.folder.path().join("web").join(name), content).unwrap();
            manifest.push_str(&self.line(name, *bytes, *essential));
        }
        self.manifest_text(&manifest);
    }

    /// The line of a manifest about one file.
    pub fn line(&self, name: &str, bytes: usize, essential: bool) -> String {
        let essential = if essential { " essential" } else { "" };
        format!("{name} {}{name} {bytes}{essential}\n", self.web.url)
    }

    pub fn manifest_text(&self, text: &str) {
        std::fs::write(self.folder.path().join("web/manifest"), text).unwrap();
    }

    /// Installs the app; what is told when it may be launched.
    pub fn install(&self) -> Launchable {
        self.install_bundle(&self.device.bundle)
    }

    pub fn install_bundle(&self, bundle: &Path) -> Launchable {
        let options = InstallOptions { dev: true, ..InstallOptions::default() };
        let events = self.apps().install(bundle, options).unwrap();
        let events: Vec<_> = events.collect::<Result<_, _>>().unwrap();
        let launchable = events.into_iter().find_map(|event| match event {
            InstallEvent::Launchable(launchable) => Some(launchable),
            _ => None,
        });
        launchable.unwrap()
    }

    /// For who is not the app: an app that calls has been launched.
    pub fn apps(&self) -> Apps {
        let connector = Connector::new().preferred_languages([]).home(&self.device.home);
        connector.start(Start::Never).apps_blocking().unwrap()
    }

    pub fn info(&self) -> AppDetails {
        self.info_of(self.app)
    }

    pub fn info_of(&self, app: &str) -> AppDetails {
        self.apps().info(&AppId::new(app).unwrap()).unwrap()
    }

    /// Why the extension's runs ended, newest first.
    pub fn ends(&self) -> Vec<String> {
        let runs = self.info().extension.expect("it has an extension").runs;
        runs.into_iter().filter_map(|run| run.ended).collect()
    }

    /// The container of the app's group.
    pub fn group(&self) -> PathBuf {
        self.device.home.join("groups").join(format!("group.{}", self.app))
    }

    /// What the probe has said so far.
    pub fn told(&self) -> Vec<String> {
        let told = std::fs::read_to_string(self.group().join("told")).unwrap_or_default();
        told.lines().map(str::to_owned).collect()
    }

    /// Fires a periodic content request and waits until everything that it brought about has ended.
    pub fn simulate(
        &self,
        request: headstart::ContentRequest,
    ) -> headstart::apps::SimulationOutcome {
        let app = AppId::new(self.app).unwrap();
        let events = self.apps().simulate_event(&app, request).unwrap();
        let events: Vec<_> = events.collect::<Result<_, _>>().unwrap();
        let outcome = events.into_iter().find_map(|event| match event {
            headstart::apps::SimulationEvent::Done(outcome) => Some(outcome),
            _ => None,
        });
        outcome.unwrap()
    }
}

/// Waits until something holds. What it looks at changes by itself: a process that ends, a file that is moved.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let ended = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while !holds() {
        assert!(std::time::Instant::now() < ended, "{what} does not happen");
        std::thread::park_timeout(std::time::Duration::from_millis(2));
    }
}

const APP: &str = "com.example.game";

/// Stops the service in order; its log.
pub fn stop(bench: &Bench, service: Service) -> String {
    service.stop(&bench.device)
}
