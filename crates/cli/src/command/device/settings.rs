//! `settings`: what the person at the device decides.

use std::io::Read as _;

use clap::{Args, Subcommand};
use headstart::AppId;
use headstart::device::Setting;
use headstart_model::{ErrorKind, Failure, ServerOrigin};
use serde_json::json;

use super::super::Verdict;
use super::{connector, failed};
use crate::context::Context;
use crate::output::table;
use crate::quantity;

/// The setting that is a rate.
const LIMIT: &str = "limit";

/// What the settings begin with that are headers.
const HEADER: &str = "header.";

/// More than headers may have.
const HEADERS_BYTES_MAX: u64 = 64 * 1024;

/// Shows and changes what the person at the device decides
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Settings {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Lists every setting
    #[command(
        after_help = "Examples:\n  headstart settings list\n  headstart settings list --json"
    )]
    List,
    /// Says how a setting is
    #[command(after_help = "Examples:\n  headstart settings get limit")]
    Get {
        /// Its name, as `settings list` shows it
        key: String,
    },
    /// Changes a setting, at once; without a value it gets its default again
    #[command(
        after_help = "Examples:\n  headstart settings set limit 20Mbit\n  headstart settings set in-app-content off\n  headstart settings set background-activity.com.example.game off\n  headstart settings set header.com.example.game 'Authorization: Bearer TOKEN'\n  headstart settings set header.com.example.game@https://mirror.example.com 'X-Token: TOKEN'\n  headstart settings set transfers"
    )]
    Set {
        /// Its name, as `settings list` shows it
        key: String,
        /// Its value: `on` or `off`, a rate such as `20Mbit` or `none`, a number; headers, each on a line of its own, or `-` to read
        /// them from the standard input
        value: Option<String>,
    },
}

impl Settings {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        match &self.what {
            What::List => {
                let settings = all(context)?;
                context.output.document(&json!({ "settings": settings }), || text(&settings));
            }
            What::Get { key } => {
                let setting = get(context, key)?;
                context
                    .output
                    .document(&json!({ "settings": [setting] }), || setting.value.clone());
            }
            What::Set { key, value } => {
                let value = &given(key, value.as_deref())?;
                let rate =
                    value.as_ref().filter(|_| key == LIMIT).and_then(|rate| rate.parse().ok());
                let setting = context.block_on(async {
                    let device = connector(context, None).device().map_err(failed)?;
                    device.set(key, value.as_deref()).await.map_err(failed)
                })?;
                context.output.document(&json!({ "settings": [setting] }), || {
                    format!("{} is {}", setting.key, setting.value)
                });
                quantity::heed(&context.output, LIMIT, rate);
            }
        }
        Ok(Verdict::Done)
    }
}

/// The value. That of headers may be kept off the command line, which every program on the machine can see.
fn given(key: &str, value: Option<&str>) -> Result<Option<String>, Failure> {
    if value == Some("-") && key.starts_with(HEADER) {
        let mut text = String::new();
        let read = std::io::stdin().take(HEADERS_BYTES_MAX).read_to_string(&mut text);
        // Nothing is what a program leaves that has failed, and no word to take headers away.
        if read.is_err() || text.trim().is_empty() {
            let message = "the standard input has no headers";
            return Err(Failure::new(ErrorKind::Usage, "badSetting", message)
                .with_hint("a header is written `NAME: VALUE`, each on a line of its own; `none` takes them away"));
        }
        return Ok(Some(text));
    }
    Ok(value.map(str::to_owned))
}

fn all(context: &Context) -> Result<Vec<Setting>, Failure> {
    context.block_on(async {
        let device = connector(context, None).device().map_err(failed)?;
        device.settings().await.map_err(failed)
    })
}

/// One setting. Those of single apps are listed only where they differ from their default.
fn get(context: &Context, key: &str) -> Result<Setting, Failure> {
    let settings = all(context)?;
    let listed = |key: &str| settings.iter().find(|setting| setting.key == key).cloned();
    if let Some(setting) = listed(key) {
        return Ok(setting);
    }
    let background = key.strip_prefix("background-activity.");
    let headers = key.strip_prefix(HEADER).map(|of| of.split_once('@').unwrap_or((of, "")));
    let app = background.or(headers.map(|(app, _)| app)).and_then(|app| AppId::new(app).ok());
    let Some(app) = app else {
        let key: String = key.chars().take(60).collect();
        let message = format!("there is no setting `{key}`");
        return Err(Failure::new(ErrorKind::Usage, "unknownSetting", message)
            .with_hint("`headstart settings list` shows every setting"));
    };
    let details = context.block_on(async {
        let apps = connector(context, None).apps().map_err(failed)?;
        apps.info(&app).await.map_err(failed)
    })?;
    let Some((_, server)) = headers else {
        let (value, default) = ("on".to_owned(), "on".to_owned());
        let meaning = format!("as background-activity, for `{app}` alone");
        return Ok(Setting { key: key.to_owned(), value, default, meaning });
    };
    // They are listed by their server, and those of the app's own by the app.
    let server = ServerOrigin::of(server);
    let own = details.repository_url.or(details.manifest_url);
    let is_own = server.is_none() || server == own.as_deref().and_then(ServerOrigin::of);
    let server = server.filter(|_| !is_own).map(|server| format!("@{server}")).unwrap_or_default();
    let key = format!("{HEADER}{app}{server}");
    let (value, default) = ("none".to_owned(), "none".to_owned());
    let meaning = format!("what that server gets from `{app}`, such as a token");
    Ok(listed(&key).unwrap_or(Setting { key, value, default, meaning }))
}

fn text(settings: &[Setting]) -> String {
    let rows = settings.iter().map(|setting| {
        let value = if setting.value == setting.default {
            setting.value.clone()
        } else {
            format!("{} (default {})", setting.value, setting.default)
        };
        vec![setting.key.clone(), value, setting.meaning.clone()]
    });
    table(&rows.collect::<Vec<_>>())
}
