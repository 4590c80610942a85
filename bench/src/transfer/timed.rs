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

/// What several runs of one tool took, in seconds: nothing counts once a run has failed.
#[derive(Debug, Clone, Default)]
pub(super) struct Series {
    /// In order.
    taken: Vec<f64>,
    has_failed: bool,
}

impl Series {
    /// Takes down what one more run took, or that it failed. A tool that has failed is not run again.
    pub(super) fn run(&mut self, work: impl FnOnce() -> Option<f64>) {
        if self.has_failed {
            return;
        }
        match work() {
            Some(seconds) => {
                let at = self.taken.partition_point(|taken| *taken <= seconds);
                self.taken.insert(at, seconds);
            }
            None => *self = Self { taken: Vec::new(), has_failed: true },
        }
    }

    /// The one in the middle; of an even number the mean of the two in the middle.
    pub(super) fn median(&self) -> Option<f64> {
        let (upper, lower) = (self.taken.len() / 2, self.taken.len().checked_sub(1)? / 2);
        Some(f64::midpoint(*self.taken.get(lower)?, *self.taken.get(upper)?))
    }

    pub(super) fn least(&self) -> Option<f64> {
        self.taken.first().copied()
    }

    pub(super) fn most(&self) -> Option<f64> {
        self.taken.last().copied()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn series(all: &[f64]) -> Series {
        let mut series = Series::default();
        for seconds in all {
            series.run(|| Some(*seconds));
        }
        series
    }

    #[test]
    fn the_median_is_the_middle_in_whatever_order_runs_came() {
        for (all, median) in [
            (&[3.0, 1.0, 2.0][..], 2.0),
            (&[9.0, 9.0, 1.0, 1.0, 9.0], 9.0),
            (&[4.0, 1.0, 3.0, 2.0], 2.5),
            (&[5.0], 5.0),
        ] {
            assert_eq!(series(all).median(), Some(median), "{all:?}");
        }
        let three = series(&[3.0, 1.0, 2.0]);
        assert_eq!((three.least(), three.most()), (Some(1.0), Some(3.0)));
        assert_eq!(series(&[]).median(), None);
    }

    #[test]
    fn a_tool_that_has_failed_has_no_median_and_is_not_run_again() {
        let mut all = series(&[1.0, 2.0]);
        all.run(|| None);
        all.run(|| unreachable!("it is run again"));
        assert_eq!((all.median(), all.least(), all.most()), (None, None, None));
    }
}
