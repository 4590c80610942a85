//! `app`: installing apps and starting them.

mod advice;
mod control;
mod info;
mod install;

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, Subcommand};
use futures::StreamExt as _;
use headstart::AppId;
use headstart::apps::{
    Data, InstallOptions, InstallationAction, LaunchEvent, UpdateOptions, WhilePending,
};
use headstart_model::{ErrorKind, Failure};
use headstart_sys::process;
use headstart_transfer::Secret;
use serde_json::json;

use super::super::Verdict;
use super::nearest::{names, suggest};
use super::{connector, failed, translate};
use crate::context::Context;
use crate::desktop::{self, EntryWish};
use crate::network;
use crate::output::table;

/// Where the library in the app notes what is read.
const RECORD_READS: &str = "HEADSTART_RECORD_READS";

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
        after_help = "Examples:\n  headstart app install ./MyGame\n  headstart app install ./MyGame --dev --json\n  headstart app install ./MyGame --header 'Authorization: Bearer TOKEN'"
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
        /// Send this header, such as a token, to the server of its repository, from now on; may be given more than once
        #[arg(long = "header", value_name = "NAME: VALUE", value_parser = network::secret)]
        headers: Vec<Secret>,
        /// Do not list the app among the programs of the desktop
        #[arg(long)]
        no_desktop_entry: bool,
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
    /// Holds an installation that is going on; what has arrived stays
    #[command(after_help = "Examples:\n  headstart app pause com.example.game")]
    Pause {
        /// The app
        app: AppId,
    },
    /// Goes on with an installation that was paused
    #[command(after_help = "Examples:\n  headstart app resume com.example.game")]
    Resume {
        /// The app
        app: AppId,
    },
    /// Ends an installation: a first one is undone, an update goes on without what has not arrived
    #[command(after_help = "Examples:\n  headstart app cancel com.example.game")]
    Cancel {
        /// The app
        app: AppId,
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
        after_help = "Examples:\n  headstart app launch com.example.game --wait\n  headstart app launch com.example.game -- --windowed\n  headstart app launch com.example.game --record reads.txt"
    )]
    Launch {
        /// The app
        app: AppId,
        /// Wait for essential content instead of refusing
        #[arg(long)]
        wait: bool,
        /// Note in this file what the app reads of its packs, for `pack --launch-set`
        #[arg(long, value_name = "FILE")]
        record: Option<PathBuf>,
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
        let named = self.what.app();
        self.what.run(context).map_err(|failure| suggest(context, failure, &names(&[], named)))
    }
}

impl What {
    /// The app that is named.
    const fn app(&self) -> Option<&AppId> {
        match self {
            Self::Install { .. } | Self::Update { .. } | Self::List => None,
            Self::Pause { app }
            | Self::Resume { app }
            | Self::Cancel { app }
            | Self::Uninstall { app, .. }
            | Self::Launch { app, .. }
            | Self::Info { app } => Some(app),
        }
    }

    fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        match self {
            Self::Install { bundle, copy, dev, insecure, headers, no_desktop_entry } => {
                let headers = network::headers(headers)?;
                let (copy, dev, insecure) = (*copy, *dev, *insecure);
                let options = InstallOptions { copy, dev, insecure, headers };
                let wish = if *no_desktop_entry { EntryWish::Nothing } else { EntryWish::Write };
                install::install(context, bundle, options, wish)
            }
            Self::Update { bundle, insecure } => {
                install::update(context, bundle, UpdateOptions { insecure: *insecure })
            }
            Self::Pause { app } => control::control(context, app, InstallationAction::Pause),
            Self::Resume { app } => control::control(context, app, InstallationAction::Resume),
            Self::Cancel { app } => control::control(context, app, InstallationAction::Cancel),
            Self::Uninstall { app, keep_data } => uninstall(context, app, *keep_data),
            Self::Launch { app, wait, record, arguments } => {
                launch(context, app, *wait, (record.as_deref(), arguments))
            }
            Self::List => list(context),
            Self::Info { app } => info::info(context, app),
        }
    }
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
    desktop::forget(context, app);
    context.output.document(&json!({}), || format!("{app} is removed."));
    Ok(Verdict::Done)
}

fn launch(
    context: &Context,
    app: &AppId,
    wait: bool,
    (record, arguments): (Option<&Path>, &[String]),
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
    if let Some(record) = record {
        command.env(RECORD_READS, recording(record)?);
    }
    let status = process::replace_by(command).map_err(|error| {
        Failure::from_error(ErrorKind::NotFound, "appNotStarted", &error)
            .within(format!("`{}` could not be started", launch.executable))
            .with_hint("check `executable` in the bundle, and that the file may be executed")
    })?;
    Ok(if status.success() { Verdict::Done } else { Verdict::Failed })
}

/// The file that is to be written, as the app finds it from wherever it is started.
fn recording(file: &Path) -> Result<PathBuf, Failure> {
    let created = OpenOptions::new().append(true).create(true).open(file);
    created.and_then(|_| std::path::absolute(file)).map_err(|error| {
        Failure::from_error(ErrorKind::Usage, "recordingRefused", &error)
            .within(format!("`{}` cannot be written", file.display()))
            .with_hint("name a file in a folder that you may write to")
    })
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
