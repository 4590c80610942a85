//! What is demanded, and what was reached.

use std::fmt::{self, Write as _};

use crate::pack::Measured;
use crate::pack::ours::Level;
use crate::pack::peer::{self, LONG_3, LONG_19, PATCH_3, PATCH_19, Seed, TWO_THREADS};
use crate::pack::record::{Kind, Record};
use crate::pack_memory::PackMemory;
use crate::report::{grouped, mebibytes};

/// Whether a figure is what is demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    Yes,
    No,
    /// A figure is missing.
    Unknown,
}

/// One demand on one input.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) target: &'static str,
    pub(crate) input: String,
    pub(crate) figure: String,
    pub(crate) reached: Reached,
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}: {}", self.target, self.input, self.figure)
    }
}

/// Bytes that a ratio of sizes is allowed on top.
const ALLOWANCE: f64 = 8192.0;
/// Where zstd 3 saves less than this share, the input counts as compressed already.
const COMPRESSED_SAVING: f64 = 0.03;
const MIB: f64 = 1_048_576.0;

const SMALL: &str =
    "update, small ≤ 1.00 × zstd -19 --patch-from + 8 KiB (1.02 × where zstd 3 saves < 3 %)";
const MEAN: &str = "update, small, geometric mean ≤ 0.90 × zstd -19 --patch-from";
const BALANCED: &str = "update, balanced ≤ 1.00 × zstd -3 --patch-from + 8 KiB";
const BELOW: &str = "update, each level, below every any-to-any peer";
const MIXTURE: &str = "device with two halves ≤ 0.6 × bita";
const OLDER: &str = "device older than the kept deltas ≤ 0.6 × bita";
const FRESH_SMALL: &str = "fresh, small ≤ 1.02 × tar+zstd -19 --long=27";
const FRESH_BALANCED: &str = "fresh, balanced ≤ 1.05 × tar+zstd -3 --long=27";
const PACK_CPU: &str = "packing, balanced ≤ 3 × CPU of casync make";
const FAST_WALL: &str = "packing, fast ≤ 1 × wall time of tar and zstd -T2 -3 in a pipe";
const APPLY_CPU: &str = "applying, small ≤ 1.0 × CPU of zstd patch and tar";
const APPLY_MEMORY: &str = "applying, each level, < 48 MiB resident";
const ONE_FILE: &str = "reading one file, balanced ≤ 4 MiB beyond the file";
const PACK_MEMORY: &str = "packing and publishing, small, 8 GiB < 300 MiB anonymous";

/// Every demand on everything that was measured.
pub(crate) fn judge(measured: &[Measured], memory: Option<&PackMemory>) -> Vec<Row> {
    let mut rows = Vec::new();
    for one in measured {
        updates(&mut rows, one);
    }
    rows.push(mean(measured));
    for one in measured {
        devices(&mut rows, one);
        packing(&mut rows, one);
    }
    rows.push(match memory {
        Some(memory) => {
            let figure = format!(
                "{} GiB: {:.0} MiB packing, {:.0} MiB publishing",
                memory.gib,
                mebibytes(memory.pack_bytes),
                mebibytes(memory.publish_bytes)
            );
            let peak = mebibytes(memory.pack_bytes.max(memory.publish_bytes));
            let reached = verdict(peak < 300.0 && memory.gib >= 8);
            Row { target: PACK_MEMORY, input: "bulk".to_owned(), figure, reached }
        }
        None => unknown(PACK_MEMORY, "bulk".to_owned()),
    });
    rows
}

fn verdict(reached: bool) -> Reached {
    if reached { Reached::Yes } else { Reached::No }
}

fn unknown(target: &'static str, input: String) -> Row {
    Row { target, input, figure: "not measured".to_owned(), reached: Reached::Unknown }
}

/// `ours` against `factor × theirs + allowance`.
fn compared(
    target: &'static str,
    input: String,
    (ours, theirs): (Option<f64>, Option<f64>),
    (factor, allowance): (f64, f64),
    show: fn(f64) -> String,
) -> Row {
    let (Some(ours), Some(theirs)) = (ours, theirs) else { return unknown(target, input) };
    let figure = format!("{} / {} = {:.3}", show(ours), show(theirs), ours / theirs);
    Row { target, input, figure, reached: verdict(ours <= factor * theirs + allowance) }
}

fn bytes_shown(bytes: f64) -> String {
    format!("{:.0} KiB", bytes / 1024.0)
}

fn seconds_shown(seconds: f64) -> String {
    format!("{seconds:.2} s")
}

fn updates(rows: &mut Vec<Row>, one: &Measured) {
    let size =
        |kind, tool: &str, from: &str| one.bytes(kind, tool, Some(from)).map(|bytes| bytes as f64);
    for from in &one.held {
        let input = format!("{} {from} → {}", one.input, one.to);
        let factor = if saving(one) < COMPRESSED_SAVING { 1.02 } else { 1.0 };
        let figures =
            (size(Kind::Update, Level::Small.tool(), from), size(Kind::Update, PATCH_19, from));
        rows.push(compared(SMALL, input.clone(), figures, (factor, ALLOWANCE), bytes_shown));
        let figures =
            (size(Kind::Update, Level::Balanced.tool(), from), size(Kind::Update, PATCH_3, from));
        rows.push(compared(BALANCED, input.clone(), figures, (1.0, ALLOWANCE), bytes_shown));
        let any = peer::SERVED.iter().filter(|tool| tool.seed == Seed::Any);
        let names = any.map(|tool| tool.name).chain([peer::RSYNC]);
        let best =
            names.filter_map(|tool| Some((one.bytes(Kind::Update, tool, Some(from))?, tool))).min();
        let worst = Level::ALL
            .iter()
            .filter_map(|level| one.bytes(Kind::Update, level.tool(), Some(from)))
            .max();
        rows.push(match (worst, best) {
            (Some(worst), Some((best, tool))) => {
                let ratio = worst as f64 / best as f64;
                let figure =
                    format!("{} / {} ({tool}) = {ratio:.3}", grouped(worst), grouped(best));
                Row { target: BELOW, input, figure, reached: verdict(worst < best) }
            }
            _ => unknown(BELOW, input),
        });
    }
}

/// The share that zstd 3 saves of the plain tar.
fn saving(one: &Measured) -> f64 {
    let packed = one.bytes(Kind::Make, "tar+zstd -3", None);
    packed.map_or(1.0, |packed| 1.0 - packed as f64 / one.bytes as f64)
}

fn mean(measured: &[Measured]) -> Row {
    let mut logarithms = Vec::new();
    for one in measured {
        for from in &one.held {
            let ours = one.bytes(Kind::Update, Level::Small.tool(), Some(from));
            let theirs = one.bytes(Kind::Update, PATCH_19, Some(from));
            logarithms
                .extend(ours.zip(theirs).map(|(ours, theirs)| (ours as f64 / theirs as f64).ln()));
        }
    }
    let input = format!("all {} updates", logarithms.len());
    if logarithms.is_empty() {
        return unknown(MEAN, input);
    }
    let mean = (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp();
    Row { target: MEAN, input, figure: format!("{mean:.3}"), reached: verdict(mean <= 0.90) }
}

/// The best of bita's settings.
fn bita(one: &Measured, kind: Kind, from: &str) -> Option<f64> {
    let mine = |record: &&Record| record.kind == kind && record.tool.starts_with(peer::BITA);
    let holder = |record: &&Record| record.from.iter().any(|label| label == from);
    let bytes = one.records.iter().filter(mine).filter(holder).filter_map(|record| record.bytes);
    bytes.min().map(|bytes| bytes as f64)
}

fn devices(rows: &mut Vec<Row>, one: &Measured) {
    for (kind, theirs, target) in
        [(Kind::Mixture, Kind::Mixture, MIXTURE), (Kind::Older, Kind::Update, OLDER)]
    {
        for level in [Level::Balanced, Level::Small] {
            let record = one.find(kind, level.tool(), None);
            let from = record.and_then(|record| record.from.first()).map_or("?", String::as_str);
            let input = format!("{} {from} → {}, {}", one.input, one.to, level.word());
            let ours = record.and_then(|record| record.bytes).map(|bytes| bytes as f64);
            let figures = (ours, bita(one, theirs, from));
            rows.push(compared(target, input, figures, (0.6, 0.0), bytes_shown));
        }
    }
    for from in &one.held {
        let input = format!("{} {from} → {}", one.input, one.to);
        let work =
            |tool: &str| one.find(Kind::Update, tool, Some(from)).and_then(|record| record.work);
        let figures = (work(Level::Small.tool()), work(PATCH_19));
        let figures =
            (figures.0.map(|work| work.cpu_seconds), figures.1.map(|work| work.cpu_seconds));
        rows.push(compared(APPLY_CPU, input.clone(), figures, (1.0, 0.0), seconds_shown));
        let peaks = Level::ALL
            .iter()
            .filter_map(|level| work(level.tool()))
            .map(|work| work.resident_bytes);
        rows.push(match peaks.max() {
            Some(peak) => {
                let figure = format!("{:.1} MiB", mebibytes(peak));
                Row {
                    target: APPLY_MEMORY,
                    input,
                    figure,
                    reached: verdict(mebibytes(peak) < 48.0),
                }
            }
            None => unknown(APPLY_MEMORY, input),
        });
    }
}

fn packing(rows: &mut Vec<Row>, one: &Measured) {
    let input = format!("{} {}", one.input, one.to);
    let size = |kind, tool: &str| one.bytes(kind, tool, None).map(|bytes| bytes as f64);
    let figures = (size(Kind::Fresh, Level::Small.tool()), size(Kind::Make, LONG_19));
    rows.push(compared(FRESH_SMALL, input.clone(), figures, (1.02, 0.0), bytes_shown));
    let figures = (size(Kind::Fresh, Level::Balanced.tool()), size(Kind::Make, LONG_3));
    rows.push(compared(FRESH_BALANCED, input.clone(), figures, (1.05, 0.0), bytes_shown));
    let work = |tool: &str| one.find(Kind::Make, tool, None).and_then(|record| record.work);
    let figures = (work(Level::Balanced.tool()), work(peer::CASYNC));
    let figures = (figures.0.map(|work| work.cpu_seconds), figures.1.map(|work| work.cpu_seconds));
    rows.push(compared(PACK_CPU, input.clone(), figures, (3.0, 0.0), seconds_shown));
    let figures = (work(Level::Fast.tool()), work(TWO_THREADS));
    let figures =
        (figures.0.map(|work| work.wall_seconds), figures.1.map(|work| work.wall_seconds));
    rows.push(compared(FAST_WALL, input.clone(), figures, (1.0, 0.0), seconds_shown));
    rows.push(match one.bytes(Kind::OneFile, Level::Balanced.tool(), None) {
        Some(bytes) => {
            let beyond = bytes as f64 / MIB;
            Row {
                target: ONE_FILE,
                input,
                figure: format!("{beyond:.2} MiB"),
                reached: verdict(beyond <= 4.0),
            }
        }
        None => unknown(ONE_FILE, input),
    });
}

/// As a table for the page.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = String::from("| Target | Input | Figure | Reached |\n|---|---|---|---|\n");
    let mut targets = Vec::new();
    for row in rows {
        if !targets.contains(&row.target) {
            targets.push(row.target);
        }
    }
    for target in targets {
        for row in rows.iter().filter(|row| row.target == target) {
            let reached = match row.reached {
                Reached::Yes => "yes",
                Reached::No => "**no**",
                Reached::Unknown => "–",
            };
            let _ =
                writeln!(text, "| {} | {} | {} | {reached} |", row.target, row.input, row.figure);
        }
    }
    text
}
