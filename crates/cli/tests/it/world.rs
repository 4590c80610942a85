//! A folder with sources and a home of its own, and the binary run in it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub struct World {
    folder: TempDir,
}

/// What a run of the binary said.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// The objects on stdout, one a line.
    pub fn objects(&self) -> Vec<Value> {
        let line = |line| {
            serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?} is not JSON: {self:?}"))
        };
        self.out.lines().map(line).collect()
    }

    /// The last object on stdout.
    pub fn last(&self) -> Value {
        self.objects().pop().unwrap_or_else(|| panic!("nothing on stdout: {self:?}"))
    }

    #[track_caller]
    pub fn succeeds(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// Failed with this exit code, kind and code, told to people on stderr and to programs on stdout.
    #[track_caller]
    pub fn fails(self, exit: i32, kind: &str, code: &str) -> Self {
        assert_eq!(self.code, exit, "{self:?}");
        let error = &self.last()["error"];
        assert_eq!((&error["kind"], &error["code"]), (&kind.into(), &code.into()), "{self:?}");
        assert!(self.err.starts_with("error: "), "{self:?}");
        self
    }
}

/// Bytes from a fixed linear congruence: the same on every machine, and not compressible.
pub fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed ^ 0x2545_f491_4f6c_dd1d;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..bytes).map(|_| next()).collect()
}

impl World {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("below the world")).expect("a folder");
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    /// A manifest of pack `Level1` that takes everything in `src`, and the files there.
    pub fn with_sources() -> Self {
        let world = Self::new();
        world.write("src/text/story.txt", "Once upon a time.\n".repeat(200));
        world.write("src/textures/sky.bin", noise(1, 1_500_000));
        world.write("src/textures/grass.bin", noise(2, 300_000));
        std::fs::create_dir(world.path("src/empty")).expect("a folder");
        world.manifest("Level1");
        world
    }

    pub fn manifest(&self, id: &str) {
        let text = format!(
            r#"{{ // everything
                "assetPackID": "{id}", "downloadPolicy": {{ "onDemand": {{}} }}, "platforms": [],
                "fileSelectors": [ {{ "directory": "." }} ], "sourceRoot": "src",
            }}"#
        );
        self.write("pack.jsonc", text);
    }

    /// Packs `src` into `NAME.assetpack`.
    pub fn pack(&self, name: &str) -> PathBuf {
        let archive = self.path(&format!("{name}.assetpack"));
        self.run(&[
            "pack",
            "pack.jsonc",
            "-o",
            archive.to_str().expect("UTF-8"),
            "--level",
            "fast",
        ])
        .succeeds();
        archive
    }

    /// A repository `repo` with version 1 of `Level1`.
    pub fn with_repository() -> Self {
        let world = Self::with_sources();
        world.pack("v1");
        world.run(&["repo", "init", "repo"]).succeeds();
        world.run(&["repo", "publish", "repo", "v1.assetpack"]).succeeds();
        world
    }

    /// Changes a few bytes in the middle of the largest file and adds a small one, then publishes that.
    pub fn publish_second(&self) {
        let mut sky = noise(1, 1_500_000);
        sky.splice(700_000..700_010, *b"0123456789");
        self.write("src/textures/sky.bin", sky);
        self.write("src/text/second.txt", "It goes on.\n");
        self.pack("v2");
        self.run(&["repo", "publish", "repo", "v2.assetpack"]).succeeds();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_headstart"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("HEADSTART_HOME", self.path("home")).env_remove("HEADSTART_LOG");
        // Whoever runs the tests may sit at a desktop, which is left alone.
        command.env_remove("WAYLAND_DISPLAY").env_remove("DISPLAY");
        command.env_remove("XDG_CURRENT_DESKTOP").env_remove("DBUS_SESSION_BUS_ADDRESS");
        command.env("XDG_DATA_HOME", self.path("data"));
        command.env_remove("http_proxy").env_remove("https_proxy").env_remove("all_proxy");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().expect("the binary runs"))
    }

    /// As [`World::run`], for a program.
    pub fn json(&self, arguments: &[&str]) -> Ran {
        let mut with = arguments.to_vec();
        with.push("--json");
        self.run(&with)
    }

    pub fn spawn(&self, arguments: &[&str]) -> Running {
        Running::start(self.command(arguments))
    }

    /// Starts a server and waits until it listens.
    pub fn serve(&self, arguments: &[&str]) -> Serving {
        let mut all = vec!["serve"];
        all.extend(arguments);
        let mut running = self.spawn(&all);
        let url = running.line();
        assert!(url.starts_with("http"), "{url:?}");
        Serving { url, running }
    }
}

/// A process that runs; it is killed if a test forgets it.
pub struct Running {
    child: Option<Child>,
    lines: BufReader<ChildStdout>,
    said: String,
}

#[derive(Debug, Clone, Copy)]
pub enum Signal {
    Interrupt,
    Terminate,
    Kill,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        Self { child: Some(child), lines, said: String::new() }
    }

    /// The next line on stdout.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("readable");
        self.said.push_str(&line);
        line.trim_end().to_owned()
    }

    pub fn signal(&self, signal: Signal) {
        use rustix::process::{Pid, kill_process};
        let child = self.child.as_ref().expect("it runs");
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id")).expect("not 0");
        let signal = match signal {
            Signal::Interrupt => rustix::process::Signal::INT,
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        kill_process(pid, signal).expect("it runs");
    }

    /// Waits until it ends.
    pub fn end(mut self) -> Ran {
        let child = self.child.take().expect("it runs");
        std::io::Read::read_to_string(&mut self.lines, &mut self.said).expect("UTF-8");
        let output = child.wait_with_output().expect("it ends");
        Ran { out: std::mem::take(&mut self.said), ..Ran::of(output) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub struct Serving {
    pub url: String,
    pub running: Running,
}

impl Serving {
    /// Ends the server as an administrator would.
    pub fn stop(self) -> Ran {
        self.running.signal(Signal::Terminate);
        self.running.end().succeeds()
    }
}

/// Everything below a folder: files with their bytes, folders without.
pub fn tree(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            let relative = path.strip_prefix(folder).expect("below").to_owned();
            if path.is_dir() {
                found.insert(relative, None);
                folders.push(path);
            } else {
                found.insert(relative, Some(std::fs::read(&path).expect("a file")));
            }
        }
    }
    found
}

#[track_caller]
pub fn assert_same_tree(one: &Path, other: &Path) {
    let (one, other) = (tree(one), tree(other));
    let names =
        |tree: &BTreeMap<PathBuf, Option<Vec<u8>>>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&one), names(&other));
    for (path, bytes) in &one {
        assert!(other[path] == *bytes, "{} differs", path.display());
    }
}
