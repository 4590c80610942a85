//! Running programs, and folders for them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::error::BenchError;

/// The programs that are measured, and a place for what they write.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) headstart: PathBuf,
    pub(crate) headstartd: PathBuf,
    pub(crate) scratch: PathBuf,
}

impl Tools {
    pub(crate) fn new(binaries: &Path, scratch: &Path) -> Result<Self, BenchError> {
        let whole = |path: &Path| path.canonicalize().map_err(BenchError::file(path));
        Ok(Self {
            headstart: whole(&binaries.join("headstart"))?,
            headstartd: whole(&binaries.join("headstartd"))?,
            scratch: whole(scratch)?,
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
        let last = said.lines().last().and_then(|line| serde_json::from_str(line).ok());
        let last = last.ok_or_else(|| silent(&command, "how it ended"))?;
        Ok((last, seconds))
    }

    /// A new repository in `folder`.
    pub(crate) fn repository(&self, folder: &Path) -> Result<PathBuf, BenchError> {
        let repository = folder.join("repository");
        self.json([&"repo", &"init", &repository, &"--keys", &folder.join("keys")])?;
        Ok(repository)
    }

    /// Packs `source` as it is and publishes it; gives the seconds of both.
    pub(crate) fn publish(&self, repository: &Path, source: &Path) -> Result<f64, BenchError> {
        let folder = repository.parent().unwrap_or(repository);
        let (manifest, archive) = (folder.join("pack.json"), folder.join("pack.assetpack"));
        let events = ["firstInstallation", "subsequentUpdate"];
        let text = json!({
            "assetPackID": PACK,
            "downloadPolicy": {"essential": {"installationEventTypes": events}},
            "fileSelectors": [{"directory": "."}],
            "platforms": [],
        });
        write(&manifest, text.to_string().as_bytes())?;
        let (_, packing) =
            self.json([&"pack", &manifest, &"-o", &archive, &"--source-root", &source])?;
        let keys = folder.join("keys");
        let (_, publishing) =
            self.json([&"repo", &"publish", &repository, &archive, &"--keys", &keys])?;
        remove(&archive)?;
        Ok(packing + publishing)
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

pub(crate) fn silent(command: &Command, what: &'static str) -> BenchError {
    BenchError::Silent { command: shown(command), what }
}

fn shown(command: &Command) -> String {
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
