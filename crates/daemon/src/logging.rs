//! Log lines on stderr, for people or as JSON. Whoever starts the service decides where stderr goes.

use tracing_subscriber::EnvFilter;

use crate::options::{LogFormat, Options};

/// Starts logging. Called once, by `main`.
pub fn start_logging(options: &Options) {
    let filter = EnvFilter::try_new(&options.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match options.log_format {
        LogFormat::Text => builder.with_ansi(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}
