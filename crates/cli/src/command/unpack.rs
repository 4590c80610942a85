//! `unpack`: the files of an archive into a folder.

use std::path::PathBuf;

use clap::Args;
use headstart_deliver::{Overwrite, unpack};
use headstart_model::{ErrorKind, Failure};
use serde_json::json;

use super::Verdict;
use crate::archive;
use crate::context::Context;
use crate::output::{Advance, count, size};

/// Extracts the files of an archive into a folder
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart unpack textures.assetpack -C assets\n  \
    headstart unpack textures.assetpack -C assets --force\n\n\
    Every byte is verified before a file appears. Links below the folder are not followed.")]
pub(crate) struct Unpack {
    /// The archive
    #[arg(value_name = "FILE.assetpack")]
    archive: PathBuf,
    /// The folder; it is made if it does not exist
    #[arg(short = 'C', long, value_name = "DIR")]
    directory: PathBuf,
    /// Replace files that are in the way
    #[arg(long)]
    force: bool,
}

impl Unpack {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        // Told as what it is before the folder is made.
        archive::open(&self.archive)?;
        let overwrite = if self.force { Overwrite::Replace } else { Overwrite::Refuse };
        let progress = context.output.bar();
        let mut advance = |bytes_done, bytes_total| {
            let phase = "unpack".to_owned();
            progress.advance(&Advance { phase, bytes_done, bytes_total, ..Advance::default() });
        };
        let unpacked = unpack(&self.archive, &self.directory, overwrite, &mut advance)
            .map_err(|error| told(error.to_failure()))?;
        progress.finish();
        let document = json!({"files": unpacked.files, "bytes": unpacked.bytes});
        context.output.document(&document, || {
            let (files, bytes) = (count(unpacked.files, "file"), size(unpacked.bytes));
            format!("{files}, {bytes} in {}", self.directory.display())
        });
        Ok(Verdict::Done)
    }
}

/// Nothing is downloaded here, so there is nothing that a download would go on with.
fn told(failure: Failure) -> Failure {
    match failure.kind {
        ErrorKind::NoSpace => failure.with_hint("free some space, then try again"),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_not_told_as_that_of_a_download() {
        let full = |kind| Failure::new(kind, "code", "text").with_hint("the download goes on");
        assert_eq!(told(full(ErrorKind::NoSpace)).hint, "free some space, then try again");
        assert_eq!(told(full(ErrorKind::Internal)).hint, "the download goes on");
    }
}
