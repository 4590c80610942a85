//! Archives that a person names.

use std::fs::File;
use std::path::Path;

use headstart_model::Failure;
use headstart_model::packaging::PackagingManifest;
use headstart_pack::ArchiveReader;

use crate::failure;

/// The code of an archive that is not there.
const MISSING: &str = "archiveMissing";

/// Opens the file of an archive.
pub(crate) fn open_file(path: &Path) -> Result<File, Failure> {
    let failed = |error| failure::of_input("archive", MISSING, path, &error);
    let file = File::open(path).map_err(failed)?;
    // A folder can be opened, but not read.
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(failed(std::io::ErrorKind::IsADirectory.into()));
    }
    Ok(file)
}

/// Opens an archive; its header, manifest and index are verified.
pub(crate) fn open(path: &Path) -> Result<ArchiveReader<File>, Failure> {
    ArchiveReader::open(open_file(path)?).map_err(|error| failure::of_archive(path, &error))
}

/// The packaging manifest in an archive.
pub(crate) fn manifest(
    path: &Path,
    reader: &ArchiveReader<File>,
) -> Result<PackagingManifest, Failure> {
    PackagingManifest::from_bytes(reader.manifest())
        .map_err(|error| failure::of_manifest(path, &error))
}
