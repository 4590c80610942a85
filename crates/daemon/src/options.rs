//! The command line of `headstartd`.

use std::ffi::OsString;
use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

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

    /// For tests: end with SIGKILL at this crash point, counted from 1.
    #[arg(long, value_name = "N", hide = true)]
    pub crash_at: Option<NonZeroU64>,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
