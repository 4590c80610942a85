//! `verify`: checks every byte of an archive.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Args;
use headstart_model::{Digest, Failure};
use headstart_pack::container::check_opened;
use headstart_pack::{ArchiveReader, ChunkSource as _, CompleteTree, FormatError, ScratchChunks};
use serde::Serialize;

use super::Verdict;
use crate::context::Context;
use crate::output::{count, table};
use crate::{archive, failure, temporary};

/// Checks every byte of an archive
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart verify textures.assetpack\n\n\
    Ends with 0 if the archive is whole, with 1 if it is damaged, and with 2 if it is no archive.")]
pub(crate) struct Verify {
    /// The archive
    #[arg(value_name = "FILE.assetpack")]
    archive: PathBuf,
}

#[derive(Serialize)]
struct Document {
    ok: bool,
    damaged: Vec<Damage>,
}

/// A part of the archive that is damaged.
#[derive(Serialize)]
struct Damage {
    part: String,
    reason: String,
}

impl Verify {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let file = archive::open_file(&self.archive)?;
        let damaged = match ArchiveReader::open(file) {
            Ok(reader) => check(context, &self.archive, reader)?,
            Err(error) if is_damage(&error) => vec![damage("archive".to_owned(), &error)],
            Err(error) => return Err(failure::of_archive(&self.archive, &error)),
        };
        let verdict = if damaged.is_empty() { Verdict::Done } else { Verdict::Failed };
        let document = Document { ok: damaged.is_empty(), damaged };
        context.output.document(&document, || text(&self.archive, &document.damaged));
        Ok(verdict)
    }
}

/// Whether this is an archive that was damaged, and not something else.
fn is_damage(error: &FormatError) -> bool {
    !matches!(error, FormatError::Magic { .. } | FormatError::Version { .. } | FormatError::Io(_))
}

fn damage(part: String, error: &FormatError) -> Damage {
    let mut reason = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        reason = format!("{reason}: {source}");
    }
    Damage { part, reason }
}

/// First each block by its digest, so that every damaged one is named; then, if they are whole, whether they yield what
/// the index says.
fn check(
    context: &Context,
    path: &Path,
    mut reader: ArchiveReader<File>,
) -> Result<Vec<Damage>, Failure> {
    let blocks = u32::try_from(reader.table().blocks().len()).unwrap_or(u32::MAX);
    let mut damaged = Vec::new();
    for number in 0..blocks {
        match reader.block(number) {
            Ok(_) => {}
            Err(error) if is_damage(&error) => {
                damaged.push(damage(format!("block {number}"), &error));
            }
            Err(error) => return Err(failure::of_archive(path, &error)),
        }
    }
    if let Err(error) = archive::manifest(path, &reader) {
        damaged.push(Damage { part: "manifest".to_owned(), reason: error.to_string() });
    }
    if damaged.is_empty() {
        damaged.extend(check_content(context, path, &mut reader)?);
    }
    Ok(damaged)
}

fn check_content(
    context: &Context,
    path: &Path,
    reader: &mut ArchiveReader<File>,
) -> Result<Option<Damage>, Failure> {
    let scratch = temporary::file(context)?;
    let (complete, blocks) = (reader.complete().clone(), reader.table().clone());
    let mut bundle = reader.bundle().map_err(|error| failure::of_archive(path, &error))?;
    let mut chunks = match ScratchChunks::extract(&complete, &blocks, &mut bundle, scratch) {
        Ok(chunks) => chunks,
        Err(error) if is_damage(&error) => return Ok(Some(damage("content".to_owned(), &error))),
        Err(error) => return Err(failure::of_archive(path, &error)),
    };
    if let Some(damage) = wrong_chunk(&complete, &mut chunks)? {
        return Ok(Some(damage));
    }
    let wrong = check_opened(complete.tree(), &mut chunks);
    let wrong = wrong.map_err(|error| failure::of_build(&error))?;
    Ok(wrong.map(|path| {
        let reason = "its opened form does not make the file that the index names".to_owned();
        Damage { part: path.to_string(), reason }
    }))
}

/// The first chunk whose bytes do not have the name that the index gives it.
fn wrong_chunk(
    complete: &CompleteTree,
    chunks: &mut ScratchChunks,
) -> Result<Option<Damage>, Failure> {
    let mut bytes = Vec::new();
    for (number, name) in (0_u32..).zip(complete.names()) {
        bytes.clear();
        chunks.read_chunk(number, &mut bytes).map_err(|error| failure::of_build(&error))?;
        if Digest::of(&bytes) != *name {
            let reason = "its bytes are not those that the index names".to_owned();
            return Ok(Some(Damage { part: format!("chunk {number}"), reason }));
        }
    }
    Ok(None)
}

fn text(path: &Path, damaged: &[Damage]) -> String {
    let path = path.display();
    if damaged.is_empty() {
        return format!("{path} is whole");
    }
    let rows: Vec<_> =
        damaged.iter().map(|damage| vec![damage.part.clone(), damage.reason.clone()]).collect();
    let parts = count(rows.len() as u64, "part");
    format!("{}\n{path} is damaged: {parts}", table(&rows))
}
