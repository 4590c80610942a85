//! Paints the talks that the tutorial publishes: `make-talks DIR [SECONDS [EDITION]]`.
#![allow(clippy::print_stderr, reason = "a program for a terminal")]

use std::path::Path;
use std::process::ExitCode;

use headstart_example_talks::content::{Recipe, write};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default| match arguments.get(at) {
        None => Some(default),
        Some(text) => text.parse().ok().filter(|n| (1..=3600).contains(n)),
    };
    let (Some(folder), Some(seconds), Some(edition), None) =
        (arguments.first(), number(1, 30), number(2, 1), arguments.get(3))
    else {
        eprintln!("usage: make-talks DIR [SECONDS [EDITION]]");
        return ExitCode::from(2);
    };
    match write(Path::new(folder), Recipe { seconds, edition }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: the talks cannot be written to {folder}\nbecause: {error}");
            ExitCode::FAILURE
        }
    }
}
