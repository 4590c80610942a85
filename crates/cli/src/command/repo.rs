//! `repo`: the author's side of a signed repository.

mod gc;
mod init;
mod key;
mod list;
mod log;
mod place;
mod promote;
mod publish;
mod receipt;
mod refresh;
mod remove;
mod rollback;
mod rollout;
mod verify;

use clap::{Args, Subcommand};
use headstart_model::Failure;
use headstart_repo::author::{Committed, Outcome};
use serde_json::{Value, json};

use super::Verdict;
use crate::context::Context;

/// Makes, fills and looks after signed repositories
#[derive(Debug, Args)]
pub(crate) struct Repo {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Init(init::Init),
    Publish(publish::Publish),
    List(list::List),
    Log(log::Log),
    Rollout(rollout::Rollout),
    Promote(promote::Promote),
    Rollback(rollback::Rollback),
    Remove(remove::Remove),
    Refresh(refresh::Refresh),
    Key(key::Key),
    Gc(gc::Gc),
    Verify(verify::Verify),
    Receipt(receipt::Receipt),
}

impl Repo {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        match &self.task {
            Task::Init(command) => command.run(context),
            Task::Publish(command) => command.run(context),
            Task::List(command) => command.run(context),
            Task::Log(command) => command.run(context),
            Task::Rollout(command) => command.run(context),
            Task::Promote(command) => command.run(context),
            Task::Rollback(command) => command.run(context),
            Task::Remove(command) => command.run(context),
            Task::Refresh(command) => command.run(context),
            Task::Key(command) => command.run(context),
            Task::Gc(command) => command.run(context),
            Task::Verify(command) => command.run(context),
            Task::Receipt(command) => command.run(context),
        }
    }
}

/// What programs are told of a change.
fn change(committed: &Committed) -> Value {
    json!({"release": committed.release, "outcome": outcome(committed.outcome)})
}

const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Unchanged => "unchanged",
        Outcome::WouldRelease => "wouldRelease",
        _ => "released",
    }
}

/// What people are told of a change.
fn sentence(committed: &Committed, what: &str) -> String {
    let release = committed.release;
    match committed.outcome {
        Outcome::Unchanged => {
            format!("nothing to change: {what} is so already (release {release})")
        }
        Outcome::WouldRelease => format!("release {release} would be: {what}"),
        _ => format!("release {release}: {what}"),
    }
}
