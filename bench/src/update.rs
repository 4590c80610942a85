//! What the update from one release to the next moves.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::BenchError;
use crate::run::{self, PACK, Tools, run};
use crate::say;
use crate::server::{Server, Traffic};

/// Two releases of a package.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) package: &'static str,
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
}

/// What is measured; those of `ci/real-input.txt` and `bench/real-input.txt`.
pub(crate) const PAIRS: [Pair; 3] = [
    Pair { package: "emoji-datasource-google", from: "15.1.2", to: "16.0.0" },
    Pair { package: "cesium", from: "1.143.0", to: "1.144.0" },
    Pair { package: "cesium", from: "1.143.0", to: "1.145.0" },
];

/// One transfer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moved {
    pub(crate) traffic: Traffic,
    pub(crate) seconds: f64,
}

/// The same transfers by one tool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    /// The older release, with nothing held.
    pub(crate) install: Moved,
    /// The newer release, holding the older one.
    pub(crate) update: Moved,
    /// Seconds to make the newer release ready to be served.
    pub(crate) publish_seconds: f64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Update {
    pub(crate) pair: Pair,
    pub(crate) headstart: Tool,
    pub(crate) casync: Tool,
}

pub(crate) fn measure(tools: &Tools, pair: Pair, real_input: &Path) -> Result<Update, BenchError> {
    let Pair { package, from, to } = pair;
    let folder = tools.folder("update")?;
    let sources = Sources {
        old: alike(real_input, &format!("{package}-{from}"), &folder)?,
        new: alike(real_input, &format!("{package}-{to}"), &folder)?,
    };
    say(&format!("{package} {from} → {to}: headstart"));
    let headstart = headstart(tools, &folder, &sources)?;
    say(&format!("{package} {from} → {to}: casync"));
    let casync = casync(tools, &folder, &sources)?;
    run::remove(&folder)?;
    Ok(Update { pair, headstart, casync })
}

struct Sources {
    old: PathBuf,
    new: PathBuf,
}

/// A copy in which all times are equal: casync stores them, and should not pay for when the releases were fetched.
fn alike(real_input: &Path, name: &str, folder: &Path) -> Result<PathBuf, BenchError> {
    let copy = folder.join(name);
    run(Command::new("cp").arg("-r").arg(real_input.join(name)).arg(&copy))?;
    run(Command::new("find").arg(&copy).args(["-exec", "touch", "-d", "@0", "{}", "+"]))?;
    Ok(copy)
}

fn headstart(tools: &Tools, folder: &Path, sources: &Sources) -> Result<Tool, BenchError> {
    let repository = tools.repository(folder)?;
    let destination = folder.join("cloned");
    tools.publish(&repository, &sources.old)?;
    let install = clone(tools, &repository, &destination)?;
    run::same(&sources.old, &destination)?;
    let publish_seconds = tools.publish(&repository, &sources.new)?;
    let update = clone(tools, &repository, &destination)?;
    run::same(&sources.new, &destination)?;
    Ok(Tool { install, update, publish_seconds })
}

fn clone(tools: &Tools, repository: &Path, destination: &Path) -> Result<Moved, BenchError> {
    let server = Server::start(tools, repository)?;
    let (done, seconds) = tools.json([&"clone", &server.url, &PACK, &destination])?;
    let traffic = server.stop()?;
    if done["bytesDown"].as_u64() != Some(traffic.bytes) {
        let said = format!("it counted {} bytes, the server {}", done["bytesDown"], traffic.bytes);
        return Err(BenchError::Failed { command: "headstart clone".to_owned(), said });
    }
    Ok(Moved { traffic, seconds })
}

fn casync(tools: &Tools, folder: &Path, sources: &Sources) -> Result<Tool, BenchError> {
    let (served, destination) = (folder.join("casync"), folder.join("extracted"));
    run::fresh_folder(&served)?;
    make(&served, "old.caidx", &sources.old)?;
    let install = extract(tools, (&served, "old.caidx"), None, &destination)?;
    run::same(&sources.old, &destination)?;
    run::remove(&destination)?;
    let publish_seconds = make(&served, "new.caidx", &sources.new)?;
    let update = extract(tools, (&served, "new.caidx"), Some(&sources.old), &destination)?;
    run::same(&sources.new, &destination)?;
    Ok(Tool { install, update, publish_seconds })
}

fn make(served: &Path, index: &str, source: &Path) -> Result<f64, BenchError> {
    // The store is `default.castr` beside the index, where `extract` looks for it too.
    run(Command::new("casync").arg("make").arg(served.join(index)).arg(source))
        .map(|(_, seconds)| seconds)
}

fn extract(
    tools: &Tools,
    (served, index): (&Path, &str),
    seed: Option<&Path>,
    destination: &Path,
) -> Result<Moved, BenchError> {
    let server = Server::start(tools, served)?;
    let mut command = Command::new("casync");
    command.arg("extract").arg("--seed-output=no");
    if let Some(seed) = seed {
        command.arg(format!("--seed={}", seed.display()));
    }
    let (_, seconds) = run(command.arg(format!("{}{index}", server.url)).arg(destination))?;
    Ok(Moved { traffic: server.stop()?, seconds })
}
