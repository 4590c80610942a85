//! `packs checkout` and `packs consume`: files that leave the home.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::slice::from_ref;

use clap::Args;
use headstart::{AppId, Language, Overwrite, PackId};
use headstart_model::{ErrorKind, Failure, PackPath};
use serde_json::json;

use super::super::nearest::names;
use super::super::{connector, failed};
use super::OfApp;
use crate::command::Verdict;
use crate::context::Context;
use crate::output::{count, size};

#[derive(Debug, Args)]
pub(super) struct Checkout {
    /// The pack, which has to be local
    pack: PackId,
    /// The folder
    #[arg(value_name = "DEST")]
    destination: PathBuf,
    /// Replace files that somebody changed
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    of: OfApp,
}

#[derive(Debug, Args)]
pub(super) struct Consume {
    /// The path in the app's namespace
    path: PackPath,
    /// Where it goes: a path where nothing is
    #[arg(value_name = "DEST")]
    destination: PathBuf,
    /// Only from this pack
    #[arg(long)]
    pack: Option<PackId>,
    /// Only from packs of this language
    #[arg(long, conflicts_with = "pack")]
    language: Option<Language>,
    #[command(flatten)]
    of: OfApp,
}

impl Checkout {
    pub(super) fn named(&self) -> Vec<&str> {
        names(from_ref(&self.pack), self.of.app.as_ref())
    }

    pub(super) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let app = the_app(context, &self.of, Some(&self.pack))?;
        let packs = connector(context, Some(&app)).asset_packs_blocking().map_err(failed)?;
        let overwrite = if self.force { Overwrite::Allowed } else { Overwrite::Refused };
        let done = packs.checkout(self.pack.as_str(), &self.destination, overwrite);
        let done = done.map_err(failed)?;
        let document = json!({
            "pack": self.pack, "app": app, "version": done.version, "files": done.files,
            "written": done.written, "removed": done.removed, "kept": done.kept,
            "bytesCopied": done.bytes_copied,
        });
        context.output.document(&document, || {
            let text = format!(
                "{} {} in {}: {} written, {} removed, {} copied",
                self.pack,
                done.version,
                self.destination.display(),
                count(done.written, "file"),
                done.removed,
                size(done.bytes_copied)
            );
            let kept = done.kept.iter().map(|path| format!("kept as somebody made it: {path}"));
            std::iter::once(text).chain(kept).collect::<Vec<_>>().join("\n")
        });
        Ok(Verdict::Done)
    }
}

impl Consume {
    pub(super) fn named(&self) -> Vec<&str> {
        names(self.pack.as_slice(), self.of.app.as_ref())
    }

    pub(super) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let app = the_app(context, &self.of, self.pack.as_ref())?;
        let packs = connector(context, Some(&app)).asset_packs_blocking().map_err(failed)?;
        let (path, to) = (self.path.as_str(), &self.destination);
        let handed = match (&self.pack, &self.language) {
            (Some(pack), _) => packs.consume_in(pack.as_str(), path, to),
            (None, Some(language)) => packs.consume_for(language, path, to),
            (None, None) => packs.consume(path, to),
        };
        handed.map_err(failed)?;
        let document = json!({ "app": app, "path": self.path, "destination": to });
        context.output.document(&document, || format!("{path} is {} now", to.display()));
        Ok(Verdict::Done)
    }
}

/// The app that is named, else the only one that has this pack, or any local one where none is named.
pub(super) fn the_app(
    context: &Context,
    of: &OfApp,
    pack: Option<&PackId>,
) -> Result<AppId, Failure> {
    if let Some(app) = &of.app {
        return Ok(app.clone());
    }
    let packs = context.block_on(async {
        let packs = connector(context, None).packs().map_err(failed)?;
        packs.list().await.map_err(failed)
    })?;
    let has = packs
        .into_iter()
        .filter(|state| pack.map_or(state.local_version.is_some(), |pack| *pack == state.pack.id));
    let apps: BTreeSet<AppId> = has.map(|state| state.app).collect();
    let names: Vec<_> = apps.iter().map(AppId::as_str).collect();
    let (kind, code, message) = match names.as_slice() {
        [] => {
            let what =
                pack.map_or_else(|| "local pack".to_owned(), |pack| format!("pack `{pack}`"));
            (ErrorKind::NotFound, "assetPackNotFound", format!("no app has a {what}"))
        }
        [_] => return Ok(apps.into_iter().next().expect("there is one")),
        several => {
            let several = several.join(", ");
            (
                ErrorKind::Usage,
                "appAmbiguous",
                format!("several apps come into question: {several}"),
            )
        }
    };
    Err(Failure::new(kind, code, message).with_hint("name one with --app"))
}
