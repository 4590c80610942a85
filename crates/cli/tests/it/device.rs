//! The commands that talk to the service, with a real service: what programs are told.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::golden::assert_golden;
use crate::world::{Ran, World};

pub const APP: &str = "com.example.game";
/// What describes the app's bundle.
pub const BUNDLE: &str = "bundle/headstart.toml";

/// The service lies beside the command line; it is built if nobody has built it yet.
pub fn daemon() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_headstart")).with_file_name("headstartd");
    if !program.exists() {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--workspace", "--bin", "headstartd"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(built.success());
    }
    program
}

/// A device with an app that has one essential pack, `Level1`. The repository is a folder: no server is needed.
pub struct Device {
    pub world: World,
}

impl Device {
    pub fn new() -> Self {
        assert!(daemon().exists());
        let world = World::with_sources();
        let manifest = json!({
            "assetPackID": "Level1",
            "downloadPolicy": { "essential": { "installationEventTypes": ["firstInstallation"] } },
            "fileSelectors": [{ "directory": "." }],
            "platforms": [],
        });
        world.write("essential.json", manifest.to_string());
        world
            .run(&["pack", "essential.json", "--source-root", "src", "-o", "level.assetpack"])
            .succeeds();
        world.run(&["repo", "init", "repo", "--keys", "keys"]).succeeds();
        world.run(&["repo", "publish", "repo", "level.assetpack", "--keys", "keys"]).succeeds();
        let url = format!("file://{}", world.path("repo").display());
        world.write(
            BUNDLE,
            format!(
                "[app]\nid = \"{APP}\"\nversion = \"1.0.0\"\nexecutable = \"bin/game\"\nlanguages = [\"en\"]\n\n\
                 [background-assets]\nBAAppGroupID = \"group.{APP}\"\nBAHasManagedAssetPacks = true\n\
                 BARepositoryURL = \"{url}\"\n"
            ),
        );
        world.write("bundle/bin/game", "#!/bin/sh\necho \"playing $1\"\n");
        make_executable(&world.path("bundle/bin/game"));
        std::fs::copy(world.path("repo/metadata/root.json"), world.path("bundle/root.json"))
            .unwrap();
        Self { world }
    }

    pub fn json(&self, arguments: &[&str]) -> Ran {
        self.world.run(&[arguments, &["--json"]].concat())
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.world.run(arguments)
    }

    /// Changes the description of the app's bundle.
    pub fn describe(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.world.path(BUNDLE)).unwrap();
        assert!(text.contains(from), "{text}");
        self.world.write(BUNDLE, text.replace(from, to));
    }

    /// Changes a byte of an installed file.
    fn spoil(&self, path: &str) {
        let found = self.json(&["packs", "path", path, "--app", APP]).succeeds().last();
        let file = PathBuf::from(found["path"].as_str().unwrap());
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[0] ^= 1;
        // Installed files are read-only.
        std::fs::remove_file(&file).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    #[track_caller]
    fn golden(&self, name: &str, arguments: &[&str]) {
        assert_golden(&self.world, name, &self.json(arguments).succeeds());
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.world.run(&["service", "stop"]);
    }
}

#[cfg(unix)]
fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn programs_are_told_what_the_contract_says() {
    let device = Device::new();
    device.golden("service-status-stopped", &["service", "status"]);
    device.golden("app-install", &["app", "install", "bundle"]);
    device.golden("app-list", &["app", "list"]);
    device.golden("app-info", &["app", "info", APP]);
    device.golden("packs-list", &["packs", "list"]);
    device.golden("packs-status", &["packs", "status", "Level1"]);
    device.golden("packs-ensure", &["packs", "ensure", "Level1"]);
    device.golden("packs-path", &["packs", "path", "text/story.txt", "--app", APP]);
    device.golden("packs-verify", &["packs", "verify"]);
    device.spoil("text/story.txt");
    let damaged = device.json(&["packs", "verify"]);
    assert_eq!(damaged.code, 1, "{damaged:?}");
    assert_golden(&device.world, "packs-verify-damaged", &damaged);
    device.golden("packs-verify-repair", &["packs", "verify", "--repair"]);
    device.golden("packs-verify", &["packs", "verify"]);
    device.golden("packs-checkout", &["packs", "checkout", "Level1", "mine"]);
    device.world.write("mine/text/story.txt", "My own story.\n");
    device.golden("packs-checkout-again", &["packs", "checkout", "Level1", "mine"]);
    device.golden("packs-checkout-force", &["packs", "checkout", "Level1", "mine", "--force"]);
    device.golden("packs-consume", &["packs", "consume", "text/story.txt", "story.txt"]);
    let story = std::fs::read_to_string(device.world.path("story.txt")).unwrap();
    assert_eq!(story, "Once upon a time.\n".repeat(200));
    device.json(&["packs", "consume", "text/story.txt", "again.txt"]).fails(
        1,
        "notFound",
        "fileNotFound",
    );
    device.golden("packs-verify", &["packs", "verify"]);
    device.golden("packs-update", &["packs", "update", "--app", APP]);
    device.golden("explain", &["explain", "Level1"]);
    device.golden("debug-simulate", &["debug", "simulate", "periodic", "--app", APP]);
    device.golden("packs-remove", &["packs", "remove", "Level1"]);
    device.golden("app-update", &["app", "update", "bundle"]);
    device.golden("app-uninstall", &["app", "uninstall", APP]);
    device.golden("service-status", &["service", "status"]);
    let logs = device.json(&["service", "logs"]).succeeds().last();
    let lines = logs["lines"].as_array().unwrap();
    let of_download = |line: &serde_json::Value| line.as_str().unwrap().contains("download=1");
    assert_eq!(
        lines.iter().filter(|line| of_download(line)).count(),
        2,
        "planned and built: {logs:#}"
    );
    device.golden("service-stop", &["service", "stop"]);
}

#[test]
fn units_of_systemd_come_and_go() {
    let world = World::new();
    // Without a path there is no systemd to talk to: the one of whoever runs the tests is left alone.
    let run = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.env("PATH", "").env("HOME", world.root()).env_remove("XDG_CONFIG_HOME");
        Ran::of(command.output().unwrap())
    };
    assert!(daemon().exists());
    let installed = run(&["service", "install", "--json"]).succeeds();
    assert_golden(&world, "service-install", &installed);
    let unit = world.path(".config/systemd/user/headstart.socket");
    let socket = std::fs::read_to_string(unit).unwrap();
    assert!(socket.contains("ListenStream=/") && socket.contains("SocketMode=0600"), "{socket}");
    let removed = run(&["service", "uninstall", "--json"]).succeeds();
    assert_golden(&world, "service-uninstall", &removed);
    assert!(!world.path(".config/systemd/user/headstart.socket").exists());
}

#[test]
fn a_file_of_a_pack_is_printed_and_the_app_is_started() {
    let device = Device::new();
    device.json(&["app", "install", "bundle"]).succeeds();
    let cat = device.world.run(&["packs", "cat", "text/story.txt", "--app", APP]).succeeds();
    assert_eq!(cat.out, "Once upon a time.\n".repeat(200));
    let launched = device.world.run(&["app", "launch", APP, "--", "chess"]).succeeds();
    assert_eq!(launched.out, "playing chess\n");
}

/// `Spec: packs 4.1`: what only the connection vouches for is shown as such, to people and programs.
#[test]
fn packs_of_a_plain_manifest_are_shown_as_such() {
    let device = Device::new();
    let server = device.world.serve(&["level.assetpack"]);
    let bundle = std::fs::read_to_string(device.world.path("bundle/headstart.toml")).unwrap();
    let (before, _) = bundle.split_once("BARepositoryURL").unwrap();
    let plain = format!("{before}BAManifestURL = \"{}manifest\"\n", server.url);
    device.world.write("bundle/headstart.toml", plain);
    device.json(&["app", "install", "bundle", "--dev"]).succeeds();
    for command in [["packs", "list"].as_slice(), &["packs", "status", "Level1"]] {
        let told = device.json(command).succeeds().last();
        assert_eq!(told["packs"][0]["trust"], "transport-only", "{told:#}");
        assert_eq!(told["packs"][0]["localVersion"], told["packs"][0]["version"]);
        let shown = device.world.run(command).succeeds().out;
        assert!(shown.contains("(transport-only)"), "{shown}");
    }
    let told = device.json(&["app", "info", APP]).succeeds().last();
    assert_eq!(told["trust"], "transport-only", "{told:#}");
    let shown = device.world.run(&["app", "info", APP]).succeeds().out;
    assert!(shown.contains("transport-only: no signature vouches"), "{shown}");
    let cat = device.world.run(&["packs", "cat", "text/story.txt", "--app", APP]).succeeds();
    assert_eq!(cat.out, "Once upon a time.\n".repeat(200));
    server.stop();
}

#[test]
fn what_an_app_reads_when_it_begins_comes_first_in_its_next_pack() {
    let device = Device::new();
    device.json(&["app", "install", "bundle"]).succeeds();
    let reader = format!(
        "#!/bin/sh\nexec {} packs cat text/story.txt --app {APP} --pack Level1 --ahead\n",
        env!("CARGO_BIN_EXE_headstart")
    );
    device.world.write("bundle/bin/game", reader);
    let record = ["app", "launch", APP, "--record", "reads.txt"];
    assert_eq!(device.world.run(&record).succeeds().out, "Once upon a time.\n".repeat(200));
    let reads = std::fs::read_to_string(device.world.path("reads.txt")).unwrap();
    assert_eq!(reads, "Level1\ttext/story.txt\n");
    let nowhere = ["app", "launch", APP, "--record", "no/such/reads.txt"];
    device.json(&nowhere).fails(2, "usage", "recordingRefused");

    let world = &device.world;
    world.write("reads.txt", format!("{reads}Other\tx\nLevel1\tgone.txt\n"));
    let pack = ["pack", "pack.jsonc", "-o", "set.assetpack", "--launch-set", "reads.txt"];
    let packed = world.run(&pack).succeeds();
    assert!(
        packed.err.contains("`gone.txt` of the launch set is not in the pack"),
        "{}",
        packed.err
    );
    // The story is one small block before the others.
    let blocks = |archive| world.json(&["inspect", archive]).succeeds().last()["blocks"].clone();
    world.run(&["pack", "pack.jsonc", "-o", "plain.assetpack"]).succeeds();
    assert_ne!(blocks("set.assetpack"), blocks("plain.assetpack"));
    for (lines, told) in [("Level1 text", "line 1"), ("\nLevel1\t../x", "line 2")] {
        world.write("wrong.txt", lines);
        let pack = ["pack", "pack.jsonc", "-o", "no.assetpack", "--launch-set", "wrong.txt"];
        let ran = world.json(&pack).fails(2, "invalidInput", "launchSetInvalid");
        assert!(ran.err.contains(told), "{}", ran.err);
    }
    let pack = ["pack", "pack.jsonc", "-o", "no.assetpack", "--launch-set", "none.txt"];
    world.json(&pack).fails(2, "invalidInput", "launchSetMissing");
}

#[test]
fn what_is_not_there_is_named() {
    let device = Device::new();
    device.json(&["app", "install", "nowhere"]).fails(2, "invalidInput", "notABundle");
    device.json(&["app", "install", "bundle"]).succeeds();
    device.json(&["app", "install", "bundle"]).fails(1, "conflict", "alreadyInstalled");
    device.json(&["packs", "ensure", "Level2"]).fails(1, "notFound", "assetPackNotFound");
    device.json(&["packs", "path", "no/such", "--app", APP]).fails(1, "notFound", "fileNotFound");
    device.json(&["app", "info", "com.example.other"]).fails(1, "notFound", "appNotFound");
    device.json(&["packs", "ensure", "Bad/Id"]).fails(2, "usage", "usage");
    device.world.run(&["service", "stop"]).succeeds();
    device.json(&["packs", "list", "--no-start"]).fails(1, "unavailable", "serviceNotRunning");
}

#[test]
fn the_demo_tells_its_figures() {
    assert!(daemon().exists());
    let world = World::new();
    let ran = world.run(&["demo", "-o", "demo", "--bandwidth", "1000Mbit", "--json"]).succeeds();
    let done = ran.last();
    assert_eq!(done["event"], "done");
    let bytes = |field: &str| done[field].as_u64().unwrap();
    assert!(bytes("firstInstallBytes") > 10_000_000, "{done:#}");
    assert!((1..2_000_000).contains(&bytes("updateBytes")), "{done:#}");
    assert!(done["timeToLaunchableSeconds"].as_f64().unwrap() > 0.0);
    let folder = Path::new(done["folder"].as_str().unwrap());
    assert!(folder.join("repository/metadata/root.json").is_file());
    let steps = ran.objects().into_iter().filter(|event| event["event"] == "step").count();
    assert_eq!(steps, 12);
    // A folder that no demo made is left alone.
    world.write("mine/file", "precious");
    world.run(&["demo", "-o", "mine", "--json"]).fails(1, "conflict", "folderNotEmpty");
}
