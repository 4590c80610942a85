//! `settings`: what the person at the device decides.

use std::io::Read as _;

use clap::{Args, Subcommand};
use headstart::AppId;
use headstart::device::Setting;
use headstart_model::{ErrorKind, Failure};
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
        after_help = "Examples:\n  headstart settings set limit 20Mbit\n  headstart settings set in-app-content off\n  headstart settings set background-activity.com.example.game off\n  headstart settings set header.com.example.game 'Authorization: Bearer TOKEN'\n  headstart settings set header.com.example.game@https://mirror.example.com - <token.txt\n  headstart settings set transfers"
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
        read.map_err(|error| {
            Failure::from_error(ErrorKind::InvalidInput, "badSetting", &error)
                .within("the headers cannot be read from the standard input")
                .with_hint("a header is written `NAME: VALUE`, each on a line of its own")
        })?;
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
    if let Some(setting) = all(context)?.into_iter().find(|setting| setting.key == key) {
        return Ok(setting);
    }
    let background = key.strip_prefix("background-activity.");
    let headers = key.strip_prefix(HEADER).map(|of| of.split_once('@').map_or(of, |(app, _)| app));
    let Some(app) = background.or(headers).and_then(|app| AppId::new(app).ok()) else {
        let key: String = key.chars().take(60).collect();
        let message = format!("there is no setting `{key}`");
        return Err(Failure::new(ErrorKind::Usage, "unknownSetting", message)
            .with_hint("`headstart settings list` shows every setting"));
    };
    context.block_on(async {
        let apps = connector(context, None).apps().map_err(failed)?;
        apps.info(&app).await.map_err(failed)
    })?;
    let (default, meaning) = match headers {
        Some(_) => ("none", format!("what that server gets from `{app}`, such as a token")),
        None => ("on", format!("as background-activity, for `{app}` alone")),
    };
    let (key, default) = (key.to_owned(), default.to_owned());
    Ok(Setting { key, value: default.clone(), default, meaning })
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
