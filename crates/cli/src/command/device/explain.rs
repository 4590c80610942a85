//! `explain`: why a pack is, or is not yet, here.

use std::time::SystemTime;

use clap::Args;
use headstart::packs::Collision;
use headstart::{AppId, PackId};
use headstart_model::Failure;
use jiff::Timestamp;
use serde_json::json;

use super::super::Verdict;
use super::{connector, failed};
use crate::context::Context;

/// Says why a pack is, or is not yet, on the device, and when it will be
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  headstart explain textures\n  headstart explain textures --app com.example.game --json"
)]
pub(crate) struct Explain {
    /// The pack
    pack: PackId,
    /// The app, where several have the pack
    #[arg(long)]
    app: Option<AppId>,
}

impl Explain {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let explanation = context.block_on(async {
            let packs = connector(context, self.app.as_ref()).packs().map_err(failed)?;
            packs.explain(&self.pack).await.map_err(failed)
        })?;
        let reasons: Vec<_> = explanation
            .reasons
            .iter()
            .map(|reason| {
                json!({
                    "fact": reason.fact,
                    "text": reason.text,
                    "since": reason.since.and_then(time),
                    "until": reason.until.and_then(time),
                })
            })
            .collect();
        let document = json!({
            "state": explanation.state,
            "reasons": reasons,
            "eta": explanation.eta.and_then(time),
            "collisions": explanation.collisions,
        });
        context.output.document(&document, || {
            let mut lines = vec![format!("{}: {}", self.pack, explanation.state)];
            for reason in &explanation.reasons {
                let until = reason
                    .until
                    .and_then(time)
                    .map_or_else(String::new, |until| format!(" (until {until})"));
                lines.push(format!("  because {}{until}", reason.text));
            }
            if let Some(eta) = explanation.eta.and_then(time) {
                lines.push(format!("  expected at {eta}"));
            }
            for Collision { path, packs } in &explanation.collisions {
                let packs: Vec<_> = packs.iter().map(PackId::as_str).collect();
                let packs = packs.join(", ");
                lines.push(format!("  {path} is in {packs}: that of the first is read"));
            }
            lines.join("\n")
        });
        Ok(Verdict::Done)
    }
}

/// A time as it stands in JSON: RFC 3339, UTC.
fn time(at: SystemTime) -> Option<String> {
    Timestamp::try_from(at).ok().map(|time| time.to_string())
}
