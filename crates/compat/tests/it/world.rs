//! A device of its own with the real service, and a real server on loopback.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(2);

/// The app that is installed.
pub(crate) const APP: &str = "com.example.game";
/// The group that the published examples of extensions name.
pub(crate) const GROUP: &str = "group.com.example.backgroundassets";
/// What the app's own server says.
pub(crate) const MANIFEST: &str = "the newest sample is 1024 bytes\n";

/// A program of the workspace; those of other packages are built if nobody has built them yet.
fn program(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let folder = tests.parent().unwrap().parent().unwrap();
    if !["headstart", "headstartd"].iter().all(|name| folder.join(name).exists()) {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--offline", "--workspace", "--bins"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(built.unwrap().success());
    }
    folder.join(name)
}

/// An example of this crate, which is built with the tests.
pub(crate) fn built_example(name: &str) -> PathBuf {
    let example = program("examples").join(name);
    assert!(example.exists(), "{} is built by `cargo build --examples`", example.display());
    example
}

pub(crate) struct World {
    folder: tempfile::TempDir,
    server: Option<Child>,
    proxy: String,
    /// What the proxy was asked for.
    asked: Receiver<String>,
}

impl World {
    pub(crate) fn new() -> Self {
        let (proxy, asked) = refusing_proxy();
        Self { folder: tempfile::tempdir().unwrap(), server: None, proxy, asked }
    }

    fn write(&self, name: &str, bytes: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// Serves a repository that has a pack `maps`, downloaded by this policy; its address.
    pub(crate) fn serve_pack(&mut self, policy: &str) -> String {
        let manifest = format!(
            r#"{{"assetPackID": "maps", "downloadPolicy": {policy}, "platforms": [],
            "fileSelectors": [{{"directory": "."}}], "sourceRoot": "source"}}"#
        );
        self.write("source/maps/north.txt", "The north is up.\n");
        self.write("pack.json", &manifest);
        self.headstart(&["pack", "pack.json", "-o", "maps.assetpack"]);
        self.headstart(&["repo", "init", "repository", "--keys", "keys"]);
        self.headstart(&["repo", "publish", "repository", "maps.assetpack", "--keys", "keys"]);
        let root =
            std::fs::read_to_string(self.folder.path().join("repository/metadata/root.json"));
        self.write("bundle/root.json", &root.unwrap());
        self.serve("repository")
    }

    /// Serves a manifest of an app's own; its address.
    pub(crate) fn serve_manifest(&mut self) -> String {
        self.write("web/manifest", MANIFEST);
        self.serve("web") + "manifest"
    }

    /// Serves a file, and a manifest that is its address; the manifest's address.
    pub(crate) fn serve_manifest_of_file(&mut self, file: &str) -> String {
        self.write("web/sample", file);
        let url = self.serve("web");
        self.write("web/manifest", &format!("{url}sample\n"));
        url + "manifest"
    }

    fn serve(&mut self, folder: &str) -> String {
        let mut command = self.command(&program("headstart"));
        let mut server = command
            .args(["serve", folder])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        let mut url = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut url).unwrap();
        self.server = Some(server);
        url.trim_end().trim_end_matches('/').to_owned() + "/"
    }

    /// Writes a bundle that says this of its app, and has a program as its extension.
    pub(crate) fn bundle(&self, folder: &str, text: &str, extension: &Path) {
        self.write(&format!("{folder}/headstart.toml"), text);
        self.write(&format!("{folder}/bin/game"), "#!/bin/sh\necho playing\n");
        let folder = self.folder.path().join(folder);
        // A file that somebody is still writing cannot be run; a link is not written.
        let place = folder.join("bin/extension");
        if std::fs::hard_link(extension, &place).is_err() {
            std::fs::copy(extension, &place).unwrap();
        }
    }

    /// Installs the app, with these keys of its bundle, and an extension if one is named.
    pub(crate) fn install(&self, keys: &str, extension: Option<&Path>) {
        let named = if extension.is_some() { "extension = \"bin/extension\"\n" } else { "" };
        let text = format!(
            "[app]\nid = \"{APP}\"\nversion = \"1.0.0\"\nexecutable = \"bin/game\"\n{named}\n\
             [background-assets]\nBAAppGroupID = \"{GROUP}\"\n{keys}"
        );
        // What no bundle names is passed over.
        self.bundle("bundle", &text, extension.unwrap_or(&program("headstart")));
        self.headstart(&["app", "install", "bundle", "--dev"]);
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().stdin(Stdio::null()).current_dir(self.folder.path());
        command.env("PATH", "/usr/bin:/bin").env("HEADSTART_HOME", self.folder.path().join("home"));
        // What is wanted from another machine ends at the proxy.
        command.env("HTTPS_PROXY", &self.proxy);
        command
    }

    /// Runs `headstart` to a good end; what it prints.
    pub(crate) fn headstart(&self, arguments: &[&str]) -> String {
        let output = self.command(&program("headstart")).args(arguments).output().unwrap();
        ended_well(&output, &format!("{arguments:?}"))
    }

    /// The same, as JSON.
    pub(crate) fn told(&self, arguments: &[&str]) -> Value {
        let told = self.headstart(&[arguments, &["--json"]].concat());
        serde_json::from_str(&told).unwrap()
    }

    /// Runs `headstart` to a bad end; the last that it tells.
    pub(crate) fn refusal(&self, arguments: &[&str]) -> Value {
        let mut command = self.command(&program("headstart"));
        let output = command.args(arguments).arg("--json").output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success(), "{arguments:?}: {told}");
        serde_json::from_str(told.lines().last().unwrap()).unwrap()
    }

    /// Runs a program as the app to a good end; what it prints.
    pub(crate) fn run_app(&self, program: &Path, arguments: &[&str]) -> String {
        let mut command = self.command(program);
        command.args(arguments).env("HEADSTART_APP", APP);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let ended = Instant::now() + PATIENCE;
        while child.try_wait().unwrap().is_none() && Instant::now() < ended {
            std::thread::park_timeout(Duration::from_millis(10));
        }
        // One that waits for what does not come has ended badly.
        child.kill().unwrap();
        ended_well(&child.wait_with_output().unwrap(), &program.display().to_string())
    }

    /// Runs a program that is no app to a good end; what it prints.
    pub(crate) fn run(&self, program: &Path, arguments: &[&str]) -> String {
        let output = self.command(program).args(arguments).output().unwrap();
        ended_well(&output, &program.display().to_string())
    }

    /// Waits until the service has logged a line with this text; all that it has logged.
    pub(crate) fn until_logged(&self, text: &str) -> String {
        let ended = Instant::now() + PATIENCE;
        loop {
            let log = self.headstart(&["service", "logs"]);
            if log.contains(text) {
                return log;
            }
            assert!(Instant::now() < ended, "{text}: never, with {log}");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// Waits until there is a file in the group's container; what is in it.
    pub(crate) fn until_kept(&self, name: &str) -> String {
        let file = self.folder.path().join("home/groups").join(GROUP).join(name);
        let ended = Instant::now() + PATIENCE;
        loop {
            if let Ok(text) = std::fs::read_to_string(&file) {
                return text;
            }
            assert!(Instant::now() < ended, "{name}: never");
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// Waits until something is wanted from another machine: the request that the proxy got.
    pub(crate) fn until_asked(&self) -> String {
        self.asked.recv_timeout(PATIENCE).expect("a request")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A test that has failed already says more than this could.
        let _ended = self.command(&program("headstart")).args(["service", "stop"]).output();
        if let Some(server) = &mut self.server {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }
}

fn ended_well(output: &Output, what: &str) -> String {
    let told = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {told}{failed}");
    told.into_owned()
}

/// A proxy that remembers what it is asked for, and gives nothing.
fn refusing_proxy() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (told, asked) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut request = String::new();
            let read = BufReader::new(stream).read_line(&mut request);
            if read.is_err() || told.send(request).is_err() {
                return;
            }
        }
    });
    (address, asked)
}
