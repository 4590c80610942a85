//! The anonymous memory of packing and publishing a large folder and its next version.

use std::fmt::Write as _;
use std::path::Path;

use crate::error::BenchError;
use crate::pack::{Book, Kind, Level, Record, Reuse, book_path};
use crate::process::Work;
use crate::report::mebibytes;
use crate::run::{self, PACK, Tools};
use crate::{bulk, say, show};

const SECTION: &str = "pack-memory";

/// What packing and publishing took.
#[derive(Debug)]
pub(crate) struct PackMemory {
    pub(crate) gib: u64,
    /// Peaks of `RssAnon`, of both versions.
    pub(crate) pack_bytes: u64,
    pub(crate) publish_bytes: u64,
    /// Which build, and when.
    measured: String,
    /// What the steps took: old version packed, published, new version packed, published.
    steps: Vec<(String, Work)>,
}

/// Packs and publishes both versions at `small`, installs the new one over the old one, and keeps the figures for the page.
pub(crate) fn measure(tools: &Tools, gib: u64, today: &str) -> Result<(), BenchError> {
    let mut book = Book::open(&book_path(tools), today.to_owned());
    book.section(SECTION, Reuse::No, || steps(tools, gib))?;
    if let Some(memory) = earlier(&book) {
        show(&table(Some(&memory)));
    }
    Ok(())
}

fn steps(tools: &Tools, gib: u64) -> Result<Vec<Record>, BenchError> {
    let folder = tools.folder("bulk")?;
    let repository = tools.repository(&folder)?;
    let (source, archive) = (folder.join("source"), folder.join("pack.assetpack"));
    let device = folder.join("device");
    let label = format!("{gib} GiB, build {}", tools.digest);
    let mut records = Vec::new();
    for (version, name) in [(0, "old"), (1, "new")] {
        say(&format!("  {gib} GiB are generated ({name})"));
        bulk::generate(&source, gib, version)?;
        say("  packed");
        let packed = tools.pack(&source, &archive, Level::Small)?;
        records.push(record(Kind::Make, name, &label, packed).bytes(run::bytes_of(&archive)?));
        say(&format!("  {:.0} MiB; published", mebibytes(packed.anonymous_bytes)));
        let published = tools.publish(&repository, &archive, (Level::Small, 3))?;
        say(&format!("  {:.0} MiB", mebibytes(published.anonymous_bytes)));
        records.push(record(Kind::MakeUpdate, name, &label, published));
        run::remove(&archive)?;
        check(tools, (&repository, &source, &device), gib)?;
    }
    run::remove(&folder)?;
    Ok(records)
}

/// That what was published is what was packed. Above 2 GiB there is no room for a device as well.
fn check(
    tools: &Tools,
    (repository, source, device): (&Path, &Path, &Path),
    gib: u64,
) -> Result<(), BenchError> {
    if gib > 2 {
        return tools.json([&"repo", &"verify", &repository]).map(drop);
    }
    tools.json([&"clone", &repository, &PACK, &device])?;
    run::same(source, device).map_err(|error| BenchError::Wrong {
        tool: "headstart".to_owned(),
        input: "bulk".to_owned(),
        said: error.to_string(),
    })
}

fn record(kind: Kind, name: &str, label: &str, work: Work) -> Record {
    Record::new(kind, Level::Small.tool(), name, &[]).work(work).note(label)
}

/// What was measured last.
pub(crate) fn earlier(book: &Book) -> Option<PackMemory> {
    let (on, records) = book.earlier(SECTION)?;
    let note = records.first()?.note.clone()?;
    let peak = |kind| {
        let works = records.iter().filter(|record| record.kind == kind);
        works.filter_map(|record| record.work).map(|work| work.anonymous_bytes).max()
    };
    let steps = records.iter().filter_map(|record| {
        let step = if record.kind == Kind::Make { "packed" } else { "published" };
        Some((format!("{} version {step}", record.to), record.work?))
    });
    Some(PackMemory {
        gib: note.split(' ').next()?.parse().ok()?,
        pack_bytes: peak(Kind::Make)?,
        publish_bytes: peak(Kind::MakeUpdate)?,
        measured: format!("{note}, {on}"),
        steps: steps.collect(),
    })
}

/// The section of the page.
pub(crate) fn table(memory: Option<&PackMemory>) -> String {
    let mut text = String::from("## Memory of packing and publishing\n");
    let Some(memory) = memory else {
        return text + "Not measured: `bench/run.sh pack-memory --gib 8`.\n";
    };
    let _ = writeln!(
        text,
        "`bench/run.sh pack-memory --gib {}` ({}): a third of the content is noise, most of the rest the same again with an edit in each MiB, the rest text; \
         2 % of the pieces differ between the versions. Both at `small`.\n\n\
         | Step | peak RssAnon, MiB | peak resident, MiB | CPU s | wall s |\n|---|--:|--:|--:|--:|",
        memory.gib, memory.measured
    );
    for (step, work) in &memory.steps {
        let _ = writeln!(
            text,
            "| {step} | {:.0} | {:.0} | {:.0} | {:.0} |",
            mebibytes(work.anonymous_bytes),
            mebibytes(work.resident_bytes),
            work.cpu_seconds,
            work.wall_seconds
        );
    }
    text
}
