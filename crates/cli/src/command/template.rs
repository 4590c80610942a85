//! `template`: a packaging manifest to begin with.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use headstart_model::Failure;
use headstart_model::packaging::template;
use headstart_sys::durable::DurableFile;
use headstart_sys::mode::Mode;
use headstart_sys::{Action, FileError};
use serde_json::json;

use super::Verdict;
use crate::context::Context;
use crate::failure;

/// Writes a packaging manifest with comments that explain every key
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart template\n  headstart template -o pack.jsonc")]
pub(crate) struct Template {
    /// Write it to this new file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Template {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let Some(path) = &self.output else {
            if context.output.is_for_program() {
                context.output.document(&json!({"template": template()}), String::new);
            } else {
                // A reader that went away has read what it wanted.
                let _ = context.output.bytes(template().as_bytes());
            }
            return Ok(Verdict::Done);
        };
        let place = failure::output_place(path)?;
        let write = || {
            let mut file = DurableFile::create(&place, Mode::SHARED)?;
            file.write_all(template().as_bytes())
                .map_err(|e| FileError::new(Action::Write, path, e))?;
            file.commit_new()
        };
        write().map_err(|error| failure::of_file(&error))?;
        context.output.document(&json!({}), || {
            format!("{} is ready to be edited; `headstart evaluate` checks it", path.display())
        });
        Ok(Verdict::Done)
    }
}
