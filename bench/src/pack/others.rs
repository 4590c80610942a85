//! Measures the other tools.

use std::path::{Path, PathBuf};

use crate::error::BenchError;
use crate::pack::input::{Input, Version};
use crate::pack::peer::{self, Pairwise, Seed, Served, Whole};
use crate::pack::record::{Book, Kind, Record, Reuse};
use crate::process::{Work, measure, shell};
use crate::run::{self, Tools};
use crate::server::{Server, Traffic};

/// One wanted version, and who wants it.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) input: &'a Input,
    pub(crate) to: &'a Version,
    /// Every version before, oldest first.
    pub(crate) older: &'a [Version],
    /// Those that devices hold, newest first, by their places in `older`.
    pub(crate) held: Vec<usize>,
    /// Half of one version and half of another.
    pub(crate) mixture: Version,
}

impl Run<'_> {
    fn folder(&self) -> &Path {
        &self.input.folder
    }

    pub(crate) fn key(&self, versions: &[&Version], tool: &str) -> String {
        let digests = versions.iter().map(|version| version.digest.get(..12).unwrap_or_default());
        format!("{} {} | {tool}", self.input.name, digests.collect::<Vec<_>>().join(" "))
    }

    /// Everything that decides what a tool that knows all versions does.
    pub(crate) fn key_of_all(&self, tool: &str) -> String {
        let held = self.held.iter().filter_map(|&place| self.older.get(place));
        let versions = held.chain([&self.mixture, self.to]).collect::<Vec<_>>();
        self.key(&versions, tool)
    }

    pub(crate) fn holders(&self) -> impl Iterator<Item = (usize, &Version)> {
        self.held.iter().filter_map(|&place| Some((place, self.older.get(place)?)))
    }

    /// Fails unless `result` is the wanted version.
    pub(crate) fn check(&self, tool: &str, result: &Path) -> Result<(), BenchError> {
        run::same(&self.folder().join(&self.to.name), result).map_err(|error| BenchError::Wrong {
            tool: tool.to_owned(),
            input: self.input.name.clone(),
            said: error.to_string(),
        })
    }
}

/// Measures all of them, or takes what an earlier run measured; only those named in `chosen`, if any are.
pub(crate) fn measure_all(
    tools: &Tools,
    book: &mut Book,
    reuse: Reuse,
    (run, chosen): (&Run<'_>, &[String]),
) -> Result<Vec<Record>, BenchError> {
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|tool| tool == name);
    let mut records = Vec::new();
    for whole in peer::WHOLE.iter().copied().filter(|tool| is_chosen(tool.name)) {
        let key = run.key(&[run.to], &keyed(whole.make, "zstd --version", run)?);
        records
            .extend(book.section(&key, reuse, || tolerant(of_whole(run, whole), whole.name, run))?);
    }
    for tool in peer::PAIRWISE.iter().copied().filter(|tool| is_chosen(tool.name)) {
        let text = keyed(tool.make, tool.version, run)?;
        for (_, old) in run.holders() {
            let key = run.key(&[old, run.to], &text);
            let measured = || tolerant(of_pairwise(run, tool, old), tool.name, run);
            records.extend(book.section(&key, reuse, measured)?);
        }
    }
    let text = keyed(peer::RSYNC_UPDATE, peer::RSYNC_VERSION, run)?;
    for (_, old) in run.holders().filter(|_| is_chosen(peer::RSYNC)) {
        let key = run.key(&[old, run.to], &text);
        let measured = || tolerant(of_rsync(run, old), peer::RSYNC, run);
        records.extend(book.section(&key, reuse, measured)?);
    }
    for tool in peer::SERVED.iter().copied().filter(|tool| is_chosen(tool.name)) {
        let key =
            run.key_of_all(&keyed(&format!("{} {}", tool.make, tool.update), tool.version, run)?);
        let measured = || tolerant(of_served(tools, run, tool), tool.name, run);
        records.extend(book.section(&key, reuse, measured)?);
    }
    Ok(records)
}

/// A command with the version of its tool.
fn keyed(command: &str, version: &str, run: &Run<'_>) -> Result<String, BenchError> {
    let none: [(&str, &str); 0] = [];
    let (said, _) = measure(&mut shell(version, run.folder(), &none))?;
    Ok(format!("{} | {command}", said.lines().next().unwrap_or_default().trim_matches(['*', ' '])))
}

/// A tool that fails has no figures, and the table says so; one that makes wrong bytes ends the run.
fn tolerant(
    measured: Result<Vec<Record>, BenchError>,
    tool: &str,
    run: &Run<'_>,
) -> Result<Vec<Record>, BenchError> {
    match measured {
        Err(BenchError::Failed { said, .. }) => {
            let why = said.lines().last().unwrap_or("no word").trim().to_owned();
            Ok(vec![
                Record::new(Kind::Make, tool, &run.to.label, &[]).note(format!("failed: {why}")),
            ])
        }
        other => other,
    }
}

/// An empty folder for the result, and its name.
fn out(run: &Run<'_>) -> Result<(&'static str, PathBuf), BenchError> {
    for rest in ["out.tar", "out.repo", "out.main", "out.held", "out.delta", "patch"] {
        run::remove(&run.folder().join(rest))?;
    }
    let place = run.folder().join("out");
    run::fresh_folder(&place)?;
    Ok(("out", place))
}

fn of_whole(run: &Run<'_>, tool: Whole) -> Result<Vec<Record>, BenchError> {
    let (name, place) = out(run)?;
    let variables = [("NEW_DIR", run.to.name.as_str()), ("PATCH", "patch"), ("OUT", name)];
    let (_, made) = measure(&mut shell(tool.make, run.folder(), &variables))?;
    let bytes = run::bytes_of(&run.folder().join("patch"))?;
    let (_, applied) = measure(&mut shell(peer::APPLY_WHOLE, run.folder(), &variables))?;
    run.check(tool.name, &place)?;
    out(run)?;
    let record = |kind| Record::new(kind, tool.name, &run.to.label, &[]).bytes(bytes);
    Ok(vec![record(Kind::Make).work(made), record(Kind::Fresh).work(applied)])
}

fn of_pairwise(run: &Run<'_>, tool: Pairwise, old: &Version) -> Result<Vec<Record>, BenchError> {
    let record = |kind| Record::new(kind, tool.name, &run.to.label, &[&old.label]);
    let needed = old.bytes.max(run.to.bytes).saturating_mul(tool.memory_factor);
    if needed > peer::MEMORY_MAX_BYTES {
        let why = format!("not run: needs {} GiB of memory", needed >> 30);
        return Ok(vec![
            record(Kind::MakeUpdate).note(why.clone()),
            record(Kind::Update).note(why),
        ]);
    }
    let (name, place) = out(run)?;
    let (old_tar, new_tar) = (old.tar(), run.to.tar());
    let variables =
        [("OLD", old_tar.as_str()), ("NEW", &new_tar), ("PATCH", "patch"), ("OUT", name)];
    let (_, made) = measure(&mut shell(tool.make, run.folder(), &variables))?;
    let bytes = run::bytes_of(&run.folder().join("patch"))?;
    let (_, applied) = measure(&mut shell(tool.apply, run.folder(), &variables))?;
    run.check(tool.name, &place)?;
    out(run)?;
    Ok(vec![
        record(Kind::MakeUpdate).bytes(bytes).work(made),
        record(Kind::Update).bytes(bytes).requests(1).work(applied),
    ])
}

fn of_rsync(run: &Run<'_>, old: &Version) -> Result<Vec<Record>, BenchError> {
    let (name, place) = out(run)?;
    run::remove(&place)?;
    run::run(
        std::process::Command::new("cp").arg("-r").arg(run.folder().join(&old.name)).arg(&place),
    )?;
    let variables = [("NEW_DIR", run.to.name.as_str()), ("OUT", name)];
    let mut command = shell(peer::RSYNC_UPDATE, run.folder(), &variables);
    let (said, work) = measure(&mut command)?;
    let total = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.replace([',', ':', ' '], "").parse::<u64>().ok())
    };
    let sent = total("Total bytes sent").ok_or_else(|| run::silent(&command, "what it sent"))?;
    let received = total("Total bytes received").unwrap_or(0);
    run.check(peer::RSYNC, &place)?;
    out(run)?;
    let note = format!("and {} bytes up", crate::report::grouped(received));
    let record = Record::new(Kind::Update, peer::RSYNC, &run.to.label, &[&old.label]);
    Ok(vec![record.bytes(sent).work(work).note(note)])
}

fn of_served(tools: &Tools, run: &Run<'_>, tool: Served) -> Result<Vec<Record>, BenchError> {
    let served = run.folder().join("served");
    run::fresh_folder(&served)?;
    let older = run.older.iter().map(|version| version.name.as_str()).collect::<Vec<_>>().join(" ");
    let ancestors = (1..=run.older.len()).map(|above| format!("main{}", "^".repeat(above)));
    let parents = ancestors.collect::<Vec<_>>();
    let new_tar = run.to.tar();
    let variables = [
        ("SERVED", "served".to_owned()),
        ("NEW", new_tar),
        ("NEW_DIR", run.to.name.clone()),
        ("OLDER", older),
        ("PARENTS", parents.join(" ")),
    ];
    let (_, made) = measure(&mut shell(tool.make, run.folder(), &variables))?;
    let make = Record::new(Kind::Make, tool.name, &run.to.label, &[]).work(made);
    let mut records = vec![make.bytes(run::bytes_below(&served)?)];
    let fetch = |script: &str, hold: &str, old: &Version, parent: &str| {
        let held = [
            ("OLD", old.tar()),
            ("OLD_DIR", old.name.clone()),
            ("PARENT", parent.to_owned()),
            ("OUT", "out".to_owned()),
        ];
        let all = variables.iter().cloned().chain(held).collect::<Vec<_>>();
        fetch(tools, run, tool.name, (hold, script), all)
    };
    if let Some(install) = tool.install {
        let (traffic, work) = fetch(install, "", run.to, "")?;
        let record = Record::new(Kind::Fresh, tool.name, &run.to.label, &[]);
        records.push(record.bytes(traffic.bytes).requests(traffic.requests).work(work));
    }
    for (place, old) in run.holders() {
        let parent = parents.get(run.older.len() - 1 - place).map_or("", String::as_str);
        let (traffic, work) = fetch(tool.update, tool.hold, old, parent)?;
        let record = Record::new(Kind::Update, tool.name, &run.to.label, &[&old.label]);
        records.push(record.bytes(traffic.bytes).requests(traffic.requests).work(work));
    }
    if tool.seed == Seed::Any {
        let (traffic, work) = fetch(tool.update, "", &run.mixture, "")?;
        let record = Record::new(Kind::Mixture, tool.name, &run.to.label, &[&run.mixture.label]);
        records.push(record.bytes(traffic.bytes).requests(traffic.requests).work(work));
    }
    out(run)?;
    run::remove(&served)?;
    Ok(records)
}

fn fetch(
    tools: &Tools,
    run: &Run<'_>,
    tool: &str,
    (hold, script): (&str, &str),
    mut variables: Vec<(&str, String)>,
) -> Result<(Traffic, Work), BenchError> {
    let (_, place) = out(run)?;
    if !hold.is_empty() {
        measure(&mut shell(hold, run.folder(), &variables))?;
    }
    let server = Server::start(tools, &run.folder().join("served"))?;
    variables.push(("URL", server.url.clone()));
    let (_, work) = measure(&mut shell(script, run.folder(), &variables))?;
    let traffic = server.stop()?;
    run.check(tool, &place)?;
    Ok((traffic, work))
}
