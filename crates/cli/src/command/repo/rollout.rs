//! `repo rollout`: more devices get a release, or fewer.

use clap::Args;
use headstart_model::{ChannelName, Failure};

use super::place::{Repository, Signing};
use super::{change, sentence};
use crate::command::Verdict;
use crate::context::Context;
use crate::quantity;

/// Changes the share of devices that get the live release of a channel
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart repo rollout assets-repo 50\n  \
    headstart repo rollout assets-repo 100 --channel beta\n\n\
    A growing share only adds devices.")]
pub(crate) struct Rollout {
    /// The repository
    repo: Repository,
    /// The share, 0 to 100
    #[arg(value_name = "PERCENT", value_parser = quantity::percent)]
    percent: u8,
    /// The channel
    #[arg(long, value_name = "NAME", default_value = "production")]
    channel: ChannelName,
    #[command(flatten)]
    signing: Signing,
}

impl Rollout {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let mut writer = self.signing.open(context, &self.repo)?;
        let committed = writer
            .rollout(&self.channel, self.percent, context.now())
            .map_err(|error| error.to_failure())?;
        context.output.document(&change(&committed), || {
            sentence(
                &committed,
                &format!("{} % of the devices of channel {}", self.percent, self.channel),
            )
        });
        Ok(Verdict::Done)
    }
}
