//! A device with a service of its own, a bundle of the game, and the server that it names.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::server::Server;

const EXAMPLE: &str = env!("CARGO_MANIFEST_DIR");

/// The folder of all programs; those of other packages are built if nobody has built them yet.
fn programs() -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_levels")).parent().unwrap();
    if !["headstart", "headstartd"].iter().all(|name| folder.join(name).exists()) {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--workspace", "--bins"])
            .current_dir(EXAMPLE)
            .status();
        assert!(built.unwrap().success());
    }
    folder.to_owned()
}

pub struct World {
    root: tempfile::TempDir,
    pub server: Server,
}

impl World {
    /// Levels by name, size in bytes, and whether the game needs them.
    pub fn new(levels: &[(&str, usize, bool)]) -> Self {
        let server = Server::start();
        let mut said = Vec::new();
        for (name, bytes, essential) in levels {
            server.put(name, vec![7; *bytes]);
            let url = format!("{}{name}", server.url);
            said.push(serde_json::json!({ "name": name, "url": url, "bytes": bytes, "essential": essential }));
        }
        let manifest = serde_json::json!({ "levels": said });
        server.put("levels.json", serde_json::to_vec(&manifest).unwrap());
        let world = Self { root: tempfile::tempdir().unwrap(), server };
        world.bundle();
        world
    }

    /// The bundle of the example, with this server in the place of the real one.
    fn bundle(&self) {
        let bin = self.root.path().join("bundle/bin");
        std::fs::create_dir_all(&bin).unwrap();
        for name in ["levels", "levels-extension"] {
            std::fs::copy(programs().join(name), bin.join(name)).unwrap();
        }
        let description = std::fs::read_to_string(format!("{EXAMPLE}/bundle/headstart.toml"));
        let description = description
            .unwrap()
            .replace("https://assets.example.com/", &self.server.url)
            .replace("assets.example.com", "127.0.0.1");
        std::fs::write(self.root.path().join("bundle/headstart.toml"), description).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(programs().join("headstart"));
        for name in ["HEADSTART_SOCKET", "HEADSTART_APP", "HEADSTART_APP_TOKEN", "XDG_RUNTIME_DIR"]
        {
            command.env_remove(name);
        }
        command.args(arguments).current_dir(self.root.path());
        command.env("HEADSTART_HOME", self.root.path().join("device")).output().unwrap()
    }

    /// Runs `headstart` to a good end; everything that it says.
    pub fn headstart(&self, arguments: &[&str]) -> String {
        let (code, said) = self.ends(arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        said
    }

    /// Runs `headstart`; how it ends, and everything that it says.
    pub fn ends(&self, arguments: &[&str]) -> (i32, String) {
        let ran = self.run(arguments);
        let said = String::from_utf8_lossy(&ran.stdout).into_owned()
            + &String::from_utf8_lossy(&ran.stderr);
        (ran.status.code().unwrap(), said)
    }

    /// Launches the game; what it prints.
    pub fn game(&self, arguments: &[&str]) -> String {
        let launch = ["app", "launch", "com.example.levels", "--"];
        let ran = self.run(&[&launch, arguments].concat());
        let complaints = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{arguments:?}: {complaints}");
        String::from_utf8(ran.stdout).unwrap()
    }

    /// Waits until the extension has kept a level, whole.
    pub fn until_kept(&self, level: &str, bytes: u64) {
        let file =
            self.root.path().join("device/groups/group.com.example.levels/levels").join(level);
        self.until(level, || std::fs::metadata(&file).is_ok_and(|file| file.len() == bytes));
    }

    /// Waits until the game lists this line.
    pub fn until_listed(&self, line: &str) {
        self.until(line, || self.game(&[]).lines().any(|listed| listed == line));
    }

    /// Waits for what comes by itself.
    fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let ended = Instant::now() + Duration::from_mins(2);
        while !holds() {
            let downloads = || self.headstart(&["downloads"]);
            assert!(Instant::now() < ended, "{what}: never, with {}", downloads());
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.run(&["service", "stop"]);
    }
}
