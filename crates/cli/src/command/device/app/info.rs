//! `app info`: what is known of an app.

use headstart::AppId;
use headstart::apps::{AppDetails, ExtensionDetails};
use headstart::packs::PackState;
use headstart_model::Failure;
use serde_json::{Value, json};

use super::super::super::Verdict;
use super::super::awaited::awaited;
use super::super::{connector, failed, time};
use crate::context::Context;
use crate::output::{count, size, table};

pub(super) fn info(context: &Context, app: &AppId) -> Result<Verdict, Failure> {
    let (details, packs) = context.block_on(async {
        let connector = connector(context, Some(app));
        let details = connector.apps().map_err(failed)?.info(app).await.map_err(failed)?;
        let packs = connector.packs().map_err(failed)?.list().await.map_err(failed)?;
        Ok((details, packs))
    })?;
    context.output.document(&describe(&details), || table(&rows(&details, &packs)));
    Ok(Verdict::Done)
}

fn describe(details: &AppDetails) -> Value {
    json!({
        "id": details.app.id,
        "version": details.app.version,
        "state": details.app.state,
        "essentialPending": details.app.essential_pending,
        "bundle": details.bundle,
        "executable": details.executable,
        "dev": details.dev,
        "appGroup": details.app_group,
        "groups": details.groups,
        "repositoryURL": details.repository_url,
        "repositoryMirrors": details.repository_mirrors,
        "channel": details.channel,
        "trust": details.trust,
        "manifestURL": details.manifest_url,
        "languages": details.languages,
        "resolvedLanguage": details.resolved_language,
        "extension": details.extension.as_ref().map(describe_extension),
        "limits": {
            "downloadBytesRemaining": details.limits.restricted_download_size_remaining,
            "essentialDownloadBytesRemaining":
                details.limits.restricted_essential_download_size_remaining,
        },
    })
}

fn describe_extension(extension: &ExtensionDetails) -> Value {
    let runs: Vec<_> = extension
        .runs
        .iter()
        .map(|run| {
            json!({
                "startedAt": run.started_at.and_then(time),
                "calls": run.calls,
                "usedMilliseconds": run.used_milliseconds,
                "peakMemory": run.peak_memory,
                "ended": run.ended,
            })
        })
        .collect();
    json!({
        "program": extension.program,
        "usedMilliseconds": extension.used_milliseconds,
        "allowedMilliseconds": extension.allowed_milliseconds,
        "runs": runs,
    })
}

fn rows(details: &AppDetails, packs: &[PackState]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = |name: &str, text: String| rows.push(vec![name.to_owned(), text]);
    row("App", format!("{} {}", details.app.id, details.app.version));
    row("State", details.app.state.to_string());
    row("Bundle", details.bundle.clone());
    if let Some(url) = &details.repository_url {
        row("Repository", url.clone());
    }
    for url in &details.repository_mirrors {
        row("Mirror", url.clone());
    }
    if let Some(url) = &details.manifest_url {
        row("Manifest", url.clone());
    }
    if let Some(awaited) = awaited(details, true) {
        row("Awaited", awaited);
    }
    if let Some(trust) = details.trust.filter(|trust| !trust.is_signed()) {
        row("Trust", format!("{trust}: no signature vouches for its packs, only the connection"));
    }
    if let Some(language) = &details.resolved_language {
        row("Language", language.to_string());
    }
    for group in &details.groups {
        row("Group", format!("{}: {}", group.group, group.folder));
    }
    if let Some(limits) = limits(details) {
        row("Limits", limits);
    }
    if let Some(extension) = &details.extension {
        let (used, allowed) = (extension.used_milliseconds, extension.allowed_milliseconds);
        let used = format!("ran {} of {} today", seconds(used), seconds(allowed));
        row("Extension", format!("{} ({used})", extension.program));
        for run in &extension.runs {
            let at = run.started_at.and_then(time).unwrap_or_default();
            let (calls, took) = (count(run.calls, "call"), seconds(run.used_milliseconds));
            let ended = run.ended.as_deref().unwrap_or("is there");
            row("", format!("{at}: {calls}, {took}, {}; {ended}", size(run.peak_memory)));
        }
    }
    for state in packs {
        if state.app == details.app.id && state.local_version.is_some() {
            let trust = state.pack.trust;
            let trust = if trust.is_signed() { String::new() } else { format!(", {trust}") };
            let size = size(state.pack.installed_size);
            row("Pack", format!("{} ({size}{trust})", state.pack.id));
        }
    }
    rows
}

/// What limits the app's downloads until its first launch; none when nothing does.
fn limits(details: &AppDetails) -> Option<String> {
    let limits = &details.limits;
    let essential = limits
        .restricted_essential_download_size_remaining
        .map(|bytes| format!("{} of essential downloads", size(bytes)));
    let other = limits
        .restricted_download_size_remaining
        .map(|bytes| format!("{} of other downloads", size(bytes)));
    let both: Vec<_> = essential.into_iter().chain(other).collect();
    (!both.is_empty()).then(|| format!("until its first launch {} more", both.join(" and ")))
}

/// A time for people.
fn seconds(milliseconds: u64) -> String {
    format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
}
