//! What it costs to read one file of a pack that is not installed.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use headstart_pack::{ArchiveReader, Reach};

use crate::error::BenchError;
use crate::pack::record::Record;

/// For each file, the blocks that hold its chunks and, step by step, those that these are compressed against: their stored bytes,
/// without the share that is the file's own. The average over all files that are not empty.
pub(crate) fn measure(record: Record, archive: &Path) -> Result<Record, BenchError> {
    let file = File::open(archive).map_err(BenchError::file(archive))?;
    let reader = ArchiveReader::open(BufReader::new(file))
        .map_err(|error| BenchError::file(archive)(std::io::Error::other(error)))?;
    let tree = reader.complete().tree();
    let files = tree.files().filter(|(_, _, file)| file.size > 0).count();
    let beyond = Reach::new(tree, reader.table()).mean_extra_bytes(tree);
    Ok(record.bytes(beyond).note(format!("{files} files")))
}
