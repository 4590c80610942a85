//! What was measured, and the book that keeps it between runs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::BenchError;
use crate::process::Work;
use crate::report::{grouped, mebibytes};
use crate::{run, say};

/// What a device held, or what was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// What a device with nothing fetches, as it is made: an archive, a store of chunks.
    Make,
    /// What a device with an earlier version fetches, as it is made: a patch, a delta bundle.
    MakeUpdate,
    /// A device with nothing.
    Fresh,
    /// A device with an earlier version.
    Update,
    /// A device with half of the files of one version and half of those of another.
    Mixture,
    /// A device with a version that no delta is kept for.
    Older,
    /// Reading one file of a pack that is not installed; `bytes` is what is fetched beyond the file's own, on average.
    OneFile,
}

/// One measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    pub(crate) tool: String,
    /// The version that is wanted.
    pub(crate) to: String,
    /// The versions that are held; none for a fresh installation.
    pub(crate) from: Vec<String>,
    /// Bytes that travel, or that the made file has.
    pub(crate) bytes: Option<u64>,
    pub(crate) requests: Option<u64>,
    pub(crate) work: Option<Work>,
    /// Why there is no figure, or what has to be known about it.
    pub(crate) note: Option<String>,
}

impl Record {
    pub(crate) fn new(kind: Kind, tool: &str, to: &str, from: &[&str]) -> Self {
        Self {
            kind,
            tool: tool.to_owned(),
            to: to.to_owned(),
            from: from.iter().map(|&label| label.to_owned()).collect(),
            bytes: None,
            requests: None,
            work: None,
            note: None,
        }
    }

    pub(crate) fn bytes(self, bytes: u64) -> Self {
        Self { bytes: Some(bytes), ..self }
    }

    pub(crate) fn requests(self, requests: u64) -> Self {
        Self { requests: Some(requests), ..self }
    }

    pub(crate) fn work(self, work: Work) -> Self {
        Self { work: Some(work), ..self }
    }

    pub(crate) fn note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }
}

/// Whether what an earlier run wrote into the book is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reuse {
    Yes,
    No,
    /// And nothing is measured: what is not there is missing.
    Only,
}

#[derive(Debug, Serialize, Deserialize)]
struct Section {
    /// The day of the measurement.
    on: String,
    records: Vec<Record>,
}

/// Every section that was measured, by its key: input, version, tool and the tool's version. Written after each section, so
/// that a run that was ended can go on.
#[derive(Debug)]
pub(crate) struct Book {
    path: PathBuf,
    sections: BTreeMap<String, Section>,
    today: String,
    /// Days of the sections that were taken from earlier runs.
    pub(crate) reused: Vec<String>,
    /// Sections that are asked for and were never measured.
    pub(crate) missing: Vec<String>,
}

impl Book {
    pub(crate) fn open(path: &Path, today: String) -> Self {
        // A book that cannot be read is measured anew.
        let text = std::fs::read(path).unwrap_or_default();
        let sections = serde_json::from_slice(&text).unwrap_or_default();
        Self { path: path.to_owned(), sections, today, reused: Vec::new(), missing: Vec::new() }
    }

    /// The records of a section: from the book where it is there and `reuse` allows it, else measured now.
    pub(crate) fn section(
        &mut self,
        key: &str,
        reuse: Reuse,
        measure: impl FnOnce() -> Result<Vec<Record>, BenchError>,
    ) -> Result<Vec<Record>, BenchError> {
        match (reuse, self.sections.get(key)) {
            (Reuse::Yes | Reuse::Only, Some(section)) => {
                say(&format!("  {key}: of {}", section.on));
                self.reused.push(section.on.clone());
                return Ok(section.records.clone());
            }
            (Reuse::Only, None) => {
                say(&format!("  {key}: not measured"));
                self.missing.push(key.to_owned());
                return Ok(Vec::new());
            }
            (Reuse::No, _) | (Reuse::Yes, None) => {}
        }
        say(&format!("  {key}"));
        let records = measure()?;
        for record in &records {
            say(&format!("    {}", told(record)));
        }
        let section = Section { on: self.today.clone(), records: records.clone() };
        self.sections.insert(key.to_owned(), section);
        self.write()?;
        Ok(records)
    }

    /// What an earlier run wrote, whatever ran since.
    pub(crate) fn earlier(&self, key: &str) -> Option<(&str, &[Record])> {
        self.sections.get(key).map(|section| (section.on.as_str(), section.records.as_slice()))
    }

    fn write(&self) -> Result<(), BenchError> {
        let text = serde_json::to_vec_pretty(&self.sections);
        let text = text.map_err(|error| BenchError::file(&self.path)(error.into()))?;
        let scratch = self.path.with_extension("new");
        run::write(&scratch, &text)?;
        std::fs::rename(&scratch, &self.path).map_err(BenchError::file(&self.path))
    }
}

/// One line for the terminal.
fn told(record: &Record) -> String {
    let mut line = format!("{:?} {}", record.kind, record.tool);
    if !record.from.is_empty() {
        let _ = write!(line, " from {}", record.from.join(" + "));
    }
    let _ = write!(line, " to {}", record.to);
    if let Some(bytes) = record.bytes {
        let _ = write!(line, ": {} bytes", grouped(bytes));
    }
    if let Some(work) = record.work {
        let _ = write!(
            line,
            ", {:.2} s wall, {:.2} s CPU, {:.1} MiB resident, {:.1} MiB anonymous",
            work.wall_seconds,
            work.cpu_seconds,
            mebibytes(work.resident_bytes),
            mebibytes(work.anonymous_bytes),
        );
    }
    if let Some(note) = &record.note {
        let _ = write!(line, " ({note})");
    }
    line
}
