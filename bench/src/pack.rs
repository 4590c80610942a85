//! What packs and their updates cost, beside other tools.

mod chart;
mod commands;
mod input;
mod others;
mod ours;
mod page;
mod peer;
mod record;
mod single_file;
mod targets;

use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;

use crate::error::BenchError;
use crate::run::Tools;
use crate::{machine, run, say, show};

use input::{Input, Named};
use others::Run;
pub(crate) use ours::Level;
pub(crate) use record::{Book, Kind, Record, Reuse};

/// What is measured, and what may be taken from earlier runs.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PackOptions {
    /// pack: only these inputs, printed and not written
    #[arg(long, value_name = "INPUT", value_delimiter = ',')]
    only: Vec<Named>,
    /// pack: only these levels, printed and not written
    #[arg(long, value_name = "LEVEL", value_delimiter = ',')]
    levels: Vec<Level>,
    /// pack: only these other tools, by their names in the tables; printed and not written
    #[arg(long, value_name = "TOOL", value_delimiter = ',', value_parser = PossibleValuesParser::new(peer::names()))]
    tools: Vec<String>,
    /// pack: instead of the inputs, this folder …
    #[arg(long, value_name = "DIR", requires = "new")]
    old: Option<PathBuf>,
    /// … and what became of it; printed and not written
    #[arg(long, value_name = "DIR", requires = "old")]
    new: Option<PathBuf>,
    /// pack: take figures of other tools from earlier runs where input, command and version are the same
    #[arg(long)]
    reuse_peers: bool,
    /// pack: go on after a run that was ended: take everything that was measured with this very build
    #[arg(long)]
    resume: bool,
    /// pack: measure nothing; write the page of what this very build and other tools have measured, and say what is missing
    #[arg(long, conflicts_with_all = ["only", "levels", "tools", "old", "resume", "reuse_peers"])]
    from_book: bool,
}

/// One wanted version of an input, and every figure.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) input: String,
    pub(crate) to: String,
    /// Versions that devices hold, newest first.
    pub(crate) held: Vec<String>,
    /// Of the tar of the wanted version.
    pub(crate) bytes: u64,
    pub(crate) records: Vec<Record>,
}

impl Measured {
    pub(crate) fn find(&self, kind: Kind, tool: &str, from: Option<&str>) -> Option<&Record> {
        self.records.iter().find(|record| {
            let holder = from.is_none_or(|from| record.from.iter().any(|label| label == from));
            record.kind == kind && record.tool == tool && holder
        })
    }

    pub(crate) fn bytes(&self, kind: Kind, tool: &str, from: Option<&str>) -> Option<u64> {
        self.find(kind, tool, from)?.bytes
    }
}

/// Measures everything that was asked for; writes the page if that is everything there is.
pub(crate) fn measure(
    tools: &Tools,
    (options, real_input, docs): (&PackOptions, &Path, &Path),
    facts: &[(&'static str, String)],
) -> Result<(), BenchError> {
    let mut book = Book::open(&book_path(tools), machine::today());
    let mut measured = Vec::new();
    let folder = tools.scratch.join("input");
    if let (Some(old), Some(new)) = (&options.old, &options.new) {
        let input = input::pair(&folder, old, new)?;
        measured.extend(of_input(tools, &mut book, &input, options)?);
    } else {
        let named = if options.only.is_empty() { &Named::ALL[..] } else { &options.only };
        for named in named {
            say(&format!("{named:?}: made ready"));
            let input = named.prepare(&folder, real_input)?;
            measured.extend(of_input(tools, &mut book, &input, options)?);
        }
    }
    run::remove(&folder)?;
    let memory = crate::pack_memory::earlier(&book);
    let rows = targets::judge(&measured, memory.as_ref());
    let chosen =
        !options.only.is_empty() || !options.levels.is_empty() || !options.tools.is_empty();
    let part = options.old.is_some() || chosen;
    if part {
        show(&page::tables(&measured));
        show(&targets::table(&rows));
    } else {
        let text = page::page(&measured, (&rows, memory.as_ref()), (facts, &book));
        run::write(&docs.join("pack.md"), text.as_bytes())?;
        run::write(&docs.join("pack.svg"), chart::draw(&measured).as_bytes())?;
        show(&targets::table(&rows));
    }
    for row in rows.iter().filter(|row| row.reached == targets::Reached::No) {
        say(&format!("NOT REACHED: {row}"));
    }
    Ok(())
}

/// Where figures are kept between runs: beside the scratch folder, which each run empties.
pub(crate) fn book_path(tools: &Tools) -> PathBuf {
    tools.scratch.with_file_name("figures.json")
}

fn of_input(
    tools: &Tools,
    book: &mut Book,
    input: &Input,
    options: &PackOptions,
) -> Result<Vec<Measured>, BenchError> {
    let when = |allowed| match (options.from_book, allowed) {
        (true, _) => Reuse::Only,
        (false, true) => Reuse::Yes,
        (false, false) => Reuse::No,
    };
    let levels = if options.levels.is_empty() { &Level::ALL[..] } else { &options.levels };
    let mut measured = Vec::new();
    for (wanted, held) in &input.updates {
        let (Some(to), Some(older)) = (input.versions.get(*wanted), input.versions.get(..*wanted))
        else {
            continue;
        };
        say(&format!("{} {}", input.name, to.label));
        let newest = older.last().unwrap_or(to);
        let halves = match older.len().checked_sub(2).and_then(|place| older.get(place)) {
            Some(before) => (before, newest),
            None => (newest, to),
        };
        let run = Run { input, to, older, held: held.clone(), mixture: input::mix(input, halves)? };
        let mut records = ours::measure_all(tools, book, when(options.resume), (&run, levels))?;
        let reuse = when(options.resume || options.reuse_peers);
        records.extend(others::measure_all(tools, book, reuse, (&run, &options.tools))?);
        let held = run.holders().map(|(_, version)| version.label.clone()).collect();
        measured.push(Measured {
            input: input.name.clone(),
            to: to.label.clone(),
            held,
            bytes: to.bytes,
            records,
        });
    }
    Ok(measured)
}
