//! Programs with the time that they take.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::link::Side;
use crate::error::BenchError;
use crate::run;

/// What a command cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    pub(super) seconds: f64,
    /// User and system time of it and everything it started.
    pub(super) processor_seconds: f64,
}

/// Runs a line of bash in `folder` from one side; none when it fails or a program is missing.
pub(super) fn cost(side: Side, folder: &Path, line: &str) -> Option<Cost> {
    let timed = format!(
        "TIMEFORMAT='%R %U %S'; set -o pipefail; time {{ {line} ; }} >/dev/null 2>>noise.log"
    );
    let mut command = side.command("bash");
    command.args(["-c", &timed]).current_dir(folder).stdin(Stdio::null());
    let output = command.output().ok()?;
    if !output.status.success() {
        crate::say(&format!("failed: {line}"));
        return None;
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let numbers: Vec<f64> =
        said.lines().last()?.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers[..] {
        [seconds, user, system] => Some(Cost { seconds, processor_seconds: user + system }),
        _ => None,
    }
}

/// The quickest of `times` runs, each in a folder of its own made fresh: what else runs on the machine only ever slows down.
pub(super) fn best(times: u32, folder: &Path, line: &str) -> Result<Option<Cost>, BenchError> {
    let mut best: Option<Cost> = None;
    for _ in 0..times {
        run::fresh_folder(folder)?;
        let Some(cost) = cost(Side::Here, folder, line) else { return Ok(None) };
        if best.is_none_or(|best| cost.seconds < best.seconds) {
            best = Some(cost);
        }
    }
    Ok(best)
}

/// Runs a line of bash until it has ended or `after` has passed, when it is killed with all that it started. Whether it ended by
/// itself.
pub(super) fn killed_after(folder: &Path, line: &str, after: Duration) -> Result<bool, BenchError> {
    let mut command = Command::new("setsid");
    command.args(["bash", "-c", &format!("exec {line} >>noise.log 2>&1")]);
    command.current_dir(folder).stdin(Stdio::null());
    let mut child =
        command.spawn().map_err(|source| BenchError::Start { program: line.to_owned(), source })?;
    let started = Instant::now();
    while started.elapsed() < after {
        if child.try_wait().map_err(BenchError::file(folder))?.is_some() {
            return Ok(true);
        }
        pause(Duration::from_millis(2));
    }
    child.kill().map_err(BenchError::file(folder))?;
    child.wait().map_err(BenchError::file(folder))?;
    Ok(false)
}

/// Waits: for what other programs do, there is no event.
#[expect(clippy::disallowed_methods, reason = "what is measured is outside of this process")]
pub(super) fn pause(time: Duration) {
    std::thread::sleep(time);
}
