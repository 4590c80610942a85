//! `packs verify`.

use futures::StreamExt as _;
use headstart::PackId;
use headstart::packs::{Repair, Verification, VerifiedPack, VerifyEvent};
use headstart_model::Failure;
use serde_json::json;

use super::super::app::ended;
use super::super::{connector, failed, translate};
use super::OfApp;
use crate::command::Verdict;
use crate::context::Context;
use crate::output::{count, size};

pub(super) async fn verify(
    context: &Context,
    wanted: &[PackId],
    repair: Repair,
    of: &OfApp,
) -> Result<Verdict, Failure> {
    let packs = connector(context, of.app.as_ref()).packs().map_err(failed)?;
    let mut events = packs.verify(wanted, repair).await.map_err(failed)?;
    let progress = context.output.progress();
    while let Some(event) = events.next().await {
        match event.map_err(failed)? {
            VerifyEvent::Progress(moved) => progress.advance(&translate(&moved)),
            VerifyEvent::Done(outcome) => {
                progress.finish();
                return verified(context, &outcome, repair);
            }
            _ => {}
        }
    }
    Err(ended())
}

fn verified(context: &Context, outcome: &Verification, repair: Repair) -> Result<Verdict, Failure> {
    if let Some(first) = outcome.failures.first() {
        return Err(first.failure.clone().within(format!("pack `{}`", first.pack)));
    }
    let describe = |pack: &VerifiedPack| json!({ "id": pack.id, "damagedFiles": pack.damaged_files, "bytesDown": pack.bytes_down });
    let packs: Vec<_> = outcome.packs.iter().map(describe).collect();
    context.output.done(json!({ "packs": packs }), || lines(outcome, repair).join("\n"));
    let undamaged = outcome.packs.iter().all(|pack| pack.damaged_files.is_empty());
    Ok(if undamaged || repair == Repair::Repair { Verdict::Done } else { Verdict::Failed })
}

fn lines(outcome: &Verification, repair: Repair) -> Vec<String> {
    let what = if repair == Repair::Repair { "repaired" } else { "damaged" };
    let named = |pack: &VerifiedPack| {
        let lines = pack.damaged_files.iter();
        lines.map(|file| format!("{what}: {file} in {}", pack.id)).collect::<Vec<_>>()
    };
    let mut lines: Vec<_> = outcome.packs.iter().flat_map(named).collect();
    if lines.is_empty() {
        lines.push(format!("{} undamaged.", count(outcome.packs.len() as u64, "pack")));
    } else if repair == Repair::Repair {
        let bytes = outcome.packs.iter().map(|pack| pack.bytes_down).sum();
        lines.push(format!("{} fetched.", size(bytes)));
    }
    lines
}
