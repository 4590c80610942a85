//! Putting an app's own files in place and registering it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use headstart_engine::record::{Bundle, BundleFiles};
use headstart_engine::{EffectId, Event};
use headstart_model::{AppId, ErrorKind, Failure};
use headstart_repo::{RepoError, TrustStore};
use tokio_util::sync::CancellationToken;

use super::context::{Context, blocking};
use super::copy::{Progress, copy_tree};
use super::incoming::Incoming;
use crate::bundle;
use crate::inbox::CoreHandle;

/// The engine hears of progress at most so often.
const REPORT_EVERY: Duration = Duration::from_millis(100);
/// The name that a repository's first root has in a bundle. `Spec: cli, An app bundle`.
const ROOT_FILE: &str = "root.json";
/// The largest root that is read.
const ROOT_BYTES_MAX: u64 = 1024 * 1024;

pub(super) async fn prepare(
    context: &Arc<Context>,
    core: &CoreHandle,
    effect: EffectId,
    (app, bundle): (AppId, Bundle),
    stop: &CancellationToken,
) -> Event {
    let (context, core, stopped) = (Arc::clone(context), core.clone(), stop.clone());
    let reported = std::cell::Cell::new(None::<Instant>);
    let progress = move |bytes_done, bytes_total| {
        let due = reported.get().is_none_or(|at| at.elapsed() >= REPORT_EVERY);
        if due || bytes_done == bytes_total {
            reported.set(Some(Instant::now()));
            core.event(Event::FilesMoved { effect, bytes_done, bytes_total });
        }
        if stopped.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    match blocking(move || place(&context, effect, (&app, &bundle), &progress)).await {
        Ok(Ok(())) => Event::AppPrepared { effect },
        Ok(Err(_)) if stop.is_cancelled() => Event::Stopped { effect },
        Ok(Err(failure)) | Err(failure) => Event::PrepareFailed { effect, failure },
    }
}

/// An update that fails leaves what was there; one that was interrupted when all of it was on the disk is brought to its end,
/// also if the bundle is gone meanwhile.
fn place(
    context: &Context,
    effect: EffectId,
    (app, bundle): (&AppId, &Bundle),
    progress: Progress<'_>,
) -> Result<(), Failure> {
    let incoming = Incoming::of(&context.layout, app, effect);
    if incoming.is_done() {
        incoming.tidy();
        return Ok(());
    }
    if !incoming.is_whole() {
        incoming.begin().map_err(|error| error.to_failure())?;
        let made = make(context, (app, bundle), &incoming.part(), progress);
        let made = made.and_then(|()| incoming.complete().map_err(|error| error.to_failure()));
        if let Err(failure) = made {
            // What cannot be removed now is removed by the next preparation.
            let _ = incoming.clear();
            return Err(failure);
        }
    }
    incoming.adopt().map_err(|error| error.to_failure())
}

/// Makes the parts of an app that come from its bundle.
fn make(
    context: &Context,
    (app, bundle): (&AppId, &Bundle),
    parts: &Path,
    progress: Progress<'_>,
) -> Result<(), Failure> {
    let source = PathBuf::from(&bundle.path);
    let description = bundle::read(&source)?;
    if description.id != *app {
        let message = format!("the bundle is that of app `{}` now, not of `{app}`", description.id);
        return Err(Failure::new(ErrorKind::Conflict, "bundleChanged", message)
            .with_hint("install the bundle again as the app that it is now"));
    }
    if bundle.repository.is_some() {
        pin_root(context, app, &source)?;
    }
    if bundle.files == BundleFiles::Copied {
        let target = parts.join(bundle::FILES_FOLDER);
        copy_tree(&source, &target, progress)?;
    }
    bundle::describe_in(parts, &source)
}

/// Takes the first root over, once: what the bundle says later does not change what is trusted.
fn pin_root(context: &Context, app: &AppId, source: &Path) -> Result<(), Failure> {
    let trust = context.layout.app_trust(app);
    let known = TrustStore::open(&trust).map_err(|error| error.to_failure())?;
    if known.is_some() {
        return Ok(());
    }
    let path = source.join(ROOT_FILE);
    let root = std::fs::metadata(&path)
        .and_then(|metadata| {
            let too_large = metadata.len() > ROOT_BYTES_MAX;
            if too_large {
                Err(std::io::ErrorKind::FileTooLarge.into())
            } else {
                std::fs::read(&path)
            }
        })
        .map_err(|error| {
            Failure::from_error(ErrorKind::InvalidInput, "noRoot", &error)
                .within(format!("the bundle has no usable `{ROOT_FILE}`"))
                .with_hint("copy `metadata/root.json` of the repository into the bundle")
        })?;
    TrustStore::pin(&trust, &root).map(drop).map_err(|error| match error {
        RepoError::Malformed { .. } => {
            Failure::from_error(ErrorKind::InvalidInput, "rootMalformed", &error)
                .within(format!("`{}` is no root of a repository", path.display()))
                .with_hint("copy `metadata/root.json` of the repository into the bundle")
        }
        error => error.to_failure(),
    })
}
