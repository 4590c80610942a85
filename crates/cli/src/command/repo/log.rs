//! `repo log`: the history of releases.

use clap::Args;
use headstart_model::Failure;
use headstart_repo::author::{self, Cause, LoggedRelease};
use serde_json::json;

use super::list::{names, packs};
use super::place::Repository;
use crate::command::Verdict;
use crate::context::Context;
use crate::output::table;

/// Shows the releases, newest first
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  headstart repo log assets-repo\n  headstart repo log assets-repo --json"
)]
pub(crate) struct Log {
    /// The repository
    repo: Repository,
}

impl Log {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let releases = context.block_on(async {
            author::log(self.repo.folder()).await.map_err(|error| error.to_failure())
        })?;
        let document = releases.iter().map(|release| {
            json!({
                "release": release.release, "channel": release.channel, "at": release.at,
                "cause": release.cause, "rollout": release.rollout_percent,
                "packs": packs(&release.packs),
            })
        });
        let document = json!({"releases": document.collect::<Vec<_>>()});
        context.output.document(&document, || text(&releases));
        Ok(Verdict::Done)
    }
}

fn text(releases: &[LoggedRelease]) -> String {
    if releases.is_empty() {
        return "nothing is published yet".to_owned();
    }
    let head = ["RELEASE", "AT", "CHANNEL", "CAUSE", "PACKS"].map(str::to_owned).to_vec();
    let rows = releases.iter().map(|release| {
        let (number, at) = (release.release.to_string(), release.at.to_string());
        vec![number, at, release.channel.to_string(), cause(release), names(&release.packs)]
    });
    table(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

fn cause(release: &LoggedRelease) -> String {
    match &release.cause {
        Cause::Publish => "publish".to_owned(),
        Cause::Promote { from } => format!("promote from {from}"),
        Cause::Rollback { to } => format!("rollback to {to}"),
        Cause::Remove => "remove".to_owned(),
        Cause::Rollout => format!("rollout {} %", release.rollout_percent),
        _ => String::new(),
    }
}
