//! `headstartd`, the background service of Headstart.

use std::process::ExitCode;

use clap::Parser as _;
use headstart_daemon::{Options, run, start_logging};
use headstart_sys::confine;
use headstart_sys::dirs::Home;

fn main() -> ExitCode {
    // This program is its own launcher of extensions, and as that has one thread and no log.
    if confine::is_launch() {
        return confine::launch();
    }
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
