//! `debug`: what otherwise only time, an installer or the weather brings about.

mod conditions;
mod develop;
mod simulate;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use headstart::AppId;
use headstart_model::Failure;

use super::super::Verdict;
use crate::context::Context;

/// Brings about what otherwise only time or an installer does
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Debug {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Fires a content request, and waits for what comes of it
    #[command(after_help = "Examples:\n  headstart debug simulate periodic --app com.example.game")]
    Simulate {
        /// Which
        event: simulate::Simulated,
        /// The app
        #[arg(long)]
        app: AppId,
    },
    /// Shows what the service takes the device to be like, and pretends that it were different
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Conditions {
        #[command(subcommand)]
        what: conditions::Conditions,
    },
    /// Points an app that was installed with `--dev` at another repository or manifest
    #[command(
        after_help = "Examples:\n  headstart debug override --app com.example.game http://localhost:8000/ --root repo/metadata/root.json\n  headstart debug override --app com.example.game --clear"
    )]
    Override {
        /// The app
        #[arg(long)]
        app: AppId,
        /// The other repository or manifest
        #[arg(required_unless_present = "clear")]
        url: Option<String>,
        /// The first root of that repository
        #[arg(long, value_name = "FILE", conflicts_with = "clear")]
        root: Option<PathBuf>,
        /// Go back to what the app's bundle says
        #[arg(long, conflicts_with = "url")]
        clear: bool,
    },
    /// Waits for the next start of an app's extension, and says how to attach a debugger to it
    #[command(after_help = "Examples:\n  headstart debug attach --app com.example.game\n\n\
            The extension stops before its first instruction until a debugger lets it go on.")]
    Attach {
        /// The app
        #[arg(long, env = "EXTENSION")]
        app: AppId,
    },
}

impl Debug {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        match &self.what {
            What::Simulate { event, app } => {
                context.block_on(simulate::simulate(context, *event, app))
            }
            What::Conditions { what } => what.run(context),
            What::Override { app, url, root, .. } => {
                develop::override_source(context, app, url.as_deref(), root.as_deref())
            }
            What::Attach { app } => develop::attach(context, app),
        }
    }
}
