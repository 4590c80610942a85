//! `completions`: what a shell needs to complete our command lines.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use headstart_model::Failure;
use serde_json::json;

use super::Verdict;
use crate::arguments::Arguments;
use crate::context::Context;

/// Writes the completions of a shell to stdout
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart completions bash\n  \
    headstart completions zsh\n\n\
    For bash: headstart completions bash > ~/.local/share/bash-completion/completions/headstart")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    #[expect(clippy::unnecessary_wraps, reason = "every command is run alike")]
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "headstart", &mut script);
        if context.output.is_for_program() {
            let script = String::from_utf8_lossy(&script);
            context.output.document(&json!({"script": script}), String::new);
        } else {
            // A reader that went away has read what it wanted.
            let _ = context.output.bytes(&script);
        }
        Ok(Verdict::Done)
    }
}
