//! `headstart`: the command line for people and for build machines. `Spec: cli`.
//!
//! [`arguments`] says what can be typed, [`command`] has one file for each command, [`context`] is what commands are given.
//! Everything that is printed goes through [`output`]; every failure is a `Failure`, made in [`failure`] where the crates
//! below have no opinion of their own.
//!
//! Nothing is decided here that a program could want to decide otherwise: the crates below do the work.

mod archive;
mod arguments;
mod command;
mod context;
mod desktop;
mod failure;
mod fault;
mod input;
mod logging;
mod network;
mod output;
mod quantity;
mod temporary;

use std::ffi::OsString;
use std::process::ExitCode;

use arguments::Refusal;
use command::Verdict;
use context::Context;
use headstart_model::Failure;
use output::{Listener, Output, exit_code};

fn main() -> ExitCode {
    fault::take_over();
    let words: Vec<OsString> = std::env::args_os().collect();
    let arguments = match arguments::parse(&words) {
        Ok(arguments) => arguments,
        Err(refusal) => return refuse(refusal, listener(&words)),
    };
    let output = Output::new(arguments.global.listener());
    #[expect(clippy::disallowed_methods, reason = "the environment is read here and passed on")]
    let filter = std::env::var(logging::VARIABLE).ok();
    if let Err(failure) = logging::start(filter.as_deref()) {
        output.failure(&failure);
        return ExitCode::from(exit_code(&failure));
    }
    let context = Context::new(output, arguments.global.start_policy());
    let result = fault::caught(|| arguments.command.run(&context));
    let code = conclude(&context.output, result);
    context.end();
    ExitCode::from(code)
}

/// What happened, as an exit code. `Spec: cli, common rules`.
fn conclude(output: &Output, result: Result<Verdict, Failure>) -> u8 {
    match result {
        Ok(Verdict::Done) => 0,
        Ok(Verdict::Failed) => 1,
        Err(failure) => {
            output.failure(&failure);
            exit_code(&failure)
        }
    }
}

fn refuse(refusal: Refusal, listener: Listener) -> ExitCode {
    match refusal {
        Refusal::Asked(text) => {
            // Nobody is left to be told when stdout is closed.
            let _ = Output::new(Listener::Person).bytes(text.as_bytes());
            ExitCode::SUCCESS
        }
        Refusal::Usage { text, failure } => {
            Output::new(listener).usage(&text, &failure);
            ExitCode::from(exit_code(&failure))
        }
    }
}

/// Who listens, as far as it can be told from a command line that could not be read.
fn listener(words: &[OsString]) -> Listener {
    let options = words.iter().take_while(|word| *word != "--");
    if options.into_iter().any(|word| word == "--json") {
        Listener::Program
    } else {
        Listener::Person
    }
}
