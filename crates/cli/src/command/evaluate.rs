//! `evaluate`: what a manifest selects, without packing it.

use std::path::PathBuf;

use clap::Args;
use headstart_model::{Failure, PackId, PackPath};
use serde::Serialize;

use super::Verdict;
use crate::context::Context;
use crate::input::PackInput;
use crate::output::{count, size, table};

/// Checks a packaging manifest and lists what it selects
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart evaluate pack.jsonc\n  \
    headstart evaluate pack.jsonc --source-root build/assets --json")]
pub(crate) struct Evaluate {
    /// The packaging manifest (JSON with comments)
    manifest: PathBuf,
    /// Take the files from this folder instead of the manifest's `sourceRoot`
    #[arg(long, value_name = "DIR")]
    source_root: Option<PathBuf>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(rename = "assetPackID")]
    asset_pack_id: &'a PackId,
    files: Vec<File<'a>>,
    total_size: u64,
    unused_exclusions: &'a [String],
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a PackPath,
    size: u64,
}

impl Evaluate {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let input = PackInput::read(&self.manifest, self.source_root.as_deref(), None)?;
        let files = &input.selection.files;
        let document = Document {
            asset_pack_id: &input.manifest.asset_pack_id,
            files: files.iter().map(|file| File { path: &file.path, size: file.size }).collect(),
            total_size: input.selection.total_bytes(),
            unused_exclusions: &input.selection.unused_exclusions,
        };
        context.output.document(&document, || {
            let rows = files.iter().map(|file| vec![size(file.size), file.path.to_string()]);
            let rows: Vec<_> = rows.collect();
            let files = count(rows.len() as u64, "file");
            let total = size(document.total_size);
            format!("{}\n{}: {files}, {total}", table(&rows), document.asset_pack_id)
        });
        input.remarks().iter().for_each(|remark| context.output.remark(remark));
        Ok(Verdict::Done)
    }
}
