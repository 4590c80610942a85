//! `packs cat`: the bytes of a file.

use std::io::{Read, Write as _};

use clap::Args;
use headstart::{ArrivingFile, PackId};
use headstart_model::{ErrorKind, Failure};

use super::super::nearest::names;
use super::super::{connector, failed};
use super::files::the_app;
use super::{Find, OfApp, locate};
use crate::command::Verdict;
use crate::context::Context;

#[derive(Debug, Args)]
pub(super) struct Cat {
    #[command(flatten)]
    find: Find,
    /// Do not wait for the pack: print the file as it arrives, fetched before the rest
    #[arg(long, requires = "pack", conflicts_with = "language")]
    ahead: bool,
}

impl Cat {
    pub(super) fn named(&self) -> Vec<&str> {
        names(self.find.pack.as_slice(), self.find.app.as_ref())
    }

    /// The bytes themselves, whatever was asked of the output. Memory: one buffer.
    pub(super) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let find = &self.find;
        let copied = match &find.pack {
            Some(pack) if self.ahead => copy_out(self.open_ahead(context, pack)?),
            _ => std::fs::File::open(locate(context, find)?).and_then(copy_out),
        };
        match copied {
            // Whoever reads has enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Verdict::Done),
            copied => copied.map(|()| Verdict::Done).map_err(|error| self.failure(&error)),
        }
    }

    fn open_ahead(&self, context: &Context, pack: &PackId) -> Result<ArrivingFile, Failure> {
        let app = the_app(context, &OfApp { app: self.find.app.clone() }, Some(pack))?;
        let packs = connector(context, Some(&app)).asset_packs_blocking().map_err(failed)?;
        packs.read_ahead(pack.as_str(), self.find.path.as_str()).map_err(failed)
    }

    fn failure(&self, error: &std::io::Error) -> Failure {
        // What the library says of a pack that does not come, as it says it.
        let of_library = error.get_ref().and_then(|inner| inner.downcast_ref::<headstart::Error>());
        if let Some(error) = of_library {
            return failed(error.clone());
        }
        Failure::from_error(ErrorKind::Internal, "fileFailed", error)
            .within(format!("`{}` could not be printed", self.find.path))
    }
}

fn copy_out(mut from: impl Read) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return out.flush();
        }
        out.write_all(buffer.get(..read).unwrap_or_default())?;
    }
}
