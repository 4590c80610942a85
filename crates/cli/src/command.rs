//! The commands, one file each.

mod clone;
mod completions;
mod demo;
mod device;
mod download_manifest;
mod evaluate;
mod get;
mod inspect;
mod pack;
mod repo;
mod serve;
mod template;
mod unpack;
mod verify;

use clap::Subcommand;
use headstart_model::Failure;

use crate::context::Context;

/// How a command ended that has told everything itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// What was asked for is done.
    Done,
    /// It failed, or damage was found; the result that was printed says so.
    Failed,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    // Authors.
    Template(template::Template),
    Evaluate(evaluate::Evaluate),
    Pack(pack::Pack),
    Inspect(inspect::Inspect),
    Unpack(unpack::Unpack),
    Verify(verify::Verify),
    DownloadManifest(download_manifest::DownloadManifest),
    Repo(repo::Repo),
    Serve(serve::Serve),
    // Any machine, without the service.
    Clone(clone::Clone),
    Get(get::Get),
    // The device.
    Service(device::Service),
    App(device::App),
    Packs(device::Packs),
    Explain(device::Explain),
    Downloads(device::Downloads),
    Settings(device::Settings),
    Debug(device::Debug),
    Demo(demo::Demo),
    // This program itself.
    Completions(completions::Completions),
}

impl Command {
    /// Does it.
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        match self {
            Self::Template(command) => command.run(context),
            Self::Evaluate(command) => command.run(context),
            Self::Pack(command) => command.run(context),
            Self::Inspect(command) => command.run(context),
            Self::Unpack(command) => command.run(context),
            Self::Verify(command) => command.run(context),
            Self::DownloadManifest(command) => command.run(context),
            Self::Repo(command) => command.run(context),
            Self::Serve(command) => command.run(context),
            Self::Clone(command) => command.run(context),
            Self::Get(command) => command.run(context),
            Self::Service(command) => command.run(context),
            Self::App(command) => command.run(context),
            Self::Packs(command) => command.run(context),
            Self::Explain(command) => command.run(context),
            Self::Downloads(command) => command.run(context),
            Self::Settings(command) => command.run(context),
            Self::Debug(command) => command.run(context),
            Self::Demo(command) => command.run(context),
            Self::Completions(command) => command.run(context),
        }
    }
}
