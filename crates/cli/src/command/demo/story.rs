//! The story, step by step.

use std::path::{Path, PathBuf};
use std::time::Instant;

use headstart::blocking::AssetPackManager;
use headstart::{AppId, Connector};
use headstart_model::{ErrorKind, Failure};
use serde_json::{Value, json};

use super::Demo;
use super::assets::{self, Edition};
use super::child::{Program, Server};
use super::game::{self, APP, PACKS};
use crate::context::Context;
use crate::output::{Advance, size};

/// Tells that a folder was made by a demo, and may be replaced by one.
const MARKER: &str = ".headstart-demo";

fn failed(what: &str, error: &std::io::Error) -> Failure {
    Failure::from_error(ErrorKind::Internal, "demoFailed", error).within(what.to_owned())
}

/// An empty folder, made or emptied; only what a demo made is emptied.
pub(super) fn fresh_folder(path: &Path) -> Result<PathBuf, Failure> {
    let occupied = path.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if occupied && !path.join(MARKER).exists() {
        let message = format!("`{}` is not empty, and no demo made it", path.display());
        return Err(Failure::new(ErrorKind::Conflict, "folderNotEmpty", message)
            .with_hint("choose another folder with -o"));
    }
    if occupied {
        // A service of the last run would go on writing into a folder that is gone.
        if let Ok(program) = Program::new(&path.join("device")) {
            let _ = program.run(&["service", "stop"], |_| {});
        }
        headstart_sys::durable::remove_tree(path).map_err(|e| crate::failure::of_file(&e))?;
    }
    std::fs::create_dir_all(path).map_err(|error| failed("the folder cannot be made", &error))?;
    std::fs::write(path.join(MARKER), b"made by `headstart demo`\n")
        .map_err(|error| failed("the folder cannot be written to", &error))?;
    path.canonicalize().map_err(|error| failed("the folder cannot be found again", &error))
}

/// Everything that the steps share.
struct Teller<'a> {
    context: &'a Context,
    folder: &'a Path,
    program: Program,
    step: u32,
}

/// What the demo measured.
struct Figures {
    time_to_launchable_seconds: f64,
    first_install_bytes: u64,
    on_demand_bytes: u64,
    update_bytes: u64,
    whole_bytes: u64,
}

pub(super) fn tell(context: &Context, folder: &Path, demo: &Demo) -> Result<(), Failure> {
    let program = Program::new(&folder.join("device"))?;
    let mut teller = Teller { context, folder, program, step: 0 };
    let result = teller.story(demo);
    // Whatever happened, no service of the demo stays behind.
    let stopped = teller.program.run(&["service", "stop"], |_| {});
    let figures = result?;
    stopped?;
    teller.conclude(&figures, demo);
    Ok(())
}

impl Teller<'_> {
    fn story(&mut self, demo: &Demo) -> Result<Figures, Failure> {
        self.make_assets(demo.seed)?;
        self.pack_and_publish(1)?;
        let server = self.serve(demo)?;
        let time_to_launchable_seconds = self.install(&server)?;
        self.launch()?;
        self.prefetch()?;
        let first_install_bytes = server.sent_bytes();
        self.ask_for_music()?;
        let on_demand_bytes = server.sent_bytes() - first_install_bytes;
        self.compare(1)?;
        self.pack_and_publish(2)?;
        let before = server.sent_bytes();
        self.update()?;
        let update_bytes = server.sent_bytes() - before;
        self.compare(2)?;
        self.launch()?;
        let whole_bytes = self.archive_bytes(2);
        Ok(Figures {
            time_to_launchable_seconds,
            first_install_bytes,
            on_demand_bytes,
            update_bytes,
            whole_bytes,
        })
    }

    /// The title of a step.
    fn title(&mut self, text: &str) {
        self.step += 1;
        let (step, output) = (self.step, &self.context.output);
        output.line(format!("\n{step}. {text}"));
        output.event(&json!({ "event": "step", "number": step, "title": text }));
    }

    fn say(&self, text: impl AsRef<str>) {
        self.context.output.line(format!("   {}", text.as_ref()));
    }

    /// A path as people read it: from the demo's folder.
    fn short(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.folder.display()), "")
    }

    /// Runs a command, shows it, and shows its progress.
    fn run(&self, arguments: &[&str]) -> Result<Value, Failure> {
        self.say(format!("$ headstart {}", self.short(&arguments.join(" "))));
        let progress = self.context.output.bar();
        let result = self.program.run(arguments, |event| {
            if event.get("event").and_then(Value::as_str) == Some("progress") {
                progress.advance(&advance(event));
            }
        });
        progress.finish();
        result
    }

    fn path(&self, below: &str) -> String {
        self.folder.join(below).to_string_lossy().into_owned()
    }

    fn make_assets(&mut self, seed: u64) -> Result<(), Failure> {
        self.title("A game's assets: textures, sounds, text");
        for (number, edition) in [(1, Edition::First), (2, Edition::Second)] {
            let folder = self.folder.join(format!("assets-{number}"));
            assets::make(&folder, edition, seed)
                .and_then(|()| {
                    PACKS.iter().try_for_each(|(pack, manifest)| {
                        std::fs::write(folder.join(format!("{pack}.jsonc")), manifest)
                    })
                })
                .map_err(|error| failed("the assets cannot be written", &error))?;
        }
        let bytes: u64 = self.sources(1)?.iter().map(|(_, bytes)| *bytes).sum();
        self.say(format!(
            "{} in {} (a second edition lies in assets-2)",
            size(bytes),
            self.short(&self.path("assets-1"))
        ));
        Ok(())
    }

    fn pack_and_publish(&mut self, edition: u32) -> Result<(), Failure> {
        self.title(match edition {
            1 => "They become three packs, signed and published",
            _ => "A second edition is published: one texture touched up, one sound new, a few lines rewritten",
        });
        let mut archives = Vec::new();
        for (pack, _) in PACKS {
            let archive = self.path(&format!("packs/{pack}-{edition}.assetpack"));
            std::fs::create_dir_all(self.folder.join("packs"))
                .map_err(|error| failed("the folder of packs cannot be made", &error))?;
            let manifest = self.path(&format!("assets-{edition}/{pack}.jsonc"));
            let done = self.run(&["pack", &manifest, "-o", &archive])?;
            self.say(format!(
                "{} {} become {}",
                number(&done, "files"),
                if number(&done, "files") == 1 { "file" } else { "files" },
                size(number(&done, "archiveSize"))
            ));
            archives.push(archive);
        }
        let (repository, keys) = (self.path("repository"), self.path("keys"));
        if edition == 1 {
            self.run(&["repo", "init", &repository, "--keys", &keys])?;
        }
        let mut publish = vec!["repo", "publish", &repository];
        publish.extend(archives.iter().map(String::as_str));
        publish.extend(["--keys", &keys]);
        let done = self.run(&publish)?;
        self.say(format!("release {}: all three packs at once, or none", number(&done, "release")));
        Ok(())
    }

    fn serve(&mut self, demo: &Demo) -> Result<Server, Failure> {
        self.title("Any web server can hand the repository out; here it is the development server");
        let repository = self.path("repository");
        let arguments = ["serve", &repository, "--bandwidth", &demo.bandwidth];
        self.say(format!("$ headstart {}", self.short(&arguments.join(" "))));
        let server = self.program.serve(&arguments)?;
        self.say(format!("{} with {}", server.url(), demo.bandwidth));
        Ok(server)
    }

    fn install(&mut self, server: &Server) -> Result<f64, Failure> {
        self.title("The game is installed: its essential pack arrives before it can be launched");
        let bundle = self.folder.join("bundle");
        let root = self.folder.join("repository/metadata/root.json");
        game::bundle(&bundle, server.url(), &root, self.program.executable())
            .map_err(|error| failed("the bundle cannot be written", &error))?;
        let started = Instant::now();
        self.run(&["app", "install", &self.path("bundle"), "--dev"])?;
        let seconds = started.elapsed().as_secs_f64();
        self.say(format!("launchable after {seconds:.1} s"));
        Ok(seconds)
    }

    fn launch(&mut self) -> Result<(), Failure> {
        self.title("The game is launched; it reads its story from a pack");
        let shown = ["app", "launch", APP];
        self.say(format!("$ headstart {}", shown.join(" ")));
        let output = std::process::Command::new(self.program.executable())
            .args(shown)
            .env("HEADSTART_HOME", self.folder.join("device"))
            .env_remove("HEADSTART_SOCKET")
            .output()
            .map_err(|error| failed("the game cannot be started", &error))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().next().unwrap_or_default();
        if !output.status.success() || line.is_empty() {
            let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
            let message = "the game could not read its story";
            let mut failure = Failure::new(ErrorKind::Internal, "demoFailed", message);
            failure.causes.push(complaint);
            return Err(failure);
        }
        self.say(format!("> {line}"));
        Ok(())
    }

    fn prefetch(&mut self) -> Result<(), Failure> {
        self.title("Its prefetch pack went on arriving meanwhile");
        let done = self.run(&["packs", "ensure", "world", "--app", APP])?;
        self.say(format!("world is here (version {})", version_in(&done)));
        Ok(())
    }

    fn ask_for_music(&mut self) -> Result<(), Failure> {
        self.title("Its on-demand pack comes when the game asks");
        self.run(&["packs", "ensure", "music", "--app", APP])?;
        self.say("music is here");
        Ok(())
    }

    fn update(&mut self) -> Result<(), Failure> {
        self.title("The device updates: it fetches only what changed");
        self.run(&["packs", "update", "--app", APP])?;
        Ok(())
    }

    /// Reads every file through the client library and compares it with the author's folder.
    fn compare(&mut self, edition: u32) -> Result<(), Failure> {
        self.title("Every file, read through the library, is the author's byte for byte");
        let packs = self.library()?;
        let mut files = 0;
        let mut bytes = 0;
        for (path, length) in self.sources(edition)? {
            let expected = std::fs::read(self.folder.join(format!("assets-{edition}")).join(&path))
                .map_err(|error| failed("an asset cannot be read", &error))?;
            let found = packs.contents(&path).map_err(|error| error.failure().clone())?;
            if *found != *expected {
                let message = format!("`{path}` is not what the author published");
                return Err(Failure::new(ErrorKind::Untrusted, "demoFailed", message));
            }
            files += 1;
            bytes += length;
        }
        self.say(format!("{files} files, {}", size(bytes)));
        Ok(())
    }

    fn library(&self) -> Result<AssetPackManager, Failure> {
        let app = AppId::new(APP)
            .map_err(|error| Failure::from_error(ErrorKind::Internal, "demoFailed", &error))?;
        Connector::new()
            .home(self.folder.join("device"))
            .app(app)
            .asset_packs_blocking()
            .map_err(|error| error.failure().clone())
    }

    /// The assets of an edition that are in packs: path and bytes.
    fn sources(&self, edition: u32) -> Result<Vec<(String, u64)>, Failure> {
        let root = self.folder.join(format!("assets-{edition}"));
        let mut files = Vec::new();
        for folder in PACKS.iter().flat_map(|(pack, _)| game::folders_of(pack)) {
            let list = root.join(folder).read_dir();
            for entry in list.map_err(|error| failed("the assets cannot be listed", &error))? {
                let entry = entry.map_err(|error| failed("the assets cannot be listed", &error))?;
                let bytes = entry.metadata().map_or(0, |metadata| metadata.len());
                files.push((format!("{folder}/{}", entry.file_name().to_string_lossy()), bytes));
            }
        }
        files.sort();
        Ok(files)
    }

    fn archive_bytes(&self, edition: u32) -> u64 {
        let archives = PACKS
            .iter()
            .map(|(pack, _)| self.folder.join(format!("packs/{pack}-{edition}.assetpack")));
        archives.filter_map(|path| path.metadata().ok()).map(|metadata| metadata.len()).sum()
    }

    fn conclude(&self, figures: &Figures, demo: &Demo) {
        let done = json!({
            "timeToLaunchableSeconds": figures.time_to_launchable_seconds,
            "firstInstallBytes": figures.first_install_bytes,
            "onDemandBytes": figures.on_demand_bytes,
            "updateBytes": figures.update_bytes,
            "wholeBytes": figures.whole_bytes,
            "folder": self.folder,
        });
        self.context.output.done(done, || {
            let folder = self.folder.display();
            let bundle = std::fs::read_to_string(self.folder.join("bundle/headstart.toml"));
            let bundle = bundle.unwrap_or_default();
            let url = bundle.lines().find_map(|line| line.strip_prefix("BARepositoryURL = "));
            let address = url.unwrap_or_default().trim_matches('"');
            let address = address.trim_start_matches("http://").trim_end_matches('/');
            format!(
                "\nIn figures\n\
                 \x20  time to launchable     {:.1} s at {}\n\
                 \x20  first installation     {} on the wire\n\
                 \x20  the pack on demand     {}\n\
                 \x20  the update             {} instead of {} for everything anew\n\n\
                 Everything lies in {folder}. To go on by hand:\n\
                 \x20  export HEADSTART_HOME={folder}/device\n\
                 \x20  headstart serve {folder}/repository --listen {address} &\n\
                 \x20  headstart packs list\n\
                 \x20  headstart explain music\n\
                 \x20  headstart packs remove music && headstart packs ensure music\n\
                 \x20  headstart inspect {folder}/packs/world-2.assetpack\n\
                 \x20  headstart repo log {folder}/repository",
                figures.time_to_launchable_seconds,
                demo.bandwidth,
                size(figures.first_install_bytes),
                size(figures.on_demand_bytes),
                size(figures.update_bytes),
                size(figures.whole_bytes),
            )
        });
    }
}

fn number(value: &Value, field: &str) -> u64 {
    value.get(field).and_then(Value::as_u64).unwrap_or(0)
}

fn version_in(done: &Value) -> u64 {
    let pack = done.get("packs").and_then(|packs| packs.get(0));
    pack.map_or(0, |pack| number(pack, "version"))
}

fn advance(event: &Value) -> Advance {
    let text = |field| event.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    Advance {
        phase: text("phase"),
        pack: text("pack"),
        bytes_done: number(event, "bytesDone"),
        bytes_total: number(event, "bytesTotal"),
        fraction: event.get("fraction").and_then(Value::as_f64),
    }
}
