//! A run of `run.sh` in a folder of its own.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

pub const EXAMPLE: &str = env!("CARGO_MANIFEST_DIR");

/// The folder of all programs; those of other packages are built if nobody has built them yet.
fn programs() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_talks")).parent().unwrap();
    if !["headstart", "headstartd"].iter().all(|name| folder.join(name).exists()) {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--workspace", "--bins"])
            .current_dir(EXAMPLE)
            .status();
        assert!(built.unwrap().success());
    }
    folder.to_owned()
}

/// Without what the person who runs the tests has set.
fn isolated(program: &str) -> Command {
    let mut command = Command::new(program);
    for name in ["HEADSTART_SOCKET", "HEADSTART_APP", "HEADSTART_APP_TOKEN", "XDG_RUNTIME_DIR"] {
        command.env_remove(name);
    }
    command
}

pub struct World {
    root: tempfile::TempDir,
    script: Child,
    /// Taken when the person leaves.
    says: Option<ChildStdin>,
    hears: Lines<BufReader<ChildStdout>>,
}

impl World {
    /// The viewer, launched and answering; each talk is so many seconds long.
    pub fn with_talks_of(seconds: u32) -> Self {
        Self::over_a_link_of("1000Mbit", seconds)
    }

    /// The same, where the server sends no faster than this.
    pub fn over_a_link_of(bandwidth: &str, seconds: u32) -> Self {
        let root = tempfile::tempdir().unwrap();
        let mut script = isolated("bash")
            .args([&format!("{EXAMPLE}/run.sh"), "--json"])
            .env("TALKS_PROGRAMS", programs())
            .env("TALKS_FOLDER", root.path().join("talks"))
            .env("TALKS_SECONDS", seconds.to_string())
            .env("TALKS_BANDWIDTH", bandwidth)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let says = script.stdin.take();
        let hears = BufReader::new(script.stdout.take().unwrap()).lines();
        let mut world = Self { root, script, says, hears };
        world.say("list");
        world.hear_event("talks");
        world
    }

    pub fn folder(&self) -> PathBuf {
        self.root.path().join("talks")
    }

    /// Says a line to the viewer.
    pub fn say(&mut self, line: &str) {
        writeln!(self.says.as_ref().unwrap(), "{line}").unwrap();
    }

    /// What the viewer says until something fits, which is given.
    pub fn hear(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        let mut heard = Vec::new();
        for line in self.hears.by_ref() {
            let said: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if fits(&said) {
                return said;
            }
            heard.push(said);
        }
        panic!("the viewer ended without it: {heard:#?}");
    }

    /// Waits for an event by its name.
    pub fn hear_event(&mut self, name: &str) -> Value {
        self.hear(|said| said["event"] == name)
    }

    /// Waits until the row of a talk says that this version is here, or that none is.
    pub fn hear_local(&mut self, id: &str, version: Option<u64>) {
        self.hear(|said| {
            said["event"] == "talk"
                && said["id"] == id
                && said["localVersion"] == Value::from(version)
        });
    }

    /// Runs lines of the shell in a second terminal; gives what they print.
    pub fn shell(&self, lines: &str) -> String {
        let path = std::env::join_paths(
            [programs(), "/usr/local/bin".into(), "/usr/bin".into(), "/bin".into()].iter(),
        );
        let ran = isolated("sh")
            .args(["-e", "-c", lines])
            .current_dir(self.folder())
            .env("HEADSTART_HOME", self.folder().join("device"))
            .env("PATH", path.unwrap())
            .env("talks", EXAMPLE)
            .output()
            .unwrap();
        let complaints = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{lines}\n{complaints}");
        String::from_utf8(ran.stdout).unwrap()
    }

    /// The digest of a video as the author has it.
    pub fn digest_of(&self, id: &str) -> String {
        let video = std::fs::read(self.folder().join(format!("content/talks/{id}.y4m"))).unwrap();
        blake3::hash(&video).to_string()
    }

    /// The viewer is left; whether it and the script ended well.
    pub fn leave(mut self) -> bool {
        self.says = None;
        self.script.wait().unwrap().success()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The end of its input ends the viewer, and the script takes service and server down.
        self.says = None;
        let _ = self.script.wait();
    }
}
