//! Files that a person names on the command line.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use headstart_model::packaging::{MANIFEST_BYTES_MAX, PackagingManifest};
use headstart_model::{ErrorKind, Failure};
use headstart_pack::selection::{self, Selection};

use crate::failure;

mod launch_set;

/// Reads an input file of at most `max_bytes` bytes. `what` is for messages, `code` for a file that is missing.
pub(crate) fn read(
    path: &Path,
    max_bytes: u64,
    (what, code): (&str, &'static str),
) -> Result<Vec<u8>, Failure> {
    let failed = |error| failure::of_input(what, code, path, &error);
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    // One byte beyond the limit tells a file that is too long from one that just fits.
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > max_bytes {
        let message = format!("the {what} `{}` has more than {max_bytes} bytes", path.display());
        return Err(Failure::new(ErrorKind::InvalidInput, "inputTooLarge", message));
    }
    Ok(bytes)
}

/// A packaging manifest and what it selects.
#[derive(Debug)]
pub(crate) struct PackInput {
    pub(crate) manifest: PackagingManifest,
    pub(crate) selection: Selection,
}

impl PackInput {
    /// Reads the manifest and applies it to its source root, or to `instead`. What `reads` names comes into its launch set.
    pub(crate) fn read(
        manifest_file: &Path,
        instead: Option<&Path>,
        reads: Option<&Path>,
    ) -> Result<Self, Failure> {
        let bytes =
            read(manifest_file, MANIFEST_BYTES_MAX as u64, ("manifest", "manifestMissing"))?;
        let mut manifest = PackagingManifest::from_bytes(&bytes)
            .map_err(|error| failure::of_manifest(manifest_file, &error))?;
        if let Some(reads) = reads {
            launch_set::add(&mut manifest, reads)?;
        }
        let root = selection::source_root(&manifest, manifest_file, instead);
        let selection =
            selection::select(&manifest, &root).map_err(|error| failure::of_selection(&error))?;
        Ok(Self { manifest, selection })
    }

    /// What a person should know although it is no error.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let unused = self.selection.unused_exclusions.iter();
        let unused =
            unused.map(|exclusion| format!("note: the exclusion `{exclusion}` leaves nothing out"));
        let absent = self.selection.unused_launch_paths.iter();
        let absent =
            absent.map(|path| format!("note: `{path}` of the launch set is not in the pack"));
        unused.chain(absent).collect()
    }
}
