//! `debug override` and `debug attach`: for who develops an app and its extension.

use std::path::Path;

use headstart::AppId;
use headstart_model::{ErrorKind, Failure};
use serde_json::json;

use super::super::super::Verdict;
use super::super::{connector, failed};
use crate::context::Context;

pub(super) fn override_source(
    context: &Context,
    app: &AppId,
    url: Option<&str>,
    root: Option<&Path>,
) -> Result<Verdict, Failure> {
    if let Some(root) = root.filter(|root| !root.is_file()) {
        let message = format!("there is no file `{}`", root.display());
        return Err(Failure::new(ErrorKind::InvalidInput, "rootMissing", message)
            .with_hint("`metadata/root.json` of the repository is one"));
    }
    context.block_on(async {
        let apps = connector(context, None).apps().map_err(failed)?;
        apps.override_source(app, url, root).await.map_err(failed)
    })?;
    context.output.document(&json!({}), || match url {
        Some(url) => format!("{app} now follows {url}"),
        None => format!("{app} follows again what its bundle says."),
    });
    Ok(Verdict::Done)
}

pub(super) fn attach(context: &Context, app: &AppId) -> Result<Verdict, Failure> {
    context.output.remark(format!("Waiting for the next start of the extension of {app}"));
    let attached = context.block_on(async {
        let apps = connector(context, None).apps().map_err(failed)?;
        apps.attach_debugger(app).await.map_err(failed)
    })?;
    let command = format!("gdb -p {}", attached.pid);
    let document = json!({ "pid": attached.pid, "program": attached.program, "command": command });
    context.output.document(&document, || {
        format!("Process {} waits for a debugger:\n{command}", attached.pid)
    });
    Ok(Verdict::Done)
}
