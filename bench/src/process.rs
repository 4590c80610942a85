//! Running a program to its end, and what it took.

use std::ffi::OsStr;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use wait4::Wait4 as _;

use crate::error::BenchError;
use crate::run;

/// How often the memory of a process is read.
pub(crate) const SAMPLE_EVERY: Duration = Duration::from_millis(5);

/// What a program took, with every program that it started and waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Work {
    pub(crate) wall_seconds: f64,
    /// User and system time.
    pub(crate) cpu_seconds: f64,
    /// The most that one of the processes had resident, file pages included (`ru_maxrss`).
    pub(crate) resident_bytes: u64,
    /// The most `RssAnon` that was read while the first process ran; 0 where the system does not tell.
    pub(crate) anonymous_bytes: u64,
}

/// Runs a program to its end; gives what it said on stdout, and what it took.
pub(crate) fn measure(command: &mut Command) -> Result<(String, Work), BenchError> {
    let started = Instant::now();
    let mut child = spawn(command)?;
    let failed = |said: String| BenchError::Failed { command: run::shown(command), said };
    let sampler = Sampler::start(child.id());
    let stdout = child.stdout.take().map(read);
    let stderr = child.stderr.take().map(read);
    let text = |reader: Option<JoinHandle<Vec<u8>>>| {
        let bytes = reader.and_then(|reader| reader.join().ok()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    // The process is reaped only after this, so the sampler never reads another one's memory.
    let (said, complaints) = (text(stdout), text(stderr));
    let samples = sampler.stop();
    let used = child.wait4().map_err(|error| failed(error.to_string()))?;
    if !used.status.success() {
        return Err(failed(format!("{said}{complaints}")));
    }
    let work = Work {
        wall_seconds: started.elapsed().as_secs_f64(),
        cpu_seconds: (used.rusage.utime + used.rusage.stime).as_secs_f64(),
        resident_bytes: used.rusage.maxrss,
        anonymous_bytes: samples.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0),
    };
    Ok((said, work))
}

fn spawn(command: &mut Command) -> Result<std::process::Child, BenchError> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().map_err(|source| BenchError::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })
}

fn read(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What a program says is for people; half of it is better than none.
        let _ = stream.read_to_end(&mut bytes);
        bytes
    })
}

/// A line of shell, as the page shows it, in `folder`, with its variables.
pub(crate) fn shell<V: AsRef<OsStr>>(
    script: &str,
    folder: &std::path::Path,
    variables: &[(&str, V)],
) -> Command {
    let mut command = Command::new("bash");
    command.args(["-e", "-o", "pipefail", "-c", script]).current_dir(folder);
    // Clients that obey a proxy of the environment would ask it for the loopback address.
    command.env_remove("http_proxy").env_remove("HTTP_PROXY").env_remove("ALL_PROXY");
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    command
}

/// Reads the anonymous memory of a process again and again.
pub(crate) struct Sampler {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<(Duration, u64)>>,
}

impl Sampler {
    pub(crate) fn start(pid: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (started, mut samples) = (Instant::now(), Samples::default());
            while !stopped.load(Ordering::Relaxed) {
                if let Some(bytes) = anonymous_bytes(pid) {
                    samples.push(started.elapsed(), bytes);
                }
                pause(SAMPLE_EVERY);
            }
            samples.kept
        });
        Self { stop, thread }
    }

    /// When, since the start, and how much.
    pub(crate) fn stop(self) -> Vec<(Duration, u64)> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

/// At most so many samples are kept: of neighbours the larger, so no peak is lost and an hour takes no more than a second.
const SAMPLES_MAX: usize = 4096;

struct Samples {
    kept: Vec<(Duration, u64)>,
    /// So many readings become one sample.
    share: usize,
    pending: usize,
}

impl Default for Samples {
    fn default() -> Self {
        Self { kept: Vec::new(), share: 1, pending: 0 }
    }
}

impl Samples {
    fn push(&mut self, at: Duration, bytes: u64) {
        match self.kept.last_mut() {
            Some(last) if self.pending > 0 => {
                if bytes > last.1 {
                    *last = (at, bytes);
                }
            }
            _ => self.kept.push((at, bytes)),
        }
        self.pending = (self.pending + 1) % self.share;
        if self.kept.len() == SAMPLES_MAX && self.pending == 0 {
            let pairs = self.kept.chunks(2);
            self.kept = pairs
                .filter_map(|pair| pair.iter().max_by_key(|sample| sample.1).copied())
                .collect();
            self.share *= 2;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "what is measured is a course over time")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// `RssAnon` of a process, where the system tells it.
pub(crate) fn anonymous_bytes(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    value.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinned_samples_keep_the_peak() {
        let mut samples = Samples::default();
        for at in 0..100_000_u64 {
            samples.push(Duration::from_millis(at), if at == 54_321 { 999 } else { at % 7 });
        }
        assert!(samples.kept.len() <= SAMPLES_MAX);
        assert_eq!(samples.kept.iter().map(|sample| sample.1).max(), Some(999));
        assert!(samples.kept.is_sorted_by_key(|sample| sample.0));
    }

    #[test]
    fn a_pipeline_counts_with_all_its_parts() {
        let folder = std::env::temp_dir();
        let script = "head -c $BYTES /dev/zero | cat | wc -c";
        let (said, work) =
            measure(&mut shell(script, &folder, &[("BYTES", "1000")])).expect("runs");
        assert_eq!(said.trim(), "1000");
        assert!(work.wall_seconds > 0.0);
    }

    #[test]
    fn a_failing_part_fails_the_pipeline() {
        let none: [(&str, &str); 0] = [];
        let failed = measure(&mut shell("false | cat", &std::env::temp_dir(), &none));
        assert!(matches!(failed, Err(BenchError::Failed { .. })), "{failed:?}");
    }
}
