//! `explain`: why a pack or a download is, or is not yet, here.

use std::time::SystemTime;

use clap::Args;
use headstart::packs::{Collision, Explanation};
use headstart::queue::DownloadExplanation;
use headstart::{AppId, Connector, PackId, Reason};
use headstart_model::{ErrorKind, Failure};
use serde_json::{Value, json};

use super::super::Verdict;
use super::nearest::suggest;
use super::{connector, failed, time};
use crate::context::Context;

/// Says why a pack or a download is, or is not yet, on the device, and when it will be
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  headstart explain textures\n  headstart explain textures --app com.example.game --json\n  headstart explain 12"
)]
pub(crate) struct Explain {
    /// The pack, or the number or identifier of a download
    #[arg(value_name = "PACK|DOWNLOAD")]
    what: String,
    /// The app, where several have it
    #[arg(long)]
    app: Option<AppId>,
}

impl Explain {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let connector = connector(context, self.app.as_ref());
        let found = context.block_on(find(&connector, &self.what)).map_err(|failure| {
            let app = self.app.iter().map(AppId::as_str);
            suggest(context, failure, &app.chain([self.what.as_str()]).collect::<Vec<_>>())
        })?;
        let (document, text) = match &found {
            Found::Pack(pack) => (of_pack(pack), pack_text(&self.what, pack)),
            Found::Download(download) => {
                (of_download(download), download_text(&self.what, download))
            }
        };
        context.output.document(&document, || text);
        Ok(Verdict::Done)
    }
}

enum Found {
    Pack(Explanation),
    Download(DownloadExplanation),
}

/// A number is that of a download, if there is one; everything else is first looked for among the packs.
async fn find(connector: &Connector, what: &str) -> Result<Found, Failure> {
    let is_number = what.bytes().all(|byte| byte.is_ascii_digit());
    let first =
        if is_number { download(connector, what).await } else { pack(connector, what).await };
    let missing = match first {
        Err(failure) if failure.kind == ErrorKind::NotFound => failure,
        other => return other,
    };
    let second =
        if is_number { pack(connector, what).await } else { download(connector, what).await };
    second.map_err(|failure| {
        // What a number or a name most likely stands for is told.
        if failure.kind == ErrorKind::NotFound { missing } else { failure }
    })
}

async fn pack(connector: &Connector, what: &str) -> Result<Found, Failure> {
    let Ok(id) = PackId::new(what) else {
        let message = format!("there is no pack or download `{}`", shortened(what));
        return Err(Failure::new(ErrorKind::NotFound, "assetPackNotFound", message).with_hint(
            "`headstart packs list` and `headstart downloads list` show what there is",
        ));
    };
    let packs = connector.packs().map_err(failed)?;
    packs.explain(&id).await.map(Found::Pack).map_err(failed)
}

async fn download(connector: &Connector, what: &str) -> Result<Found, Failure> {
    let queue = connector.queue().map_err(failed)?;
    queue.explain(what).await.map(Found::Download).map_err(failed)
}

fn shortened(text: &str) -> String {
    text.chars().take(120).collect()
}

fn of_pack(explanation: &Explanation) -> Value {
    json!({
        "state": explanation.state,
        "reasons": reasons(&explanation.reasons),
        "eta": explanation.eta.and_then(time),
        "collisions": explanation.collisions,
    })
}

fn of_download(explanation: &DownloadExplanation) -> Value {
    json!({
        "state": explanation.state,
        "reasons": reasons(&explanation.reasons),
        "eta": explanation.eta.and_then(time),
    })
}

fn reasons(reasons: &[Reason]) -> Vec<Value> {
    let reason = |reason: &Reason| {
        json!({
            "fact": reason.fact,
            "text": reason.text,
            "since": reason.since.and_then(time),
            "until": reason.until.and_then(time),
        })
    };
    reasons.iter().map(reason).collect()
}

fn pack_text(what: &str, explanation: &Explanation) -> String {
    let mut lines = lines(what, &explanation.state, &explanation.reasons, explanation.eta);
    for Collision { path, packs } in &explanation.collisions {
        let packs = packs.iter().map(PackId::as_str).collect::<Vec<_>>().join(", ");
        lines.push(format!("  {path} is in {packs}: that of the first is read"));
    }
    lines.join("\n")
}

fn download_text(what: &str, explanation: &DownloadExplanation) -> String {
    let state = explanation.state.as_str();
    lines(what, state, &explanation.reasons, explanation.eta).join("\n")
}

fn lines(what: &str, state: &str, reasons: &[Reason], eta: Option<SystemTime>) -> Vec<String> {
    let mut lines = vec![format!("{what}: {state}")];
    for reason in reasons {
        let until = reason
            .until
            .and_then(time)
            .map_or_else(String::new, |until| format!(" (until {until})"));
        lines.push(format!("  because {}{until}", reason.text));
    }
    if let Some(eta) = eta.and_then(time) {
        lines.push(format!("  expected at {eta}"));
    }
    lines
}
