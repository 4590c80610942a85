//! `repo remove`: withdraws packs.

use clap::Args;
use headstart_model::{Failure, PackId};

use super::place::{Repository, Signing};
use super::{change, sentence};
use crate::command::Verdict;
use crate::context::Context;
use crate::output::count;

/// Withdraws packs from every channel: devices see them as obsolete
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart repo remove assets-repo Level1 Level2")]
pub(crate) struct Remove {
    /// The repository
    repo: Repository,
    /// The ids of the packs
    #[arg(value_name = "PACK", required = true)]
    packs: Vec<PackId>,
    #[command(flatten)]
    signing: Signing,
}

impl Remove {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let mut writer = self.signing.open(context, &self.repo)?;
        let committed =
            writer.remove(&self.packs, context.now()).map_err(|error| error.to_failure())?;
        context.output.document(&change(&committed), || {
            let packs = count(self.packs.len() as u64, "pack");
            sentence(&committed, &format!("{packs} withdrawn"))
        });
        Ok(Verdict::Done)
    }
}
