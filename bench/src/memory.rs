//! How much memory the service takes while it installs a pack of 1 GiB.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::error::BenchError;
use crate::pack::Level;
use crate::process::{SAMPLE_EVERY, Sampler, anonymous_bytes, pause};
use crate::run::{self, Tools};
use crate::server::{Server, Traffic};
use crate::{large, say};

/// More than the idle service may be taken by what it does.
pub(crate) const LIMIT_BYTES: u64 = 64 * 1024 * 1024;
/// How long the service is left alone before it counts as idle.
const SETTLE: Duration = Duration::from_secs(2);
const APP: &str = "com.example.bench";

/// Anonymous memory (RssAnon) of the service.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) pack_bytes: u64,
    pub(crate) idle_bytes: u64,
    pub(crate) peak_bytes: u64,
    /// When the installation was done and the service had settled.
    pub(crate) after_bytes: u64,
    pub(crate) install_seconds: f64,
    pub(crate) traffic: Traffic,
    /// Since the installation began, and what was read.
    pub(crate) samples: Vec<(Duration, u64)>,
}

impl Memory {
    pub(crate) const fn above_idle_bytes(&self) -> u64 {
        self.peak_bytes.saturating_sub(self.idle_bytes)
    }
}

pub(crate) fn measure(tools: &Tools) -> Result<Memory, BenchError> {
    let folder = tools.folder("memory")?;
    let source = folder.join("source");
    say("memory: a pack of 1 GiB is generated and published");
    let pack_bytes = large::generate(&source)?;
    let repository = tools.repository(&folder)?;
    let archive = folder.join("pack.assetpack");
    tools.pack(&source, &archive, Level::Balanced)?;
    tools.publish(&repository, &archive, (Level::Balanced, 0))?;
    run::remove(&archive)?;
    say("memory: it is installed");
    let server = Server::start(tools, &repository)?;
    let bundle = folder.join("bundle");
    write_bundle(&bundle, &server.url, &repository)?;
    let service = Service::start(tools)?;
    pause(SETTLE);
    let idle_bytes = service.memory()?;
    let sampler = Sampler::start(service.child.id());
    let installed = tools.json([&"app", &"install", &bundle, &"--dev"]);
    let samples = sampler.stop();
    let (_, install_seconds) = installed?;
    pause(SETTLE);
    let after_bytes = service.memory()?;
    let version = the_version(&tools.home().join("packs").join(APP).join(run::PACK))?;
    run::same(&source, &version.join("files"))?;
    tools.json([&"service", &"stop"])?;
    let traffic = server.stop()?;
    let peak_bytes = samples.iter().map(|(_, bytes)| *bytes).max().ok_or(BenchError::NoMemory)?;
    run::remove(&folder)?;
    Ok(Memory {
        pack_bytes,
        idle_bytes,
        peak_bytes,
        after_bytes,
        install_seconds,
        traffic,
        samples,
    })
}

fn write_bundle(bundle: &Path, url: &str, repository: &Path) -> Result<(), BenchError> {
    let description = format!(
        "[app]\nid = \"{APP}\"\nversion = \"1.0.0\"\nexecutable = \"bin/game\"\n\n[background-assets]\n\
         BAAppGroupID = \"group.{APP}\"\nBAHasManagedAssetPacks = true\nBARepositoryURL = \"{url}\"\n"
    );
    run::write(&bundle.join("headstart.toml"), description.as_bytes())?;
    run::write(&bundle.join("bin/game"), b"#!/bin/sh\n")?;
    let root = repository.join("metadata/root.json");
    let pinned = bundle.join("root.json");
    std::fs::copy(&root, pinned).map(drop).map_err(BenchError::file(root))
}

/// The only folder in `folder`.
fn the_version(folder: &Path) -> Result<std::path::PathBuf, BenchError> {
    let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
    let mut entries = std::fs::read_dir(folder).map_err(BenchError::file(folder))?;
    let entry = entries.next().unwrap_or_else(|| Err(missing()));
    entry.map(|entry| entry.path()).map_err(BenchError::file(folder))
}

/// The service; killed when dropped.
struct Service {
    child: Child,
}

impl Service {
    /// Starts it and waits until it answers.
    fn start(tools: &Tools) -> Result<Self, BenchError> {
        let mut command = Command::new(&tools.headstartd);
        command.env("HEADSTART_HOME", tools.home()).env_remove("XDG_RUNTIME_DIR");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|source| BenchError::Start {
            program: tools.headstartd.display().to_string(),
            source,
        })?;
        let mut service = Self { child };
        loop {
            let (status, _) = tools.json([&"service", &"status"])?;
            if status["running"] == true {
                return Ok(service);
            }
            if matches!(service.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return Err(run::silent(&command, "that it is ready"));
            }
            pause(SAMPLE_EVERY);
        }
    }

    fn memory(&self) -> Result<u64, BenchError> {
        anonymous_bytes(self.child.id()).ok_or(BenchError::NoMemory)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
