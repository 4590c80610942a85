//! Log lines on stderr, for who looks for a fault.

use headstart_model::{ErrorKind, Failure};
use tracing_subscriber::EnvFilter;

/// Says what is logged: `info`, `headstart_transfer=debug` …
pub(crate) const VARIABLE: &str = "HEADSTART_LOG";

/// What is logged when nobody says anything: what fails is told as an error anyway.
const DEFAULT: &str = "off";

/// Starts logging.
pub(crate) fn start(filter: Option<&str>) -> Result<(), Failure> {
    let text = filter.filter(|text| !text.is_empty()).unwrap_or(DEFAULT);
    let filter = EnvFilter::try_new(text).map_err(|error| {
        Failure::from_error(ErrorKind::Usage, "logFilter", &error)
            .within(format!("`{text}` in {VARIABLE} says nothing about what to log"))
            .with_hint("name a level (error, warn, info, debug, trace), or parts of the program with levels")
    })?;
    let started =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    debug_assert!(started.is_ok(), "logging is started once");
    Ok(())
}
