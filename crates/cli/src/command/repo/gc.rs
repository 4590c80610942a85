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
    #[command(flatten)]
    signing: Signing,
}

impl Gc {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let keep = SignedDuration::try_from(self.keep)
            .map_err(|_| failure::usage("the time of `--keep` is too long"))?;
        let mut writer = self.signing.open(context, &self.repo)?;
        let freed = writer.gc(keep, context.now()).map_err(|error| error.to_failure())?;
        context.output.document(&json!({"freedBytes": freed.bytes, "files": freed.files}), || {
            format!("{} freed, {}", size(freed.bytes), count(freed.files, "file"))
        });
        Ok(Verdict::Done)
    }
}
