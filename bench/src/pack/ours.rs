//! Measures headstart, through its command line.

use std::path::{Path, PathBuf};

use crate::error::BenchError;
use crate::pack::others::Run;
use crate::pack::record::{Book, Kind, Record, Reuse};
use crate::pack::single_file;
use crate::process::{Work, measure};
use crate::run::{self, PACK, Tools};
use crate::server::{Server, Traffic};

/// How much work goes into a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Level {
    Fast,
    Balanced,
    Small,
}

impl Level {
    pub(crate) const ALL: [Self; 3] = [Self::Fast, Self::Balanced, Self::Small];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Balanced => "balanced",
            Self::Small => "small",
        }
    }

    /// How earlier versions were published: `small` costs many times the time of `balanced`, and no delta depends on how hard its
    /// old version was compressed; but on whether containers were opened, which `fast` does not.
    const fn of_history(self) -> Self {
        match self {
            Self::Fast => Self::Fast,
            Self::Balanced | Self::Small => Self::Balanced,
        }
    }

    /// How the tables call it.
    pub(crate) const fn tool(self) -> &'static str {
        match self {
            Self::Fast => "headstart fast",
            Self::Balanced => "headstart balanced",
            Self::Small => "headstart small",
        }
    }
}

/// Deltas that a release brings by default.
const DELTAS: usize = 3;

/// Measures the levels, each as a section of the book of its own.
pub(crate) fn measure_all(
    tools: &Tools,
    book: &mut Book,
    reuse: Reuse,
    (run, levels): (&Run<'_>, &[Level]),
) -> Result<Vec<Record>, BenchError> {
    let mut records = Vec::new();
    let mut history: Option<History> = None;
    for &level in levels {
        let key = run.key_of_all(&format!("{} {}", level.tool(), tools.digest));
        records.extend(book.section(&key, reuse, || {
            let published = match history.take() {
                Some(history) if history.level == level.of_history() => history,
                _ => History::publish(tools, run, level.of_history())?,
            };
            let records = of_level(tools, run, &published, level);
            history = Some(published);
            records
        })?);
    }
    run::remove(&run.input.folder.join("ours"))?;
    Ok(records)
}

/// A repository in which every earlier version is published, with a delta from the one before.
struct History {
    folder: PathBuf,
    level: Level,
}

impl History {
    fn publish(tools: &Tools, run: &Run<'_>, level: Level) -> Result<Self, BenchError> {
        let folder = run.input.folder.join("ours");
        run::fresh_folder(&folder)?;
        let repository = tools.repository(&folder)?;
        let history = Self { folder, level };
        for (number, version) in (1_usize..).zip(run.older) {
            let source = run.input.folder.join(&version.name);
            let archive = history.folder.join("pack.assetpack");
            tools.pack(&source, &archive, level)?;
            tools.publish(&repository, &archive, (level, 1))?;
            run::remove(&archive)?;
            // What devices of this version hold; the catalog offers only the newest.
            history.clone_repository(&format!("at-{number}"))?;
        }
        Ok(history)
    }

    /// The repository as it was when the version in this place was the newest.
    fn at(&self, place: usize) -> PathBuf {
        self.folder.join(format!("at-{}", place + 1))
    }

    fn clone_repository(&self, name: &str) -> Result<PathBuf, BenchError> {
        self.copy(&self.folder.join("repository"), name)
    }

    /// A copy that shares the files that are never changed in place: everything that is published is replaced, not rewritten.
    fn copy(&self, from: &Path, name: &str) -> Result<PathBuf, BenchError> {
        let to = self.folder.join(name);
        run::remove(&to)?;
        run::run(std::process::Command::new("cp").arg("-rl").args([from, &to]))?;
        Ok(to)
    }
}

fn of_level(
    tools: &Tools,
    run: &Run<'_>,
    history: &History,
    level: Level,
) -> Result<Vec<Record>, BenchError> {
    let record = |kind, from: &[&str]| Record::new(kind, level.tool(), &run.to.label, from);
    let archive = history.folder.join("pack.assetpack");
    let packed = tools.pack(&run.input.folder.join(&run.to.name), &archive, level)?;
    let size = run::bytes_of(&archive)?;
    let mut records = vec![record(Kind::Make, &[]).bytes(size).work(packed)];
    let repository = history.clone_repository("published")?;
    let published = tools.publish(&repository, &archive, (level, DELTAS))?;
    let holders = run.holders().map(|(_, version)| version.label.as_str()).collect::<Vec<_>>();
    let grown = run::bytes_below(&repository)?;
    let before = run::bytes_below(&history.folder.join("repository"))?;
    let laid = grown.saturating_sub(before);
    records.push(record(Kind::MakeUpdate, &holders).bytes(laid).work(published));

    let (traffic, work) = clone(tools, run, &repository, Device::Empty)?;
    records.push(told(record(Kind::Fresh, &[]), traffic, work));
    for (place, old) in run.holders() {
        let (traffic, work) = clone(tools, run, &repository, Device::Holding(&history.at(place)))?;
        records.push(told(record(Kind::Update, &[&old.label]), traffic, work));
    }
    let mixture = run.input.folder.join(&run.mixture.name);
    let (traffic, work) = clone(tools, run, &repository, Device::Beside(&mixture))?;
    records.push(told(record(Kind::Mixture, &[&run.mixture.label]), traffic, work));
    if level == Level::Balanced {
        records.push(single_file::measure(record(Kind::OneFile, &[]), &archive)?);
    }
    if level != Level::Fast {
        let (place, old, kept) = oldest(run);
        let repository = history.clone_repository("published")?;
        tools.publish(&repository, &archive, (level, kept))?;
        let (traffic, work) = clone(tools, run, &repository, Device::Holding(&history.at(place)))?;
        let note = format!("--deltas {kept}");
        records.push(told(record(Kind::Older, &[old]), traffic, work).note(note));
    }
    run::remove(&repository)?;
    run::remove(&archive)?;
    Ok(records)
}

/// The oldest version that a device holds, and how many deltas are kept so that it gets none.
fn oldest<'a>(run: &'a Run<'_>) -> (usize, &'a str, usize) {
    let place = run.held.iter().copied().min().unwrap_or(0);
    let label = run.older.get(place).map_or("", |version| version.label.as_str());
    (place, label, run.older.len().saturating_sub(place + 1).min(1))
}

fn told(record: Record, traffic: Traffic, work: Work) -> Record {
    record.bytes(traffic.bytes).requests(traffic.requests).work(work)
}

/// What a device has before.
#[derive(Debug, Clone, Copy)]
enum Device<'a> {
    Empty,
    /// The version that this repository offers.
    Holding(&'a Path),
    /// Nothing of its own, but this folder to take from.
    Beside(&'a Path),
}

/// Attempts of one clone. On a machine that stands still for seconds a connection may be given up, and what the server has sent of it
/// never arrives: such a run is no measurement.
const TRIES: usize = 3;

/// Both sides have to have counted the same.
fn clone(
    tools: &Tools,
    run: &Run<'_>,
    repository: &Path,
    device: Device<'_>,
) -> Result<(Traffic, Work), BenchError> {
    let mut said = String::new();
    for _ in 0..TRIES {
        let (traffic, work, counted) = clone_once(tools, run, repository, device)?;
        if counted == Some(traffic.bytes) {
            run.check("headstart", &run.input.folder.join("ours/device"))?;
            return Ok((traffic, work));
        }
        said = match counted {
            Some(counted) => format!("it counted {counted} bytes, the server {}", traffic.bytes),
            None => "it did not say how many bytes it fetched".to_owned(),
        };
        if counted.is_none_or(|counted| counted > traffic.bytes) {
            break;
        }
        crate::say(&format!("    measured again: {said}"));
    }
    Err(BenchError::Failed { command: "headstart clone".to_owned(), said })
}

/// One clone; the last is what it counted itself.
fn clone_once(
    tools: &Tools,
    run: &Run<'_>,
    repository: &Path,
    device: Device<'_>,
) -> Result<(Traffic, Work, Option<u64>), BenchError> {
    let destination = run.input.folder.join("ours/device");
    run::remove(&destination)?;
    run::remove(&destination.with_file_name("device.headstart"))?;
    if let Device::Holding(earlier) = device {
        tools.json([&"clone", &earlier, &PACK, &destination])?;
    }
    let server = Server::start(tools, repository)?;
    let mut command = tools.command();
    command.arg("clone").args([server.url.as_str(), PACK]).arg(&destination).arg("--json");
    if let Device::Beside(folder) = device {
        command.arg("--seed").arg(folder);
    }
    let (said, work) = measure(&mut command)?;
    let traffic = server.stop()?;
    let done = run::last_json(&command, &said)?;
    Ok((traffic, work, done["bytesDown"].as_u64()))
}
