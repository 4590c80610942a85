//! The command line of `headstartd`.

use std::ffi::OsString;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::extension::Limits;

/// The background service of Headstart. It is normally started by the first program that needs it, or by
/// `headstart service run`.
#[derive(Debug, Clone, Parser)]
#[command(name = "headstartd", version, about)]
pub struct Options {
    /// Write log lines as JSON.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// What is logged, as for the environment variable `HEADSTART_LOG` (`info`, `headstart_daemon=debug` …).
    #[arg(long, value_name = "FILTER", default_value = "info", env = "HEADSTART_LOG")]
    pub log: String,

    /// Socket that is told when connections are accepted (`sd_notify`).
    #[arg(long, value_name = "SOCKET", env = "NOTIFY_SOCKET", hide_env_values = true)]
    pub notify_socket: Option<OsString>,

    /// A file with additional certificate authorities (PEM); may be given more than once.
    #[arg(long, value_name = "FILE")]
    pub ca: Vec<PathBuf>,

    /// How long a server may send nothing before the attempt counts as failed (`30s`, `1m 30s` …).
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = stall_timeout)]
    pub stall_timeout: Duration,

    /// How long an archive that a plain download manifest lists may take to say what is in it; all of them, ten times that; the manifest itself, five times.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = stall_timeout)]
    pub look_timeout: Duration,

    /// How long a downloader extension may take for one answer.
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = stall_timeout)]
    pub extension_patience: Duration,

    /// How long a downloader extension may have exclusive control, or wait for it, for one answer.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = stall_timeout)]
    pub extension_exclusive: Duration,

    /// How long a downloader extension that has nothing to do is kept.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = stall_timeout)]
    pub extension_idle: Duration,

    /// Anonymous memory that a downloader extension may use, in MiB.
    #[arg(long, value_name = "MIB", default_value = "16")]
    pub extension_memory: NonZeroU64,

    /// For tests: the longest wait before a server that has failed is asked again within one attempt.
    #[arg(long, value_name = "TIME", value_parser = stall_timeout, hide = true)]
    pub retry_delay: Option<Duration>,

    /// For tests: end with SIGKILL at this crash point, counted from 1.
    #[arg(long, value_name = "N", hide = true)]
    pub crash_at: Option<NonZeroU64>,
}

impl Options {
    /// What holds for every downloader extension.
    ///
    /// # Errors
    /// When the system does not tell where this program lies.
    pub(crate) fn extension_limits(&self) -> std::io::Result<Limits> {
        Ok(Limits {
            // This program confines them itself.
            launcher: std::env::current_exe()?,
            patience: self.extension_patience,
            exclusive: self.extension_exclusive,
            idle: self.extension_idle,
            memory_bytes: self.extension_memory.get().saturating_mul(1024 * 1024),
        })
    }
}

/// A time above zero.
fn stall_timeout(text: &str) -> Result<Duration, String> {
    let time: jiff::SignedDuration =
        text.parse().map_err(|error: jiff::Error| error.to_string())?;
    let time = Duration::try_from(time).ok().filter(|time| !time.is_zero());
    time.ok_or_else(|| "a time above zero is needed".to_owned())
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_timeout_is_a_time_above_zero() {
        assert_eq!(stall_timeout("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(stall_timeout("200ms"), Ok(Duration::from_millis(200)));
        for text in ["", "30", "0s", "-1s", "soon"] {
            assert!(stall_timeout(text).is_err(), "{text}");
        }
    }
}
