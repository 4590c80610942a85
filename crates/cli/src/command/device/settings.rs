//! `settings`: what the person at the device decides.

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
        after_help = "Examples:\n  headstart settings set limit 20Mbit\n  headstart settings set in-app-content off\n  headstart settings set background-activity.com.example.game off\n  headstart settings set transfers"
    )]
    Set {
        /// Its name, as `settings list` shows it
        key: String,
        /// Its value: `on` or `off`, a rate such as `20Mbit` or `none`, a number
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
    let app = key.strip_prefix("background-activity.").and_then(|app| AppId::new(app).ok());
    let Some(app) = app else {
        let key: String = key.chars().take(60).collect();
        let message = format!("there is no setting `{key}`");
        return Err(Failure::new(ErrorKind::Usage, "unknownSetting", message)
            .with_hint("`headstart settings list` shows every setting"));
    };
    context.block_on(async {
        let apps = connector(context, None).apps().map_err(failed)?;
        apps.info(&app).await.map_err(failed)
    })?;
    let (value, default) = ("on".to_owned(), "on".to_owned());
    let meaning = format!("as background-activity, for `{app}` alone");
    Ok(Setting { key: key.to_owned(), value, default, meaning })
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
