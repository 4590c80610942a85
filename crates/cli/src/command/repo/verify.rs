//! `repo verify`: checks everything that a repository names.

use std::path::PathBuf;

use clap::Args;
use headstart_model::Failure;
use headstart_repo::author::{self, Damage, Fault};
use serde_json::json;

use super::place::Repository;
use crate::command::Verdict;
use crate::context::Context;
use crate::input;
use crate::output::{count, size, table};

/// Most bytes of a root file.
const ROOT_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Checks every signature and every byte of a repository
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart repo verify assets-repo\n  \
    headstart repo verify assets-repo --root root.json\n\n\
    Without --root the root that lies in the repository is believed. Ends with 1 if something is wrong.")]
pub(crate) struct Verify {
    /// The repository
    repo: Repository,
    /// The first root, from a place that you trust
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
}

impl Verify {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let root = match &self.root {
            Some(path) => Some(input::read(path, ROOT_BYTES_MAX, ("root", "rootMissing"))?),
            None => None,
        };
        let now = context.now();
        let found = context.block_on(async {
            let found = author::verify(self.repo.folder(), root.as_deref(), now).await;
            found.map_err(|error| error.to_failure())
        })?;
        let damaged = found.damaged.iter();
        let damaged: Vec<_> =
            damaged.map(|damage| json!({"path": damage.path, "reason": reason(damage)})).collect();
        let document = json!({
            "ok": damaged.is_empty(), "damaged": damaged,
            "files": found.files, "bytes": found.bytes,
        });
        context.output.document(&document, || {
            if found.damaged.is_empty() {
                return format!("whole: {}, {}", count(found.files, "file"), size(found.bytes));
            }
            let rows = found.damaged.iter().map(|damage| vec![damage.path.clone(), reason(damage)]);
            let damaged = count(found.damaged.len() as u64, "fault");
            format!("{}\n{damaged} found", table(&rows.collect::<Vec<_>>()))
        });
        Ok(if found.damaged.is_empty() { Verdict::Done } else { Verdict::Failed })
    }
}

fn reason(damage: &Damage) -> String {
    match &damage.fault {
        Fault::Missing => "missing".to_owned(),
        Fault::Altered => "not the bytes that were signed".to_owned(),
        Fault::Expired { since } => format!("expired at {since}"),
        Fault::Refused(error) => error.to_string(),
        _ => "damaged".to_owned(),
    }
}
