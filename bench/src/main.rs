//! Measures what the update of a pack moves, beside casync, and how much memory the service takes for a large one.
//!
//! `bench/run.sh` builds everything, runs this, and says what it needs. Everything is measured from outside, through the
//! programs that people use: bytes are counted by the server, memory is read from the system.

mod error;
mod large;
mod machine;
mod memory;
mod plot;
mod reading;
mod report;
mod run;
mod server;
mod transfer;
mod update;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use error::BenchError;
use run::Tools;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Update,
    Memory,
    Reading,
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
    /// Where the report goes
    #[arg(long)]
    docs: PathBuf,
    /// Measure only this, and write no report
    what: Option<What>,
}

fn main() -> ExitCode {
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
    let scratch = Path::new("target/bench");
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
    if options.what == Some(What::Transfer) {
        transfer::measure(&tools, &options.docs)?;
        return run::remove(scratch);
    }
    let mut updates = Vec::new();
    if options.what != Some(What::Memory) {
        for pair in update::PAIRS {
            updates.push(update::measure(&tools, pair, &options.real_input)?);
        }
        show(&report::updates(&updates));
    }
    let mut memory = None;
    if options.what != Some(What::Update) {
        let measured = memory::measure(&tools)?;
        show(&report::memory(&measured));
        memory = Some(measured);
    }
    if let (None, Some(memory)) = (options.what, &memory) {
        let page = report::page(&machine::facts(), &updates, memory);
        run::write(&options.docs.join("update.md"), page.as_bytes())?;
        run::write(&options.docs.join("update.svg"), plot::draw(&updates, memory).as_bytes())?;
    }
    run::remove(scratch)?;
    report::judge(&updates, memory.as_ref())
}
