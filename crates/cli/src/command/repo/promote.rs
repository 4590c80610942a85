//! `repo promote`: one channel gets the packs of another.

use clap::Args;
use headstart_model::{ChannelName, Failure};

use super::place::{Repository, Signing};
use super::{change, sentence};
use crate::command::Verdict;
use crate::context::Context;

/// Gives a channel the packs of another, as a release for all its devices
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart repo promote assets-repo beta production")]
pub(crate) struct Promote {
    /// The repository
    repo: Repository,
    /// The channel whose packs are taken
    from: ChannelName,
    /// The channel that gets them
    to: ChannelName,
    #[command(flatten)]
    signing: Signing,
}

impl Promote {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let mut writer = self.signing.open(context, &self.repo)?;
        let committed = writer
            .promote(&self.from, &self.to, context.now())
            .map_err(|error| error.to_failure())?;
        context.output.document(&change(&committed), || {
            sentence(&committed, &format!("channel {} has the packs of {}", self.to, self.from))
        });
        Ok(Verdict::Done)
    }
}
