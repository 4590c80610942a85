//! What can be typed. `Spec: cli`.

use std::ffi::OsString;

use clap::error::ErrorKind as Cause;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser};
use headstart_model::{ErrorKind, Failure};

use crate::command::Command;
use crate::context::StartPolicy;
use crate::output::Listener;

/// Puts an app's large assets on the device before the app needs them.
#[derive(Debug, Parser)]
#[command(
    name = "headstart",
    version,
    max_term_width = 110,
    after_help = "Examples:\n  \
        headstart template -o pack.jsonc\n  \
        headstart pack pack.jsonc -o textures.assetpack\n  \
        headstart serve textures.assetpack\n\n\
        Every command explains itself: headstart COMMAND --help"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Say everything as JSON on stdout, for programs
    #[arg(long, global = true, help_heading = "Everywhere")]
    json: bool,
    /// Say nothing but errors
    #[arg(short, long, global = true, help_heading = "Everywhere")]
    quiet: bool,
    /// Do not start the service if it does not run
    #[arg(long, global = true, help_heading = "Everywhere")]
    no_start: bool,
}

impl Global {
    /// Who listens. A program is told everything, quiet or not: it asked for it.
    pub(crate) const fn listener(&self) -> Listener {
        match (self.json, self.quiet) {
            (true, _) => Listener::Program,
            (false, true) => Listener::QuietPerson,
            (false, false) => Listener::Person,
        }
    }

    /// Whether the service may be started.
    pub(crate) const fn start_policy(&self) -> StartPolicy {
        if self.no_start { StartPolicy::Never } else { StartPolicy::IfNeeded }
    }
}

/// Why there is nothing to be run.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Help or the version was asked for: this is it.
    Asked(String),
    /// The command line is wrong.
    Usage {
        /// As a person is told.
        text: String,
        /// As a program is told.
        failure: Box<Failure>,
    },
}

/// Reads the command line; the first word is the program.
pub(crate) fn parse(words: &[OsString]) -> Result<Arguments, Refusal> {
    let command = Arguments::command();
    let parsed = command
        .try_get_matches_from(words)
        .and_then(|mut matches| Arguments::from_arg_matches_mut(&mut matches));
    parsed.map_err(|error| refusal(&error))
}

fn refusal(error: &clap::Error) -> Refusal {
    let text = error.render().to_string();
    match error.kind() {
        Cause::DisplayHelp | Cause::DisplayVersion => Refusal::Asked(text),
        Cause::DisplayHelpOnMissingArgumentOrSubcommand => {
            let failure = usage("a command is missing".to_owned());
            Refusal::Usage { text, failure: Box::new(failure) }
        }
        _ => {
            let said = text.lines().map(str::trim).take_while(|line| !line.is_empty());
            let message = said.collect::<Vec<_>>().join(" ");
            let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
            Refusal::Usage { text, failure: Box::new(usage(message)) }
        }
    }
}

fn usage(message: String) -> Failure {
    Failure::new(ErrorKind::Usage, "usage", message)
        .with_hint("`headstart --help` lists the commands, `headstart COMMAND --help` explains one")
}

#[cfg(test)]
mod tests;
