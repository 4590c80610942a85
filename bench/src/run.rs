//! Running programs, and folders for them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::error::BenchError;
use crate::pack::Level;
use crate::process::{self, Work};

/// The programs that are measured, and a place for what they write.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) headstart: PathBuf,
    pub(crate) headstartd: PathBuf,
    pub(crate) scratch: PathBuf,
    /// Of the program `headstart`, hexadecimal: figures of another build are other figures.
    pub(crate) digest: String,
}

impl Tools {
    pub(crate) fn new(binaries: &Path, scratch: &Path) -> Result<Self, BenchError> {
        let whole = |path: &Path| path.canonicalize().map_err(BenchError::file(path));
        let headstart = whole(&binaries.join("headstart"))?;
        let (said, _) = run(Command::new("sha256sum").arg(&headstart))?;
        Ok(Self {
            headstartd: whole(&binaries.join("headstartd"))?,
            scratch: whole(scratch)?,
            digest: said.get(..12).unwrap_or_default().to_owned(),
            headstart,
        })
    }

    /// A folder of its own for one measurement.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, BenchError> {
        let folder = self.scratch.join(name);
        fresh_folder(&folder)?;
        Ok(folder)
    }

    /// `headstart` with a home of the benchmark's.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.headstart);
        command.env("HEADSTART_HOME", self.home());
        command
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.scratch.join("home")
    }

    /// Runs `headstart` and gives its last line of JSON, and the seconds.
    pub(crate) fn json<const N: usize>(
        &self,
        arguments: [&dyn AsRef<OsStr>; N],
    ) -> Result<(Value, f64), BenchError> {
        let mut command = self.command();
        let (said, seconds) = run(command.args(arguments.map(AsRef::as_ref)).arg("--json"))?;
        Ok((last_json(&command, &said)?, seconds))
    }

    /// A new repository in `folder`.
    pub(crate) fn repository(&self, folder: &Path) -> Result<PathBuf, BenchError> {
        let repository = folder.join("repository");
        self.json([&"repo", &"init", &repository, &"--keys", &folder.join("keys")])?;
        Ok(repository)
    }

    /// Packs `source` as it is.
    pub(crate) fn pack(
        &self,
        source: &Path,
        archive: &Path,
        level: Level,
    ) -> Result<Work, BenchError> {
        let manifest = archive.with_extension("json");
        let events = ["firstInstallation", "subsequentUpdate"];
        let text = json!({
            "assetPackID": PACK,
            "downloadPolicy": {"essential": {"installationEventTypes": events}},
            "fileSelectors": [{"directory": "."}],
            "platforms": [],
        });
        write(&manifest, text.to_string().as_bytes())?;
        let mut command = self.command();
        command.arg("pack").arg(&manifest).arg("-o").arg(archive);
        command.arg("--source-root").arg(source).args(["--level", level.word(), "--json"]);
        process::measure(&mut command).map(|(_, work)| work)
    }

    /// Publishes an archive into a repository of [`Self::repository`].
    pub(crate) fn publish(
        &self,
        repository: &Path,
        archive: &Path,
        (level, deltas): (Level, usize),
    ) -> Result<Work, BenchError> {
        let keys = repository.with_file_name("keys");
        let mut command = self.command();
        command.args(["repo", "publish"]).arg(repository).arg(archive).arg("--keys").arg(keys);
        command.args(["--level", level.word(), "--deltas", &deltas.to_string(), "--json"]);
        process::measure(&mut command).map(|(_, work)| work)
    }

    /// A repository in `folder` that offers `source` as its only version.
    pub(crate) fn release(&self, folder: &Path, source: &Path) -> Result<PathBuf, BenchError> {
        let (repository, archive) = (self.repository(folder)?, folder.join("pack.assetpack"));
        self.pack(source, &archive, Level::Balanced)?;
        self.publish(&repository, &archive, (Level::Balanced, 0))?;
        remove(&archive)?;
        Ok(repository)
    }
}

/// The id of the pack that is measured.
pub(crate) const PACK: &str = "assets";

/// Runs a program to its end; gives what it said on stdout, and the seconds.
pub(crate) fn run(command: &mut Command) -> Result<(String, f64), BenchError> {
    let started = Instant::now();
    let output = command.stdin(Stdio::null()).output().map_err(|source| BenchError::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })?;
    let seconds = started.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok((said, seconds));
    }
    let complaints = String::from_utf8_lossy(&output.stderr);
    Err(BenchError::Failed { command: shown(command), said: format!("{said}{complaints}") })
}

/// The last line of what a command said.
pub(crate) fn last_json(command: &Command, said: &str) -> Result<Value, BenchError> {
    let last = said.lines().last().and_then(|line| serde_json::from_str(line).ok());
    last.ok_or_else(|| silent(command, "how it ended"))
}

pub(crate) fn silent(command: &Command, what: &'static str) -> BenchError {
    BenchError::Silent { command: shown(command), what }
}

pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Fails unless both folders hold the same files with the same bytes.
pub(crate) fn same(one: &Path, other: &Path) -> Result<(), BenchError> {
    run(Command::new("diff").arg("-r").args([one, other])).map(drop)
}

/// An empty folder at `path`.
pub(crate) fn fresh_folder(path: &Path) -> Result<(), BenchError> {
    remove(path)?;
    fs::create_dir_all(path).map_err(BenchError::file(path))
}

/// Removes a file or a folder, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), BenchError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(BenchError::file(path)(error))
        }
        _ => Ok(()),
    }
}

/// Writes a file, and the folders above it.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), BenchError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(BenchError::file(folder))?;
    }
    fs::write(path, bytes).map_err(BenchError::file(path))
}

/// Bytes of a file.
pub(crate) fn bytes_of(path: &Path) -> Result<u64, BenchError> {
    fs::metadata(path).map(|facts| facts.len()).map_err(BenchError::file(path))
}

/// Bytes of all files below a folder.
pub(crate) fn bytes_below(folder: &Path) -> Result<u64, BenchError> {
    let mut total = 0;
    for entry in fs::read_dir(folder).map_err(BenchError::file(folder))? {
        let path = entry.map_err(BenchError::file(folder))?.path();
        total += if path.is_dir() { bytes_below(&path)? } else { bytes_of(&path)? };
    }
    Ok(total)
}
