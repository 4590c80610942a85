//! `repo rollback`: a new release that names older versions.

use clap::Args;
use headstart_model::{ChannelName, Failure, ReleaseNumber};

use super::place::{Repository, Signing};
use super::{change, sentence};
use crate::command::Verdict;
use crate::context::Context;

/// Gives a channel the packs of an earlier release again: devices go down to them
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart repo rollback assets-repo\n  \
    headstart repo rollback assets-repo --channel beta --to 3\n\n\
    Without --to it is the release before the one that is shown now.")]
pub(crate) struct Rollback {
    /// The repository
    repo: Repository,
    /// The channel
    #[arg(long, value_name = "NAME", default_value = "production")]
    channel: ChannelName,
    /// The release whose packs it gets
    #[arg(long, value_name = "RELEASE")]
    to: Option<ReleaseNumber>,
    #[command(flatten)]
    signing: Signing,
}

impl Rollback {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let mut writer = self.signing.open(context, &self.repo)?;
        let committed = writer
            .rollback(&self.channel, self.to, context.now())
            .map_err(|error| error.to_failure())?;
        context.output.document(&change(&committed), || {
            sentence(&committed, &format!("channel {} went back", self.channel))
        });
        Ok(Verdict::Done)
    }
}
