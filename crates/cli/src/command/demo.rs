//! `demo`: the whole story on this machine, told by running the very commands that a person would.

mod assets;
mod child;
mod game;
mod story;

use std::path::PathBuf;

use clap::Args;
use headstart_model::Failure;

use super::Verdict;
use crate::context::Context;
use crate::quantity;

/// Shows everything on this machine: pack, publish, serve, install, launch, update
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  headstart demo\n  headstart demo -o /tmp/headstart-demo --bandwidth 20Mbit\n\n\
    The assets are made on the spot. The folder stays, to be explored; a new run replaces it."
)]
pub(crate) struct Demo {
    /// Where everything goes; replaced if a demo made it, refused if anything else is there
    #[arg(short, long, value_name = "DIR", default_value = "headstart-demo")]
    output: PathBuf,
    /// The speed of the pretended network
    #[arg(long, value_name = "RATE", default_value = "100Mbit")]
    bandwidth: String,
    /// The assets follow from this number
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

impl Demo {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        quantity::heed(&context.output, "--bandwidth", self.bandwidth.parse().ok());
        let folder = story::fresh_folder(&self.output)?;
        story::tell(context, &folder, self)?;
        Ok(Verdict::Done)
    }
}
