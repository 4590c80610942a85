//! What can be done to an installation that is going on, and to apps under development.

use std::path::PathBuf;

use headstart_engine::Event;
use headstart_engine::record::{SourceOverride, Trust};
use headstart_model::protocol::apps::{
    AttachDebugger, Attached, ControlInstallation, Controlled, Overridden, Override,
};
use headstart_model::{AppId, ErrorKind, Failure, UrlPolicy};
use headstart_repo::TrustStore;
use headstart_store::StoreError;
use headstart_sys::{Action, FileError, durable};
use url::Url;

use super::{app_not_found, internal};
use crate::perform::blocking;
use crate::socket::reply::{Caller, End, Replies};

/// The largest root that is read.
const ROOT_BYTES_MAX: u64 = 1024 * 1024;

pub(in crate::socket) async fn control(
    caller: Caller<'_>,
    call: ControlInstallation,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let (app, action) = (call.app, call.action);
    let event = move |caller| Event::InstallationControlled { caller, app, action };
    caller.shared.core.call(caller.client, event).await?;
    replies.last::<ControlInstallation>(&Controlled {}).await
}

/// Points an app under development elsewhere. What it trusts there has a place of its own, so that its own trust is as before
/// when it comes back.
pub(in crate::socket) async fn override_source(
    caller: Caller<'_>,
    call: Override,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = call.app.clone();
    let record = caller
        .shared
        .core
        .query(move |state, _| state.records().app(&app).map(|record| record.bundle.clone()));
    let record = record.await?.ok_or_else(|| app_not_found(&call.app))?;
    if record.trust != Trust::Development {
        let message = format!("app `{}` was not installed for development", call.app);
        return Err(Failure::new(ErrorKind::Refused, "notForDevelopment", message)
            .with_hint("install it with --dev")
            .into());
    }
    let source = match (&call.url, &call.root) {
        (None, _) => None,
        (Some(url), Some(_)) => Some(SourceOverride::Repository(checked(url)?)),
        (Some(url), None) if record.repository.is_none() => {
            Some(SourceOverride::Manifest(checked(url)?))
        }
        (Some(_), None) => {
            let message = "another repository needs the file with its first root";
            return Err(Failure::new(ErrorKind::Usage, "rootNeeded", message)
                .with_hint("give it with --root")
                .into());
        }
    };
    let (layout, app, root) = (caller.shared.context.layout.clone(), call.app.clone(), call.root);
    blocking(move || exchange_trust(&layout.app_trust(&app), root.as_deref())).await??;
    let (app, wanted) = (call.app, source);
    let event = move |caller| Event::SourceOverridden { caller, app, source: wanted };
    caller.shared.core.call(caller.client, event).await?;
    replies.last::<Override>(&Overridden {}).await
}

fn checked(url: &str) -> Result<String, Failure> {
    let parsed: Url = url.parse().map_err(|_| {
        let shown: String = url.chars().take(120).collect();
        Failure::new(ErrorKind::Usage, "badUrl", format!("`{shown}` is no URL"))
            .with_hint("give the whole address, with https://")
    })?;
    UrlPolicy::Development.check(&parsed).map_err(|problem| {
        Failure::from_error(ErrorKind::Refused, "bundleUrl", &problem)
            .with_hint("use https, or http to this machine")
    })?;
    Ok(parsed.to_string())
}

/// Puts the app's own trust aside for a root of another repository, or takes it back.
fn exchange_trust(trust: &std::path::Path, root: Option<&str>) -> Result<(), Failure> {
    let aside = trust.with_extension("own");
    let failed = |error: FileError| StoreError::from(error).to_failure();
    if aside.exists() {
        durable::remove_tree(trust).map_err(failed)?;
        durable::rename_durably(&aside, trust).map_err(failed)?;
    }
    let Some(root) = root else { return Ok(()) };
    let path = PathBuf::from(root);
    let unreadable =
        |error| StoreError::from(FileError::new(Action::Read, &path, error)).to_failure();
    let metadata = std::fs::metadata(&path).map_err(unreadable)?;
    if metadata.len() > ROOT_BYTES_MAX {
        let message = format!("`{}` is too large to be a root", path.display());
        return Err(Failure::new(ErrorKind::InvalidInput, "noRoot", message)
            .with_hint("give `metadata/root.json` of the repository"));
    }
    let bytes = std::fs::read(&path).map_err(unreadable)?;
    if trust.exists() {
        durable::rename_durably(trust, &aside).map_err(failed)?;
    }
    TrustStore::pin(trust, &bytes).map(drop).map_err(|error| error.to_failure())
}

pub(in crate::socket) async fn attach(
    caller: Caller<'_>,
    call: AttachDebugger,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    check_extension(caller, &call.app).await?;
    let next = caller.shared.asker.debug_next(&call.app);
    let run = next.await.map_err(|_| internal("another debugger waits for the extension"))?;
    let program = run.program().to_string_lossy().into_owned();
    replies.last::<AttachDebugger>(&Attached { pid: run.pid(), program }).await
}

async fn check_extension(caller: Caller<'_>, app: &AppId) -> Result<(), Failure> {
    let id = app.clone();
    let has = caller.shared.core.query(move |state, _| {
        state.records().app(&id).map(|record| (record.bundle.extension, record.bundle.trust))
    });
    match has.await? {
        None => Err(app_not_found(app)),
        Some((true, Trust::Development)) => Ok(()),
        Some((true, _)) => {
            let message = format!("app `{app}` was not installed for development");
            Err(Failure::new(ErrorKind::Refused, "notForDevelopment", message)
                .with_hint("install it with --dev"))
        }
        Some((false, _)) => {
            let message = format!("the bundle of app `{app}` has no downloader extension");
            Err(Failure::new(ErrorKind::NotFound, "noExtension", message)
                .with_hint("name one with `extension` in the bundle and update the app"))
        }
    }
}
