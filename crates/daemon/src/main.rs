//! `headstartd`, the background service of Headstart.

use std::process::ExitCode;

use clap::Parser as _;
use headstart_daemon::{Options, run, start_logging};
use headstart_sys::dirs::Home;

fn main() -> ExitCode {
    let options = Options::parse();
    start_logging(&options);
    if let Some(nth) = options.crash_at {
        headstart_sys::crash::arm(nth);
    }
    let result = Home::from_environment().map_err(Into::into).and_then(|home| run(&home, &options));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            let mut next = Some(error);
            while let Some(error) = next {
                tracing::error!("{error}");
                next = error.source();
            }
            ExitCode::FAILURE
        }
    }
}
