//! `app install` and `app update`: one progress until the app can be launched. `Spec: concepts 7`.

use std::path::Path;

use futures::StreamExt as _;
use headstart::apps::{Apps, InstallEvent, InstallOptions, Launchable, UpdateOptions};
use headstart::{Error, Events};
use headstart_model::Failure;
use serde_json::{Value, json};

use super::super::super::Verdict;
use super::super::{connector, failed, translate};
use super::advice::{Advice, Doing};
use super::control::is_missing;
use super::ended;
use crate::context::Context;
use crate::desktop::{EntryWish, Shown};
use crate::output::Listener;

pub(super) fn install(
    context: &Context,
    bundle: &Path,
    options: InstallOptions,
    wish: EntryWish,
) -> Result<Verdict, Failure> {
    let shown = Shown::of(context, bundle, wish);
    go(context, shown, Doing::Install, async |apps| apps.install(bundle, options).await)
}

pub(super) fn update(
    context: &Context,
    bundle: &Path,
    options: UpdateOptions,
) -> Result<Verdict, Failure> {
    let shown = Shown::of(context, bundle, EntryWish::Refresh);
    go(context, shown, Doing::Update, async |apps| apps.update(bundle, options).await)
}

/// Begins an installation and follows it to its end.
fn go(
    context: &Context,
    mut shown: Shown,
    doing: Doing,
    begin: impl AsyncFnOnce(&Apps) -> Result<Events<InstallEvent>, Error>,
) -> Result<Verdict, Failure> {
    let apps = connector(context, None).apps().map_err(failed)?;
    let result = context.block_on(async {
        let events = begin(&apps).await.map_err(failed)?;
        follow(context, &apps, events, (&mut shown, doing)).await
    });
    let result = result.map_err(left_going);
    context.complete(async {
        if result.as_ref().is_err_and(|failure| failure.code.as_str() != INTERRUPTED)
            && let Some(app) = shown.begun()
            && is_missing(&apps, app).await
        {
            shown.undone();
        }
        shown.end().await;
        result
    })
}

/// Tells how an installation goes. An essential download that failed is exit 1, though the app can be launched.
async fn follow(
    context: &Context,
    apps: &Apps,
    mut events: Events<InstallEvent>,
    (shown, doing): (&mut Shown, Doing),
) -> Result<Verdict, Failure> {
    let output = &context.output;
    let progress = output.progress();
    let mut verdict = Verdict::Done;
    let mut missed = Launchable::default();
    while let Some(event) = events.next().await {
        let event = event.map_err(failed)?;
        shown.begin();
        match event {
            InstallEvent::Progress(moved) => {
                progress.advance(&translate(&moved));
                shown.progress(moved.fraction);
            }
            InstallEvent::Launchable(launchable) => {
                progress.finish();
                output.event(&event_of(&launchable));
                if launchable != Launchable::default() {
                    verdict = Verdict::Failed;
                }
                missed = launchable;
            }
            InstallEvent::Done(app) => {
                if let Some(id) = shown.begun()
                    && let Ok(details) = apps.info(id).await
                {
                    shown.ready(&details, verdict == Verdict::Done);
                }
                let advice = match output.listener() {
                    Listener::Person => Advice::about(context, &app.id, doing).await,
                    _ => Advice::default(),
                };
                advice.misses(&missed).iter().for_each(|line| output.line(line));
                output.done(
                    json!({ "id": app.id, "version": app.version, "state": app.state }),
                    || {
                        format!(
                            "{} {} can be launched: headstart app launch {}",
                            app.id, app.version, app.id
                        )
                    },
                );
                advice.remarks().iter().for_each(|line| output.remark(line));
                return Ok(verdict);
            }
            _ => {}
        }
    }
    Err(ended())
}

/// The code of a command that somebody broke off.
const INTERRUPTED: &str = "interrupted";

/// Somebody interrupted the command; the service goes on. `Ours:` what was fetched for hours is not thrown away because a
/// terminal was closed, and who wants that says so.
fn left_going(failure: Failure) -> Failure {
    if failure.code.as_str() != INTERRUPTED {
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
