//! `pack`: a folder of assets becomes an archive.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use headstart_model::{ErrorKind, Failure};
use headstart_pack::{BuildSummary, Level, build_archive};
use headstart_sys::durable::DurableFile;
use headstart_sys::identity::FileStamp;
use headstart_sys::mode::Mode;
use serde_json::json;

use super::Verdict;
use crate::context::Context;
use crate::failure;
use crate::input::PackInput;
use crate::output::{Advance, Progress, count, size};

/// Builds an archive of the files that a packaging manifest selects
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  headstart pack pack.jsonc -o textures.assetpack\n  \
    headstart pack pack.jsonc -o textures.assetpack --source-root build/assets --level small\n  \
    headstart pack pack.jsonc -o textures.assetpack --launch-set reads.txt\n\n\
    The same files and manifest give the same archive on every machine.")]
pub(crate) struct Pack {
    /// The packaging manifest (JSON with comments)
    manifest: PathBuf,
    /// The archive; one that exists is replaced when the new one is whole
    #[arg(short, long, value_name = "FILE.assetpack")]
    output: PathBuf,
    /// Take the files from this folder instead of the manifest's `sourceRoot`
    #[arg(long, value_name = "DIR")]
    source_root: Option<PathBuf>,
    /// Put these files first, beside those of the manifest's `launchSet`: lines of PACK, tab, PATH, as `app launch --record` writes them
    #[arg(long, value_name = "FILE")]
    launch_set: Option<PathBuf>,
    /// How much work goes into a small archive: fast, balanced or small
    #[arg(long, value_name = "LEVEL", default_value = "balanced")]
    level: Level,
}

impl Pack {
    pub(crate) fn run(&self, context: &Context) -> Result<Verdict, Failure> {
        let started = Instant::now();
        let input = PackInput::read(
            &self.manifest,
            self.source_root.as_deref(),
            self.launch_set.as_deref(),
        )?;
        let place = failure::output_place(&self.output)?;
        refuse_own_output(&place, &input)?;
        let summary = build(context, &place, &input, self.level)?;
        let seconds = started.elapsed().as_secs_f64();
        let id = &input.manifest.asset_pack_id;
        let done = json!({
            "assetPackID": id,
            "files": summary.files,
            "installedSize": summary.installed_bytes,
            "archiveSize": summary.archive_bytes,
            "chunks": summary.chunks,
            "blocks": summary.blocks,
            "seconds": seconds,
        });
        context.output.done(done, || {
            let (files, plain) = (count(summary.files, "file"), size(summary.installed_bytes));
            let (archive, path) = (size(summary.archive_bytes), self.output.display());
            format!("{path}: pack {id}, {files}, {plain} as {archive} in {seconds:.1} s")
        });
        input.remarks().iter().for_each(|remark| context.output.remark(remark));
        Ok(Verdict::Done)
    }
}

/// An archive that holds its own predecessor would grow with each run, and nobody would know why.
fn refuse_own_output(place: &Path, input: &PackInput) -> Result<(), Failure> {
    let Ok(output) = FileStamp::of_path(place) else { return Ok(()) };
    let files = &input.selection.files;
    let own = files.iter().filter(|file| file.size == output.size_bytes).find(|file| {
        FileStamp::of_path(&file.source).is_ok_and(|stamp| stamp.is_same_file(&output))
    });
    let Some(own) = own else { return Ok(()) };
    let message =
        format!("the manifest selects `{}`, which is the archive to be written", own.path);
    Err(Failure::new(ErrorKind::InvalidInput, "outputSelected", message)
        .with_hint("write it outside of the source root, or leave it out with `fileExclusion`"))
}

/// The archive takes its place when it is whole and on disk; broken off, it leaves nothing.
fn build(
    context: &Context,
    place: &Path,
    input: &PackInput,
    level: Level,
) -> Result<BuildSummary, Failure> {
    let interrupted = context.interrupted()?;
    let progress = context.output.progress();
    let of_file = |error| failure::of_file(&error);
    let output = DurableFile::create(place, Mode::SHARED).map_err(of_file)?;
    let total = input.selection.total_bytes();
    tell(&progress, "scan", (0, total));
    let mut advance = |done| {
        // Nothing is done as long as files are scanned.
        if done > 0 {
            tell(&progress, "compress", (done, total));
        }
        if interrupted.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let manifest = input.manifest.to_json();
    let summary =
        build_archive(&manifest, &input.selection, level, &mut output.as_file(), &mut advance)
            .map_err(|error| failure::of_build(&error))?;
    if interrupted.is_cancelled() {
        return Err(failure::cancelled());
    }
    // Bytes that stand in several files were compressed once.
    tell(&progress, "compress", (total, total));
    output.commit().map_err(of_file)?;
    Ok(summary)
}

fn tell(progress: &Progress<'_>, phase: &str, (bytes_done, bytes_total): (u64, u64)) {
    let phase = phase.to_owned();
    progress.advance(&Advance { phase, bytes_done, bytes_total, ..Advance::default() });
}
