//! `app`: installing apps and starting them.

use std::path::PathBuf;
use std::process::Command;

use clap::{Args, Subcommand};
use futures::StreamExt as _;
use headstart::apps::{
    Data, InstallEvent, InstallOptions, LaunchEvent, UpdateOptions, WhilePending,
};
use headstart::{AppId, Events};
use headstart_model::{ErrorKind, Failure};
use headstart_sys::process;
use serde_json::json;

use super::super::Verdict;
use super::{connector, failed, translate};
use crate::context::Context;
use crate::output::{size, table};

/// Installs apps and starts them
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct App {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Installs an app; ends when its essential content has concluded
    #[command(
        after_help = "Examples:\n  headstart app install ./MyGame\n  headstart app install ./MyGame --dev --json"
    )]
    Install {
        /// The app bundle: a folder with `headstart.toml` or `Info.plist`
        bundle: PathBuf,
        /// Copy the bundle instead of registering it where it lies
        #[arg(long)]
        copy: bool,
        /// For development: servers of this machine without encryption, and programs that say they are the app
        #[arg(long, conflicts_with = "insecure")]
        dev: bool,
        /// Reach the repository without encryption; what is fetched is verified all the same
        #[arg(long)]
        insecure: bool,
    },
    /// Replaces an installed app by another version
    #[command(after_help = "Examples:\n  headstart app update ./MyGame-2")]
    Update {
        /// The bundle of the new version
        bundle: PathBuf,
        /// Reach the repository without encryption; what is fetched is verified all the same
        #[arg(long)]
        insecure: bool,
    },
    /// Removes an app and its packs
    #[command(
        after_help = "Examples:\n  headstart app uninstall com.example.game\n  headstart app uninstall com.example.game --keep-data"
    )]
    Uninstall {
        /// The app
        app: AppId,
        /// Keep its packs for a later installation
        #[arg(long)]
        keep_data: bool,
    },
    /// Starts an app; refuses while essential content is on its way
    #[command(
        after_help = "Examples:\n  headstart app launch com.example.game --wait\n  headstart app launch com.example.game -- --windowed"
    )]
    Launch {
        /// The app
        app: AppId,
        /// Wait for essential content instead of refusing
        #[arg(long)]
        wait: bool,
        /// Arguments of the app
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Lists installed apps
    #[command(after_help = "Examples:\n  headstart app list --json")]
    List,
    /// Says what is known of an app
    #[command(after_help = "Examples:\n  headstart app info com.example.game")]
    Info {
        /// The app
        app: AppId,
    },
}

impl App {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        match &self.what {
            What::Install { bundle, copy, dev, insecure } => {
                let options = InstallOptions { copy: *copy, dev: *dev, insecure: *insecure };
                context.block_on(async {
                    let apps = connector(context, None).apps().map_err(failed)?;
                    let events = apps.install(bundle, options).await.map_err(failed)?;
                    follow(context, events).await
                })
            }
            What::Update { bundle, insecure } => context.block_on(async {
                let apps = connector(context, None).apps().map_err(failed)?;
                let events = apps
                    .update(bundle, UpdateOptions { insecure: *insecure })
                    .await
                    .map_err(failed)?;
                follow(context, events).await
            }),
            What::Uninstall { app, keep_data } => uninstall(context, app, *keep_data),
            What::Launch { app, wait, arguments } => launch(context, app, *wait, arguments),
            What::List => list(context),
            What::Info { app } => info(context, app),
        }
    }
}

/// Tells how an installation goes. An essential download that failed is exit 1, though the app can be launched.
async fn follow(context: &Context, mut events: Events<InstallEvent>) -> Result<Verdict, Failure> {
    let output = &context.output;
    let progress = output.progress();
    let mut verdict = Verdict::Done;
    while let Some(event) = events.next().await {
        match event.map_err(failed)? {
            InstallEvent::Progress(moved) => progress.advance(&translate(&moved)),
            InstallEvent::Launchable(launchable) => {
                progress.finish();
                let failures: Vec<_> = launchable
                    .failed
                    .iter()
                    .map(|failed| json!({ "pack": failed.pack, "error": failed.failure }))
                    .collect();
                let catalog = &launchable.catalog;
                output.event(
                    &json!({ "event": "launchable", "failed": failures, "catalog": catalog }),
                );
                if let Some(failure) = catalog {
                    output.line(format!("its packs are not known yet: {failure}"));
                    output.line(&failure.hint);
                    verdict = Verdict::Failed;
                }
                for failed in &launchable.failed {
                    output.line(format!("pack `{}` is missing: {}", failed.pack, failed.failure));
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

/// The service ended a stream without its last event.
pub(super) fn ended() -> Failure {
    Failure::new(ErrorKind::Unavailable, "serviceGone", "the service went away")
        .with_hint("run the command again: what was begun goes on")
}

fn uninstall(context: &Context, app: &AppId, keep_data: bool) -> Result<Verdict, Failure> {
    let data = if keep_data { Data::Keep } else { Data::Remove };
    context.block_on(async {
        let apps = connector(context, None).apps().map_err(failed)?;
        apps.uninstall(app, data).await.map_err(failed)
    })?;
    context.output.document(&json!({}), || format!("{app} is removed."));
    Ok(Verdict::Done)
}

fn launch(
    context: &Context,
    app: &AppId,
    wait: bool,
    arguments: &[String],
) -> Result<Verdict, Failure> {
    let pending = if wait { WhilePending::Wait } else { WhilePending::Refuse };
    let launch = context.block_on(async {
        let apps = connector(context, None).apps().map_err(failed)?;
        let mut events = apps.prepare_launch(app, pending).await.map_err(failed)?;
        let progress = context.output.bar();
        while let Some(event) = events.next().await {
            match event.map_err(failed)? {
                LaunchEvent::Progress(moved) => progress.advance(&translate(&moved)),
                LaunchEvent::Ready(launch) => return Ok(launch),
                _ => {}
            }
        }
        Err(ended())
    })?;
    let mut command = Command::new(&launch.executable);
    command.args(arguments).envs(&launch.environment).current_dir(&launch.folder);
    let status = process::replace_by(command).map_err(|error| {
        Failure::from_error(ErrorKind::NotFound, "appNotStarted", &error)
            .within(format!("`{}` could not be started", launch.executable))
            .with_hint("check `executable` in the bundle, and that the file may be executed")
    })?;
    Ok(if status.success() { Verdict::Done } else { Verdict::Failed })
}

fn list(context: &Context) -> Result<Verdict, Failure> {
    let apps = context.block_on(async {
        let apps = connector(context, None).apps().map_err(failed)?;
        apps.list().await.map_err(failed)
    })?;
    let document: Vec<_> = apps
        .iter()
        .map(|app| {
            json!({
                "id": app.id,
                "version": app.version,
                "state": app.state,
                "essentialPending": app.essential_pending,
            })
        })
        .collect();
    context.output.document(&json!({ "apps": document }), || {
        if apps.is_empty() {
            return "No app is installed.".to_owned();
        }
        let rows: Vec<_> = apps
            .iter()
            .map(|app| vec![app.id.to_string(), app.version.clone(), app.state.to_string()])
            .collect();
        table(&rows)
    });
    Ok(Verdict::Done)
}

fn info(context: &Context, app: &AppId) -> Result<Verdict, Failure> {
    let (details, packs) = context.block_on(async {
        let connector = connector(context, Some(app));
        let details = connector.apps().map_err(failed)?.info(app).await.map_err(failed)?;
        let packs = connector.packs().map_err(failed)?.list().await.map_err(failed)?;
        Ok((details, packs))
    })?;
    let document = json!({
        "id": details.app.id,
        "version": details.app.version,
        "state": details.app.state,
        "essentialPending": details.app.essential_pending,
        "bundle": details.bundle,
        "executable": details.executable,
        "dev": details.dev,
        "appGroup": details.app_group,
        "repositoryURL": details.repository_url,
        "channel": details.channel,
        "languages": details.languages,
        "resolvedLanguage": details.resolved_language,
    });
    context.output.document(&document, || {
        let mut rows = vec![
            vec!["App".to_owned(), format!("{} {}", details.app.id, details.app.version)],
            vec!["State".to_owned(), details.app.state.to_string()],
            vec!["Bundle".to_owned(), details.bundle.clone()],
        ];
        if let Some(url) = &details.repository_url {
            rows.push(vec!["Repository".to_owned(), url.clone()]);
        }
        if let Some(language) = &details.resolved_language {
            rows.push(vec!["Language".to_owned(), language.to_string()]);
        }
        for state in &packs {
            if state.app == details.app.id && state.local_version.is_some() {
                let text = format!("{} ({})", state.pack.id, size(state.pack.installed_size));
                rows.push(vec!["Pack".to_owned(), text]);
            }
        }
        table(&rows)
    });
    Ok(Verdict::Done)
}
