//! `app install` and `app update`: one progress until the app can be launched. `Spec: concepts 7`.

use futures::StreamExt as _;
use headstart::Events;
use headstart::apps::{InstallEvent, Launchable};
use headstart_model::Failure;
use serde_json::{Value, json};

use super::super::super::Verdict;
use super::super::{failed, translate};
use super::ended;
use crate::context::Context;

/// Tells how an installation goes. An essential download that failed is exit 1, though the app can be launched.
pub(super) async fn follow(
    context: &Context,
    mut events: Events<InstallEvent>,
) -> Result<Verdict, Failure> {
    let output = &context.output;
    let progress = output.progress();
    let mut verdict = Verdict::Done;
    while let Some(event) = events.next().await {
        match event.map_err(failed)? {
            InstallEvent::Progress(moved) => progress.advance(&translate(&moved)),
            InstallEvent::Launchable(launchable) => {
                progress.finish();
                output.event(&event_of(&launchable));
                for line in misses(&launchable) {
                    output.line(line);
                    verdict = Verdict::Failed;
                }
            }
            InstallEvent::Done(app) => {
                output.done(
                    json!({ "id": app.id, "version": app.version, "state": app.state }),
                    || {
                        format!(
                            "{} {} can be launched: headstart app launch {}",
                            app.id, app.version, app.id
                        )
                    },
                );
                return Ok(verdict);
            }
            _ => {}
        }
    }
    Err(ended())
}

/// Somebody interrupted the command; the service goes on. `Ours:` what was fetched for hours is not thrown away because a
/// terminal was closed, and who wants that says so.
pub(super) fn left_going(failure: Failure) -> Failure {
    if failure.code.as_str() != "interrupted" {
        return failure;
    }
    failure.with_hint(
        "the installation goes on in the background, and the same command watches it again; `headstart app pause APP` holds it, `headstart app cancel APP` ends it",
    )
}

fn event_of(launchable: &Launchable) -> Value {
    let packs = launchable.failed.iter();
    let packs: Vec<_> =
        packs.map(|failed| json!({ "pack": failed.pack, "error": failed.failure })).collect();
    let downloads = launchable.downloads.iter();
    let downloads: Vec<_> = downloads
        .map(|failed| json!({ "identifier": failed.identifier, "error": failed.failure }))
        .collect();
    json!({
        "event": "launchable",
        "failed": packs,
        "failedDownloads": downloads,
        "catalog": launchable.catalog,
    })
}

/// What is missing, for people; nothing when all is well.
fn misses(launchable: &Launchable) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(failure) = &launchable.catalog {
        lines.push(format!("its packs are not known yet: {failure}"));
        lines.push(failure.hint.clone());
    }
    let packs = launchable.failed.iter();
    lines.extend(packs.map(|it| format!("pack `{}` is missing: {}", it.pack, it.failure)));
    let downloads = launchable.downloads.iter();
    lines.extend(
        downloads.map(|it| format!("download `{}` is missing: {}", it.identifier, it.failure)),
    );
    lines
}
