//! `app pause`, `app resume`, `app cancel`: what a person does about an installation. `Spec: concepts 8`.

use headstart::AppId;
use headstart::apps::{Apps, InstallationAction};
use headstart_model::{ErrorKind, Failure};
use serde_json::json;

use super::super::super::Verdict;
use super::super::{connector, failed};
use crate::context::Context;
use crate::desktop;

pub(super) fn control(
    context: &Context,
    app: &AppId,
    action: InstallationAction,
) -> Result<Verdict, Failure> {
    let is_gone = context.block_on(async {
        let apps = connector(context, None).apps().map_err(failed)?;
        apps.control_installation(app, action).await.map_err(failed)?;
        Ok(action == InstallationAction::Cancel && is_missing(&apps, app).await)
    })?;
    if is_gone {
        desktop::forget(context, app);
    }
    context.output.document(&json!({}), || match action {
        InstallationAction::Pause => format!("The installation of {app} is paused."),
        InstallationAction::Resume => format!("The installation of {app} goes on."),
        _ => format!("The installation of {app} is cancelled."),
    });
    Ok(Verdict::Done)
}

/// Whether the app is not installed, as far as can be told.
pub(super) async fn is_missing(apps: &Apps, app: &AppId) -> bool {
    let info = apps.info(app).await;
    info.is_err_and(|error| error.kind() == ErrorKind::NotFound)
}
