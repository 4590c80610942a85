//! A device: a home, the service, an app.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use headstart::apps::{InstallEvent, InstallOptions};
use headstart::blocking::{Apps, AssetPackManager, Packs};
use headstart::{AppId, Connector, Error, PackId, Require, Start};

use crate::publisher::Files;

pub const APP: &str = "com.example.game";

/// A home in a folder, and a bundle to install.
pub struct Device {
    pub home: PathBuf,
    pub bundle: PathBuf,
    pub app: &'static str,
}

impl Device {
    /// A device below `folder` with a bundle for the repository at `url`.
    pub fn new(folder: &Path, url: &str, root: &Path) -> Self {
        Self::of_app(APP, &folder.join("home"), &folder.join("bundle"), (url, root))
    }

    /// The device whose home is `home`, as `app` sees it, with a new bundle for the repository.
    pub fn of_app(
        app: &'static str,
        home: &Path,
        bundle: &Path,
        (url, root): (&str, &Path),
    ) -> Self {
        std::fs::create_dir_all(bundle.join("bin")).unwrap();
        std::fs::create_dir_all(home).unwrap();
        let description = describe(app, url, "1.0.0");
        std::fs::write(bundle.join("headstart.toml"), description).unwrap();
        std::fs::copy(root, bundle.join("root.json")).unwrap();
        std::fs::write(bundle.join("bin/game"), b"#!/bin/sh\necho playing\n").unwrap();
        Self { home: home.to_owned(), bundle: bundle.to_owned(), app }
    }

    pub fn connector(&self) -> Connector {
        let app = AppId::new(self.app).unwrap();
        // What whoever runs the tests reads must not decide what they find.
        let connector = Connector::new().preferred_languages([]).home(&self.home);
        connector.start(Start::Never).app(app.clone()).on_behalf_of(app)
    }

    /// Starts the service and waits until it says that it is ready, or has ended.
    pub fn start(&self, arguments: &[&str]) -> Service {
        self.start_in("C", arguments)
    }

    /// The same, where the environment names this locale.
    pub fn start_in(&self, locale: &str, arguments: &[&str]) -> Service {
        self.start_program(Path::new(env!("CARGO_BIN_EXE_headstartd")), locale, arguments)
    }

    /// The same with this copy of the service's program.
    pub fn start_program(&self, program: &Path, locale: &str, arguments: &[&str]) -> Service {
        let notify = self.home.join("notify");
        let _ = std::fs::remove_file(&notify);
        let socket = UnixDatagram::bind(&notify).unwrap();
        let mut child = Command::new(program)
            .args(arguments)
            .args(["--log", "debug"])
            .env("HEADSTART_HOME", &self.home)
            .env("NOTIFY_SOCKET", &notify)
            .env_remove("HEADSTART_SOCKET")
            .env_remove("XDG_RUNTIME_DIR")
            .env_remove("LANGUAGE")
            .env("LC_ALL", locale)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The log is read by a thread; its end is the end of the process, which wakes whoever waits for readiness.
        let stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                log.push_str(&line);
                log.push('\n');
            }
            let wake = UnixDatagram::unbound().unwrap();
            let _ = wake.send_to(b"ENDED", &notify);
            log
        });
        let mut buffer = [0; 64];
        let received = socket.recv(&mut buffer).unwrap();
        let ready = buffer[..received].starts_with(b"READY=1");
        Service { child, log: Some(log), ready }
    }

    pub fn apps(&self) -> Result<Apps, Error> {
        self.connector().apps_blocking()
    }

    pub fn packs(&self) -> Result<Packs, Error> {
        self.connector().packs_blocking()
    }

    pub fn library(&self) -> Result<AssetPackManager, Error> {
        self.connector().asset_packs_blocking()
    }

    /// Installs the app; gives the events, the last one first failing or `Done`.
    pub fn install(&self) -> Result<Vec<InstallEvent>, Error> {
        let options = InstallOptions { dev: true, ..InstallOptions::default() };
        self.apps()?.install(&self.bundle, options)?.collect()
    }

    /// Waits until packs are local.
    pub fn ensure(&self, packs: &[&str], require: Require) -> Result<(), Error> {
        let ids: Vec<_> = packs.iter().map(|id| PackId::new(*id).unwrap()).collect();
        for event in self.packs()?.ensure(&ids, require)? {
            if let headstart::packs::EnsureEvent::Done(outcome) = event? {
                assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
                return Ok(());
            }
        }
        panic!("the call ended without its result");
    }

    /// Every file of a pack as the app reads it, without the service.
    pub fn read_pack(&self, pack: &str, paths: impl Iterator<Item = String>) -> Option<Files> {
        let namespace = self.open_namespace()?;
        namespace.local_version(pack).ok()?;
        let mut files = BTreeMap::new();
        for path in paths {
            if let Ok(contents) = namespace.contents_in(pack, &path) {
                files.insert(path, contents.to_vec());
            }
        }
        Some(files)
    }

    fn open_namespace(&self) -> Option<headstart::Namespace> {
        self.library().ok()?.namespace().ok()
    }
}

/// What a bundle says about an app.
pub fn describe(app: &str, url: &str, version: &str) -> String {
    format!(
        "[app]\nid = \"{app}\"\nversion = \"{version}\"\nexecutable = \"bin/game\"\nlanguages = [\"en\"]\n\n\
         [background-assets]\nBAAppGroupID = \"group.{app}\"\nBAHasManagedAssetPacks = true\n\
         BARepositoryURL = \"{url}\"\n"
    )
}

/// A running service; killed when dropped.
pub struct Service {
    child: Child,
    log: Option<std::thread::JoinHandle<String>>,
    /// Whether it came as far as accepting connections.
    pub ready: bool,
}

impl Service {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// kill -9, now.
    pub fn kill(mut self) -> String {
        let _ = self.child.kill();
        self.wait().1
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        (status, self.log.take().map_or_else(String::new, |log| log.join().unwrap()))
    }

    /// Ends it in order and gives its log.
    pub fn stop(mut self, device: &Device) -> String {
        device.connector().service_blocking().unwrap().stop().unwrap();
        let (status, log) = self.wait();
        assert!(status.success(), "the service ended with {status}:\n{log}");
        log
    }

    /// Whether it was killed by a signal.
    pub fn was_killed(&mut self) -> bool {
        self.wait().0.signal() == Some(9)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
