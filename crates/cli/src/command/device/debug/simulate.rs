//! `debug simulate`: an event of an app, as if it had happened.

use clap::ValueEnum;
use futures::StreamExt as _;
use headstart::AppId;
use headstart::apps::{SimulationEvent, SimulationOutcome};
use headstart_model::{ContentRequest, Failure};
use serde_json::{Value, json};

use super::super::super::Verdict;
use super::super::app::ended;
use super::super::{connector, failed, translate};
use crate::context::Context;
use crate::output::count;

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Simulated {
    /// As at the first installation
    Install,
    /// As when the app is updated
    Update,
    /// As from time to time
    Periodic,
    /// As when the preferred language changes
    LanguageChange,
}

impl From<Simulated> for ContentRequest {
    fn from(event: Simulated) -> Self {
        match event {
            Simulated::Install => Self::Install,
            Simulated::Update => Self::Update,
            Simulated::Periodic => Self::Periodic,
            Simulated::LanguageChange => Self::LanguageChange,
        }
    }
}

pub(super) async fn simulate(
    context: &Context,
    event: Simulated,
    app: &AppId,
) -> Result<Verdict, Failure> {
    let apps = connector(context, None).apps().map_err(failed)?;
    let mut events = apps.simulate_event(app, event.into()).await.map_err(failed)?;
    let output = &context.output;
    let progress = output.progress();
    while let Some(event) = events.next().await {
        match event.map_err(failed)? {
            SimulationEvent::Selected(packs) => {
                output.event(&json!({ "event": "selected", "packs": packs }));
            }
            SimulationEvent::Scheduled(number) => {
                output.event(&json!({ "event": "scheduled", "downloads": number }));
                output.line(format!("The extension asked for {}.", count(number, "download")));
            }
            SimulationEvent::Progress(moved) => progress.advance(&translate(&moved)),
            SimulationEvent::Done(outcome) => {
                progress.finish();
                output.done(describe(&outcome), || text(&outcome));
                return Ok(if is_good(&outcome) { Verdict::Done } else { Verdict::Failed });
            }
            _ => {}
        }
    }
    Err(ended())
}

fn is_good(outcome: &SimulationOutcome) -> bool {
    outcome.failed.is_empty() && outcome.failed_downloads.is_empty() && outcome.extension.is_none()
}

fn describe(outcome: &SimulationOutcome) -> Value {
    let packs = outcome.failed.iter();
    let packs: Vec<_> =
        packs.map(|failed| json!({ "pack": failed.pack, "error": failed.failure })).collect();
    let downloads = outcome.failed_downloads.iter();
    let downloads: Vec<_> = downloads
        .map(|failed| json!({ "identifier": failed.identifier, "error": failed.failure }))
        .collect();
    json!({
        "installed": outcome.installed,
        "failed": packs,
        "downloads": outcome.downloads,
        "failedDownloads": downloads,
        "extension": outcome.extension,
    })
}

fn text(outcome: &SimulationOutcome) -> String {
    let packs = outcome.installed.iter().map(ToString::to_string);
    let came: Vec<_> = packs.chain(outcome.downloads.iter().cloned()).collect();
    let mut lines = Vec::new();
    lines.push(if came.is_empty() {
        "Nothing came.".to_owned()
    } else {
        format!("Came: {}", came.join(", "))
    });
    let packs = outcome.failed.iter();
    lines.extend(packs.map(|it| format!("pack `{}` did not: {}", it.pack, it.failure)));
    let downloads = outcome.failed_downloads.iter();
    lines.extend(
        downloads.map(|it| format!("download `{}` did not: {}", it.identifier, it.failure)),
    );
    if let Some(failure) = &outcome.extension {
        lines.push(format!("the extension gave no answer: {failure}"));
    }
    lines.join("\n")
}
