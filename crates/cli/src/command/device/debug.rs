//! `debug`: what otherwise only time or an installer brings about.

use clap::{Args, Subcommand, ValueEnum};
use futures::StreamExt as _;
use headstart::AppId;
use headstart::apps::SimulationEvent;
use headstart_model::{ContentRequest, Failure};
use serde_json::json;

use super::super::Verdict;
use super::app::ended;
use super::{connector, failed, translate};
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
        event: Simulated,
        /// The app
        #[arg(long)]
        app: AppId,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Simulated {
    /// As at the first installation
    Install,
    /// As when the app is updated
    Update,
    /// As from time to time
    Periodic,
    /// As when the preferred language changes
    LanguageChange,
}

impl Debug {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let What::Simulate { event, app } = &self.what;
        let event = match event {
            Simulated::Install => ContentRequest::Install,
            Simulated::Update => ContentRequest::Update,
            Simulated::Periodic => ContentRequest::Periodic,
            Simulated::LanguageChange => ContentRequest::LanguageChange,
        };
        context.block_on(simulate(context, event, app))
    }
}

async fn simulate(
    context: &Context,
    event: ContentRequest,
    app: &AppId,
) -> Result<Verdict, Failure> {
    let apps = connector(context, None).apps().map_err(failed)?;
    let mut events = apps.simulate_event(app, event).await.map_err(failed)?;
    let output = &context.output;
    let progress = output.progress();
    while let Some(event) = events.next().await {
        match event.map_err(failed)? {
            SimulationEvent::Selected(packs) => {
                output.event(&json!({ "event": "selected", "packs": packs }));
            }
            SimulationEvent::Progress(moved) => progress.advance(&translate(&moved)),
            SimulationEvent::Done(outcome) => {
                progress.finish();
                let failures: Vec<_> = outcome
                    .failed
                    .iter()
                    .map(|failed| json!({ "pack": failed.pack, "error": failed.failure }))
                    .collect();
                let done = json!({ "installed": outcome.installed, "failed": failures });
                output.done(done, || {
                    let names: Vec<_> = outcome.installed.iter().map(ToString::to_string).collect();
                    if names.is_empty() {
                        "Nothing came.".to_owned()
                    } else {
                        format!("Came: {}", names.join(", "))
                    }
                });
                return Ok(if outcome.failed.is_empty() { Verdict::Done } else { Verdict::Failed });
            }
            _ => {}
        }
    }
    Err(ended())
}
