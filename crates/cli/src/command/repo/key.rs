//! `repo key`: the keys that sign a repository.

use clap::{Args, Subcommand, ValueEnum};
use headstart_model::Failure;
use headstart_repo::author::{Duty, KeyInfo, KeyPlace};
use serde_json::{Value, json};

use super::place::{Repository, Signing};
use crate::command::Verdict;
use crate::context::Context;
use crate::output::table;

/// Shows and replaces signing keys
#[derive(Debug, Args)]
pub(crate) struct Key {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    List(List),
    Rotate(Rotate),
}

/// Shows the keys that may sign for a repository
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart repo key list assets-repo")]
struct List {
    /// The repository
    repo: Repository,
    #[command(flatten)]
    signing: Signing,
}

/// Replaces the key of a duty with a new one; devices follow by themselves
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart repo key rotate assets-repo online\n\n\
    The root key signs roots only. The online key signs releases and timestamps. Both need the root key at hand.")]
struct Rotate {
    /// The repository
    repo: Repository,
    /// What the key signs
    duty: DutyName,
    #[command(flatten)]
    signing: Signing,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DutyName {
    /// Signs roots
    Root,
    /// Signs timestamps and releases
    Online,
}

impl From<DutyName> for Duty {
    fn from(name: DutyName) -> Self {
        match name {
            DutyName::Root => Self::Root,
            DutyName::Online => Self::Online,
        }
    }
}

impl Key {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let keys = match &self.task {
            Task::List(list) => list.signing.open(context, &list.repo)?.keys(),
            Task::Rotate(rotate) => {
                let mut writer = rotate.signing.open(context, &rotate.repo)?;
                writer
                    .rotate(rotate.duty.into(), context.now())
                    .map_err(|error| error.to_failure())?;
                writer.keys()
            }
        };
        let document = json!({"keys": keys.iter().map(document).collect::<Vec<_>>()});
        context.output.document(&document, || {
            let rows = keys.iter().map(|key| {
                let place = if key.place == KeyPlace::Here { "here" } else { "elsewhere" };
                vec![key.duty.to_string(), key.id.clone(), place.to_owned()]
            });
            table(&rows.collect::<Vec<_>>())
        });
        Ok(Verdict::Done)
    }
}

fn document(key: &KeyInfo) -> Value {
    json!({"id": key.id, "duty": key.duty.as_str(), "atHand": key.place == KeyPlace::Here})
}
