//! `repo gc`: frees what no recent release needs.

use std::time::Duration;

use clap::Args;
use headstart_model::Failure;
use jiff::SignedDuration;
use serde_json::json;

use super::place::{Repository, Signing};
use crate::command::Verdict;
use crate::context::Context;
use crate::failure;
use crate::output::{count, size};
use crate::quantity;

/// Removes files that no release needs which was live lately
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  headstart repo gc assets-repo\n  headstart repo gc assets-repo --keep 90d"
)]
pub(crate) struct Gc {
    /// The repository
    repo: Repository,
    /// Keep what was live within this time
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = quantity::time)]
    keep: Duration,
    /// Say what would be freed, and change nothing; no key is needed
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    signing: Signing,
}

impl Gc {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let keep = SignedDuration::try_from(self.keep)
            .map_err(|_| failure::usage("the time of `--keep` is too long"))?;
        let now = context.now();
        let freed = if self.dry_run {
            self.signing.look(context, &self.repo)?.try_gc(keep, now)
        } else {
            self.signing.open(context, &self.repo)?.gc(keep, now)
        };
        let freed = freed.map_err(|error| error.to_failure())?;
        let paths: Vec<_> = freed.files.iter().map(|file| file.path.as_str()).collect();
        let mut document = json!({"freedBytes": freed.bytes, "files": paths.len()});
        if self.dry_run {
            document["dryRun"] = true.into();
            document["paths"] = paths.clone().into();
        }
        context.output.document(&document, || {
            let would = if self.dry_run { "would be " } else { "" };
            let total = format!(
                "{} {would}freed, {}",
                size(freed.bytes),
                count(paths.len() as u64, "file")
            );
            let lines =
                freed.files.iter().map(|file| format!("  {} {}", file.path, size(file.bytes)));
            std::iter::once(total).chain(lines).collect::<Vec<_>>().join("\n")
        });
        Ok(Verdict::Done)
    }
}
