//! `repo list`: what is live.

use clap::Args;
use headstart_model::Failure;
use headstart_repo::author::{self, ListedChannel, ListedPack};
use serde_json::{Value, json};

use super::place::Repository;
use crate::command::Verdict;
use crate::context::Context;
use crate::output::table;

/// Shows what is live in each channel
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart repo list assets-repo")]
pub(crate) struct List {
    /// The repository
    repo: Repository,
}

impl List {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let channels = context.block_on(async {
            author::list(self.repo.folder()).await.map_err(|error| error.to_failure())
        })?;
        let document = channels.iter().map(|channel| {
            json!({
                "name": channel.name, "release": channel.release,
                "rollout": channel.rollout_percent, "packs": packs(&channel.packs),
            })
        });
        let document = json!({"channels": document.collect::<Vec<_>>()});
        context.output.document(&document, || text(&channels));
        Ok(Verdict::Done)
    }
}

/// Packs as programs are told of them.
pub(super) fn packs(packs: &[ListedPack]) -> Vec<Value> {
    let one = |pack: &ListedPack| {
        let mut told = json!({"id": pack.id, "version": pack.version});
        if let Some(range) = &pack.app_versions {
            told["appVersions"] = json!(range);
            told["fallbacks"] = self::packs(&pack.fallbacks).into();
        }
        told
    };
    packs.iter().map(one).collect()
}

/// Packs as people are told of them.
pub(super) fn names(packs: &[ListedPack]) -> String {
    let names = packs.iter().map(|pack| match &pack.app_versions {
        Some(range) => format!("{} {} (app {range})", pack.id, pack.version),
        None => format!("{} {}", pack.id, pack.version),
    });
    names.collect::<Vec<_>>().join(", ")
}

fn text(channels: &[ListedChannel]) -> String {
    if channels.is_empty() {
        return "nothing is published yet".to_owned();
    }
    let head = ["CHANNEL", "RELEASE", "ROLLOUT", "PACKS"].map(str::to_owned).to_vec();
    let rows = channels.iter().map(|channel| {
        let rollout = format!("{} %", channel.rollout_percent);
        vec![channel.name.to_string(), channel.release.to_string(), rollout, names(&channel.packs)]
    });
    table(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}
