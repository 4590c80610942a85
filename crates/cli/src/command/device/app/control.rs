//! `app pause`, `app resume`, `app cancel`: what a person does about an installation. `Spec: concepts 8`.

use headstart::AppId;
use headstart::apps::InstallationAction;
use headstart_model::Failure;
use serde_json::json;

use super::super::super::Verdict;
use super::super::{connector, failed};
use crate::context::Context;

pub(super) fn control(
    context: &Context,
    app: &AppId,
    action: InstallationAction,
) -> Result<Verdict, Failure> {
    context.block_on(async {
        let apps = connector(context, None).apps().map_err(failed)?;
        apps.control_installation(app, action).await.map_err(failed)
    })?;
    context.output.document(&json!({}), || match action {
        InstallationAction::Pause => format!("The installation of {app} is paused."),
        InstallationAction::Resume => format!("The installation of {app} goes on."),
        _ => format!("The installation of {app} is cancelled."),
    });
    Ok(Verdict::Done)
}
