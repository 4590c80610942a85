//! What an app's packs wait for while no catalog has been read.

use headstart::apps::AppDetails;
use headstart::{AppId, Reason};
use headstart_model::Failure;

use super::{connector, failed, time};
use crate::context::Context;

/// What is being waited for, and when it is tried again; none when the catalog is known. `failures` says whether the attempts
/// that failed are told too.
pub(super) fn awaited(details: &AppDetails, failures: bool) -> Option<String> {
    let told = if failures { details.awaited.len() } else { 1 };
    let reasons = details.awaited.iter().take(told);
    let text = reasons.map(|reason| reason.text.as_str()).collect::<Vec<_>>().join("; ");
    let until = details.awaited.iter().filter_map(|reason: &Reason| reason.until).max();
    let until = until.and_then(time).map(|at| format!("; it is tried again at {at}"));
    (!text.is_empty()).then(|| text + &until.unwrap_or_default())
}

/// That there are no packs, and for which apps that is so because no catalog was read yet.
pub(super) fn no_packs(context: &Context, app: Option<&AppId>) -> String {
    let apps = context.block_on(apps(context, app)).unwrap_or_default();
    let lines = apps
        .iter()
        .filter_map(|details| Some(format!("\n  {}: {}", details.app.id, awaited(details, true)?)));
    format!("There are no packs.{}", lines.collect::<String>())
}

async fn apps(context: &Context, app: Option<&AppId>) -> Result<Vec<AppDetails>, Failure> {
    let apps = connector(context, None).apps().map_err(failed)?;
    let ids = match app {
        Some(app) => vec![app.clone()],
        None => apps.list().await.map_err(failed)?.into_iter().map(|app| app.id).collect(),
    };
    let mut all = Vec::new();
    for id in ids {
        all.push(apps.info(&id).await.map_err(failed)?);
    }
    Ok(all)
}
