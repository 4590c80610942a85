//! `inspect`: what is in an archive.

use std::fs::File;
use std::path::PathBuf;

use clap::Args;
use headstart_model::{Digest, DigestHasher, Failure, PackId, PackPath};
use headstart_pack::{ArchiveReader, ChunkSource as _, ScratchChunks, Tree};
use serde::Serialize;
use serde_json::Value;

use super::Verdict;
use crate::context::Context;
use crate::output::{count, size, table};
use crate::{archive, failure, temporary};

/// Shows what is in an archive
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart inspect textures.assetpack\n  \
    headstart inspect textures.assetpack --json\n\n\
    With --json each file has the BLAKE3 of its content, for which the whole archive is read.")]
pub(crate) struct Inspect {
    /// The archive
    #[arg(value_name = "FILE.assetpack")]
    archive: PathBuf,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(rename = "assetPackID")]
    asset_pack_id: &'a PackId,
    manifest: Value,
    files: Vec<ListedFile<'a>>,
    chunks: u32,
    blocks: usize,
    installed_size: u64,
    archive_size: u64,
    content: Digest,
}

#[derive(Serialize)]
struct ListedFile<'a> {
    path: &'a PackPath,
    size: u64,
    executable: bool,
    blake3: Digest,
}

impl Inspect {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let mut reader = archive::open(&self.archive)?;
        let manifest = archive::manifest(&self.archive, &reader)?;
        if !context.output.is_for_program() {
            let text = text(&manifest.asset_pack_id, &reader);
            context.output.document(&(), || text);
            return Ok(Verdict::Done);
        }
        let digests = self.digests(context, &mut reader)?;
        let tree = reader.complete().tree();
        let listed = tree.files().zip(digests).map(|((_, path, file), blake3)| ListedFile {
            path,
            size: file.size,
            executable: file.executable,
            blake3,
        });
        let document = Document {
            asset_pack_id: &manifest.asset_pack_id,
            manifest: serde_json::from_slice(reader.manifest()).unwrap_or_default(),
            files: listed.collect(),
            chunks: tree.chunk_count(),
            blocks: reader.table().blocks().len(),
            installed_size: tree.installed_bytes(),
            archive_size: reader.header().archive_bytes(),
            content: reader.header().content,
        };
        context.output.document(&document, String::new);
        Ok(Verdict::Done)
    }

    /// The digest of each file, in the order of the tree.
    ///
    /// Chunks lie in the archive in another order than in files, and blocks build on each other: they are laid out once
    /// in a temporary file, so that memory holds one block and not the pack.
    fn digests(
        &self,
        context: &Context,
        reader: &mut ArchiveReader<File>,
    ) -> Result<Vec<Digest>, Failure> {
        let scratch = temporary::file(context)?;
        let (complete, blocks) = (reader.complete().clone(), reader.table().clone());
        let broken = |error| failure::of_archive(&self.archive, &error);
        let mut bundle = reader.bundle().map_err(broken)?;
        let mut chunks =
            ScratchChunks::extract(&complete, &blocks, &mut bundle, scratch).map_err(broken)?;
        file_digests(complete.tree(), &mut chunks)
    }
}

fn file_digests(tree: &Tree, chunks: &mut ScratchChunks) -> Result<Vec<Digest>, Failure> {
    let mut bytes = Vec::new();
    let mut digests = Vec::new();
    for (_, _, file) in tree.files() {
        if let Some(digest) = file.opened {
            digests.push(digest);
            continue;
        }
        let mut hasher = DigestHasher::new();
        for chunk in tree.chunks_of(file) {
            bytes.clear();
            chunks.read_chunk(*chunk, &mut bytes).map_err(|error| failure::of_build(&error))?;
            hasher.update(&bytes);
        }
        digests.push(hasher.finish());
    }
    Ok(digests)
}

fn text(id: &PackId, reader: &ArchiveReader<File>) -> String {
    let tree = reader.complete().tree();
    let rows = tree.files().map(|(_, path, file)| {
        let executable = if file.executable { "x" } else { "" };
        vec![size(file.size), executable.to_owned(), path.to_string()]
    });
    let rows: Vec<_> = rows.collect();
    let (files, plain) = (count(rows.len() as u64, "file"), size(tree.installed_bytes()));
    let chunks = count(u64::from(tree.chunk_count()), "chunk");
    let blocks = count(reader.table().blocks().len() as u64, "block");
    let archive = size(reader.header().archive_bytes());
    format!(
        "{}\n{id}: {files}, {plain} as {archive} in {chunks} and {blocks}\ncontent {}",
        table(&rows),
        reader.header().content
    )
}
