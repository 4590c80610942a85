//! Tests that cannot run here say so, by name. `CONTRIBUTING.md`, "Skips".

use std::io::Write as _;
use std::path::PathBuf;

#[expect(clippy::disallowed_methods, reason = "where things lie is said by whoever runs the tests")]
pub fn environment(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// One line in the report, written at once: tests run side by side.
pub fn skip(name: &str, why: &str) {
    let line = format!("SKIPPED {name}: {why}\n");
    eprint!("{line}");
    if let Some(report) = environment("HEADSTART_SKIP_REPORT") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(report);
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
}
