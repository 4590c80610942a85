//! `service`: the background service itself.

use std::process::Command;

use clap::{Args, Subcommand};
use headstart::service::Stopped;
use headstart_model::{ErrorKind, Failure};
use headstart_sys::process;
use serde_json::json;

use super::super::Verdict;
use super::{connector, failed, unit};
use crate::context::Context;
use crate::failure;

/// Runs, looks at and stops the background service
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Service {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Runs the service in this terminal until it is stopped
    #[command(
        after_help = "Examples:\n  headstart service run\n  headstart service run -- --log debug"
    )]
    Run {
        /// Arguments of `headstartd`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Has systemd hold the socket for this user, and start the service when somebody calls
    #[command(after_help = "Examples:\n  headstart service install")]
    Install,
    /// Takes the units of systemd away again
    #[command(after_help = "Examples:\n  headstart service uninstall")]
    Uninstall,
    /// Says whether the service runs; does not start it
    #[command(
        after_help = "Examples:\n  headstart service status\n  headstart service status --json"
    )]
    Status,
    /// Stops the service; what it was doing goes on when it is started again
    #[command(after_help = "Examples:\n  headstart service stop")]
    Stop,
    /// Prints what the service logged since it was started by a program
    #[command(after_help = "Examples:\n  headstart service logs")]
    Logs,
}

impl Service {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        match &self.what {
            What::Run { arguments } => run(arguments),
            What::Install => unit::install(context),
            What::Uninstall => unit::uninstall(context),
            What::Status => status(context),
            What::Stop => stop(context),
            What::Logs => logs(context),
        }
    }
}

/// Becomes the service.
fn run(arguments: &[String]) -> Result<Verdict, Failure> {
    let program = process::sibling_program("headstartd").map_err(|error| {
        Failure::from_error(ErrorKind::NotFound, "daemonMissing", &error)
            .with_hint("`headstartd` has to lie beside `headstart`")
    })?;
    let mut command = Command::new(program);
    command.args(arguments);
    let status = process::replace_by(command)
        .map_err(|error| Failure::from_error(ErrorKind::Unavailable, "daemonFailed", &error))?;
    Ok(if status.success() { Verdict::Done } else { Verdict::Failed })
}

fn status(context: &Context) -> Result<Verdict, Failure> {
    let home = context.home()?;
    let status = context.block_on(async {
        let service = connector(context, None).service().map_err(failed)?;
        service.status().await.map_err(failed)
    })?;
    let document = match &status {
        Some(status) => json!({
            "running": true,
            "pid": status.pid,
            "version": status.version,
            "home": status.home,
            "uptimeSeconds": status.uptime_seconds,
        }),
        None => json!({
            "running": false,
            "pid": null,
            "version": null,
            "home": home.root(),
            "uptimeSeconds": null,
        }),
    };
    context.output.document(&document, || match &status {
        Some(status) => format!(
            "The service runs (process {}, version {}, {} s) and keeps {}",
            status.pid, status.version, status.uptime_seconds, status.home
        ),
        None => format!("No service runs for {}", home.root().display()),
    });
    Ok(Verdict::Done)
}

fn stop(context: &Context) -> Result<Verdict, Failure> {
    let stopped = context.block_on(async {
        let service = connector(context, None).service().map_err(failed)?;
        service.stop().await.map_err(failed)
    })?;
    let (was_running, text) = match stopped {
        Stopped::Now => (true, "The service is stopped."),
        Stopped::WasNotRunning => (false, "No service was running."),
    };
    context.output.document(&json!({ "wasRunning": was_running }), || text.to_owned());
    Ok(Verdict::Done)
}

fn logs(context: &Context) -> Result<Verdict, Failure> {
    let folder = context.home()?.log_folder();
    let path = folder.join("headstartd.out");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let message = format!("there is no log in {}", folder.display());
            return Err(Failure::new(ErrorKind::NotFound, "noLog", message).with_hint(
                "a service in a terminal or under systemd logs there; see `journalctl --user -u headstart`",
            ));
        }
        Err(error) => {
            let error =
                headstart_sys::FileError::new(headstart_sys::Action::Read, path.clone(), error);
            return Err(failure::of_file(&error));
        }
    };
    let lines: Vec<_> = text.lines().collect();
    context.output.document(&json!({ "path": path, "lines": lines }), || text.clone());
    Ok(Verdict::Done)
}
