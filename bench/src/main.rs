//! Measures what packs and their updates cost beside other tools, and how much memory the service takes for a large one.
//!
//! `bench/run.sh` builds everything, runs this, and says what it needs. Everything is measured from outside, through the
//! programs that people use: bytes are counted by the server, memory is read from the system.

mod bulk;
mod error;
mod extension;
mod game;
mod large;
mod machine;
mod memory;
mod pack;
mod pack_memory;
mod plot;
mod process;
mod reading;
mod report;
mod run;
mod server;
mod transfer;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use error::BenchError;
use pack::PackOptions;
use run::Tools;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Packs and updates, beside other tools
    Pack,
    /// The memory of packing and publishing
    PackMemory,
    /// The memory of the service
    Memory,
    Reading,
    /// Extensions, with a page of their own
    Extension,
    /// Transfers, with a page of their own
    Transfer,
}

#[derive(Debug, Parser)]
struct Options {
    /// Where `headstart` and `headstartd` lie
    #[arg(long)]
    binaries: PathBuf,
    /// Where the real releases lie
    #[arg(long)]
    real_input: PathBuf,
    /// Where the pages go
    #[arg(long)]
    docs: PathBuf,
    /// Measure only this; without it everything
    what: Option<What>,
    #[command(flatten)]
    pack: PackOptions,
    /// pack-memory: size of each version
    #[arg(long, default_value_t = 8)]
    gib: u64,
}

fn main() -> ExitCode {
    if extension::is_wanted() {
        return extension::be_extension().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    match measure(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut next: Option<&dyn std::error::Error> = Some(&error);
            while let Some(error) = next {
                say(&error.to_string());
                next = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

/// A line about what is being done.
#[expect(clippy::print_stderr, reason = "a program for a terminal")]
fn say(line: &str) {
    eprintln!("{line}");
}

#[expect(clippy::print_stdout, reason = "the result")]
fn show(text: &str) {
    println!("{text}");
}

fn measure(options: &Options) -> Result<(), BenchError> {
    let scratch = Path::new("target/bench/scratch");
    run::fresh_folder(scratch)?;
    if matches!(options.what, None | Some(What::Reading)) {
        let reading = reading::measure(scratch)?;
        show(&reading.table());
        let page = reading.page(&machine::facts());
        run::write(&options.docs.join("reading.md"), page.as_bytes())?;
        reading.judge()?;
    }
    if options.what == Some(What::Reading) {
        return run::remove(scratch);
    }
    let tools = Tools::new(&options.binaries, scratch)?;
    if matches!(options.what, None | Some(What::Extension)) {
        let measured = extension::measure(&tools)?;
        show(&measured.table());
        let page = measured.page(&machine::facts());
        run::write(&options.docs.join("extension.md"), page.as_bytes())?;
        measured.judge()?;
    }
    if options.what == Some(What::Extension) {
        return run::remove(scratch);
    }
    if matches!(options.what, None | Some(What::Transfer)) {
        transfer::measure(&tools, &options.docs)?;
    }
    let facts = machine::facts();
    let wanted = |what| options.what.is_none_or(|only| only == what);
    if wanted(What::PackMemory) {
        say("memory of packing");
        pack_memory::measure(&tools, options.gib, &machine::today())?;
    }
    if wanted(What::Pack) {
        pack::measure(&tools, (&options.pack, &options.real_input, &options.docs), &facts)?;
    }
    if wanted(What::Memory) {
        let measured = memory::measure(&tools)?;
        show(&report::memory(&measured));
        let page = report::page(&facts, &measured);
        run::write(&options.docs.join("service.md"), page.as_bytes())?;
        run::write(&options.docs.join("service.svg"), plot::draw(&measured).as_bytes())?;
        report::judge(&measured)?;
    }
    run::remove(scratch)
}
