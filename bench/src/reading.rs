//! How fast an app reads what is installed: through the library, without a service.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use headstart::blocking::AssetPackManager;
use headstart::{AppId, Connector, PackId, PackVersion, Start};
use headstart_model::PackPath;
use headstart_model::namespace::{Builder, CURRENT_FILE, EntryKind, NewPack, file_name};
use headstart_sys::map::MappedFile;

use crate::error::BenchError;
use crate::run;

const APP: &str = "com.example.reading";
const PACKS: usize = 100;
const FILES_OF_A_PACK: usize = 1_000;
const LARGE: &str = "large/film.bin";
const LARGE_BYTES: usize = 100_000_000;
const PAGE_BYTES: usize = 4_096;
/// Times that the large file is read in each way.
const READS: usize = 41;
/// Single calls that are timed.
const CALLS: usize = 20_000;

/// What has to hold, of medians.
const RATIO_MAX: f64 = 1.1;
const LOOKUP_MAX: Duration = Duration::from_micros(20);
const AVAILABLE_MAX: Duration = Duration::from_micros(5);

/// The medians.
#[derive(Debug)]
pub(crate) struct Reading {
    contents: Duration,
    plain: Duration,
    lookup: Duration,
    held_lookup: Duration,
    missing: Duration,
    available: Duration,
    open_small: Duration,
}

/// Makes a home with packs and measures in it.
pub(crate) fn measure(scratch: &Path) -> Result<Reading, BenchError> {
    let home = scratch.join("reading");
    run::fresh_folder(&home)?;
    let large = install(&home)?;
    let app = AppId::new(APP).map_err(|_| not_met("the id of the app is wrong"))?;
    let connector = Connector::new().home(&home).start(Start::Never).app(app);
    let packs = connector.asset_packs_blocking().map_err(|error| not_met(&error.to_string()))?;
    let reading = Reading {
        contents: median(READS, |_| touch(&packs.contents(LARGE).ok()?))?,
        plain: median(READS, |_| touch(&MappedFile::open(&large).ok()?))?,
        lookup: median(CALLS, |n| packs.path(&some_path(n)).ok().map(drop))?,
        held_lookup: held(&packs)?,
        missing: median(CALLS, |n| packs.path(&format!("none/{n}")).err().map(drop))?,
        available: median(CALLS, |n| {
            packs.asset_pack_is_available_locally(&pack_name(n % PACKS)).then_some(())
        })?,
        open_small: median(CALLS, |_| packs.contents("large/small.bin").ok().map(drop))?,
    };
    drop(packs);
    run::remove(&home)?;
    Ok(reading)
}

/// Look-ups in one namespace that is held, without looking whether a newer one is there.
fn held(packs: &AssetPackManager) -> Result<Duration, BenchError> {
    let namespace = packs.namespace().map_err(|error| not_met(&error.to_string()))?;
    median(CALLS, |n| namespace.path(&some_path(n)).ok().map(drop))
}

/// Reads one byte of every page.
fn touch(bytes: &[u8]) -> Option<()> {
    let sum = bytes.iter().step_by(PAGE_BYTES).fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    black_box(sum);
    (bytes.len() == LARGE_BYTES).then_some(())
}

/// The median time of `work`, which is done once beforehand so that everything is warm.
fn median(times: usize, mut work: impl FnMut(usize) -> Option<()>) -> Result<Duration, BenchError> {
    let mut spans = Vec::with_capacity(times);
    for number in 0..=times {
        let begin = Instant::now();
        let done = work(number);
        spans.push(begin.elapsed());
        done.ok_or_else(|| not_met("what was installed was not found"))?;
    }
    spans.remove(0);
    spans.sort();
    spans.get(times / 2).copied().ok_or_else(|| not_met("nothing was measured"))
}

fn pack_name(pack: usize) -> String {
    format!("pack-{pack:02}")
}

/// One of the 100,000 paths, now here and now there.
fn some_path(number: usize) -> String {
    let number = number.wrapping_mul(7_919) % (PACKS * FILES_OF_A_PACK);
    path_of(number / FILES_OF_A_PACK, number % FILES_OF_A_PACK)
}

fn path_of(pack: usize, file: usize) -> String {
    format!("assets/area-{:02}/level-{pack:02}/texture-{file:04}.ktx2", file % 50)
}

/// Installs as the service does: index, `current`, and the two files that are read. The others are in the index alone: to
/// find a file nobody opens it.
fn install(home: &Path) -> Result<PathBuf, BenchError> {
    let mut builder = Builder::new(1);
    for pack in 0..PACKS {
        let files = (0..FILES_OF_A_PACK).map(|file| (path_of(pack, file), 1_000));
        add(&mut builder, &pack_name(pack), files)?;
    }
    let own = [(LARGE.to_owned(), LARGE_BYTES as u64), ("large/small.bin".to_owned(), 1_000)];
    add(&mut builder, "film", own.into_iter())?;
    let folder = home.join("packs/film/large");
    std::fs::create_dir_all(&folder).map_err(BenchError::file(&folder))?;
    let mut bytes: Vec<u8> = Vec::with_capacity(LARGE_BYTES);
    bytes.extend((0..LARGE_BYTES).map(|at| u8::try_from(at * 31 % 251).unwrap_or_default()));
    let large = folder.join("film.bin");
    run::write(&large, &bytes)?;
    run::write(&folder.join("small.bin"), bytes.get(..1_000).unwrap_or_default())?;
    let namespace = home.join("apps").join(APP).join("namespace");
    std::fs::create_dir_all(&namespace).map_err(BenchError::file(&namespace))?;
    let snapshot = builder.finish().map_err(|error| not_met(&error.to_string()))?;
    run::write(&namespace.join(file_name(1)), &snapshot)?;
    run::write(&namespace.join(CURRENT_FILE), b"1\n")?;
    Ok(large)
}

fn add(
    builder: &mut Builder,
    id: &str,
    files: impl Iterator<Item = (String, u64)>,
) -> Result<(), BenchError> {
    let wrong = |error: &dyn std::error::Error| not_met(&error.to_string());
    let root = format!("packs/{id}");
    let id = PackId::new(id).map_err(|error| wrong(&error))?;
    let entries = files.map(|(path, size_bytes)| {
        Ok((PackPath::new(path)?, EntryKind::File { size_bytes, executable: false }))
    });
    let entries: Result<Vec<_>, headstart_model::PathError> = entries.collect();
    let pack = NewPack { id, version: PackVersion(1), language: None, root };
    builder.add(pack, entries.map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))
}

fn not_met(what: &str) -> BenchError {
    BenchError::NotMet(what.to_owned())
}

impl Reading {
    fn ratio(&self) -> f64 {
        self.contents.as_secs_f64() / self.plain.as_secs_f64()
    }

    /// The figures as a table.
    pub(crate) fn table(&self) -> String {
        let mut text = String::from("| What | Median | Has to be |\n|---|--:|--:|\n");
        let rows = [
            ("`contents` of 100 MB, a byte of each page read", ms(self.contents), String::new()),
            ("the same through a plain memory map of the file", ms(self.plain), String::new()),
            ("ratio of the two", format!("{:.3}", self.ratio()), format!("≤ {RATIO_MAX}")),
            ("`path` among 100,000 files in 100 packs", us(self.lookup), below(LOOKUP_MAX)),
            ("the same in a `Namespace` that is held", us(self.held_lookup), String::new()),
            ("`path` of what is not there", us(self.missing), String::new()),
            ("`asset_pack_is_available_locally`", us(self.available), below(AVAILABLE_MAX)),
            ("`contents` of 1,000 bytes", us(self.open_small), String::new()),
        ];
        for (what, measured, limit) in rows {
            let _ = writeln!(text, "| {what} | {measured} | {limit} |");
        }
        text
    }

    /// The page of the documentation.
    pub(crate) fn page(&self, facts: &[(&str, String)]) -> String {
        let mut text = format!(
            "# Reading what is installed\n\nWritten by `bench/run.sh reading`. The run fails where a figure is not what it \
             has to be.\n\n{}\n- Everything is warm: each call was made before, and the file lies in the cache of the \
             system. {READS} readings of the large file in each way, {CALLS} calls of the rest, each timed by itself.\n- No \
             service runs: none is asked. Every call looks whether a newer generation is there, but those in a \
             `Namespace` that is held.\n- The 100,000 files are in the index as the service writes it, and only those that \
             are opened are on the disk.\n\n## Where\n| | |\n|---|---|\n",
            self.table()
        );
        for (name, value) in facts.iter().filter(|(name, _)| *name != "casync") {
            let _ = writeln!(text, "| {name} | {value} |");
        }
        text
    }

    /// Whether the figures are what they have to be.
    pub(crate) fn judge(&self) -> Result<(), BenchError> {
        if self.ratio() > RATIO_MAX {
            return Err(not_met(&format!("contents take {:.3} of a plain map", self.ratio())));
        }
        if self.lookup >= LOOKUP_MAX {
            return Err(not_met(&format!("a path is found in {}", us(self.lookup))));
        }
        if self.available >= AVAILABLE_MAX {
            return Err(not_met(&format!("availability is told in {}", us(self.available))));
        }
        Ok(())
    }
}

fn below(limit: Duration) -> String {
    format!("< {} µs", limit.as_micros())
}

fn us(span: Duration) -> String {
    format!("{:.2} µs", span.as_secs_f64() * 1e6)
}

fn ms(span: Duration) -> String {
    format!("{:.3} ms", span.as_secs_f64() * 1e3)
}
