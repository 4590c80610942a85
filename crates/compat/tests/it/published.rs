//! The published crate, where it can be had.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::build::Built;

#[expect(clippy::disallowed_methods, reason = "where things lie is said by whoever runs the tests")]
fn environment(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The folder of a version; none, with a line in the report of skips, where it was not fetched.
pub(crate) fn published(version: &str) -> Option<PathBuf> {
    let why = match environment("HEADSTART_PUBLISHED_CRATES") {
        None => "HEADSTART_PUBLISHED_CRATES is not set; ci/fetch-crates.sh fetches it".to_owned(),
        Some(cache) => {
            let folder = cache.join(format!("backgroundassets-{version}"));
            if folder.is_dir() {
                return Some(folder);
            }
            format!("{} was not fetched", folder.display())
        }
    };
    let line = format!("SKIPPED published-backgroundassets: {why}\n");
    if let Some(report) = environment("HEADSTART_SKIP_REPORT") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(report);
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
    None
}

pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "rs"));
    found.sort();
    assert!(!found.is_empty());
    found
}

/// Compiles every example of a version and its quick start, and runs them in a home where no service
/// can be had.
fn examples(version: &str, feature: &'static str) {
    let Some(crate_folder) = published(version) else { return };
    let built = Built::with(feature);
    let into = tempfile::tempdir().unwrap();
    let mut programs = sources(&crate_folder.join("examples"));
    programs.extend(quick_start(version, into.path()));
    for example in programs {
        let compiled = built.compile(&example, &["--crate-type", "bin"], into.path());
        let said = String::from_utf8_lossy(&compiled.stderr);
        assert!(compiled.status.success(), "{}: {said}", example.display());
        let program = into.path().join(example.file_stem().unwrap());
        let home = tempfile::tempdir().unwrap();
        let mut command = std::process::Command::new(&program);
        command.env_clear().env("HEADSTART_HOME", home.path());
        command.env("HEADSTART_DAEMON", home.path().join("no-such-program"));
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        // Without a service each tells so, and none panics or is killed.
        assert!(
            output.status.code().is_some_and(|code| code <= 1),
            "{}: {said}",
            program.display()
        );
        assert!(!said.contains("panicked"), "{}: {said}", program.display());
    }
}

#[test]
fn the_examples_of_the_published_crate_compile_unchanged_and_run() {
    examples("0.4.2", "async");
}

#[test]
fn the_examples_of_the_version_before_compile_unchanged_and_run() {
    examples("0.3.0", "v0_3");
}

/// Compiles and runs the tests of a version that need no framework.
fn tests(version: &str, feature: &'static str) {
    let Some(crate_folder) = published(version) else { return };
    let built = Built::with(feature);
    let into = tempfile::tempdir().unwrap();
    for name in ["public_surface.rs", "asset_pack_smoke.rs"] {
        let source = crate_folder.join("tests").join(name);
        let compiled = built.compile(&source, &["--test"], into.path());
        let said = String::from_utf8_lossy(&compiled.stderr);
        assert!(compiled.status.success(), "{name}: {said}");
        let program = into.path().join(source.file_stem().unwrap());
        let home = tempfile::tempdir().unwrap();
        let mut command = std::process::Command::new(program);
        command.env_clear().env("HEADSTART_HOME", home.path());
        command.env("HEADSTART_DAEMON", home.path().join("no-such-program"));
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{name}: {told}");
    }
}

#[test]
fn the_published_tests_of_the_surface_pass() {
    tests("0.4.2", "async");
}

#[test]
fn the_tests_of_the_surface_of_the_version_before_pass() {
    tests("0.3.0", "v0_3");
}

/// The program that the page of a version begins with, as a file in `into`.
pub(crate) fn quick_start(version: &str, into: &Path) -> Option<PathBuf> {
    let page = std::fs::read_to_string(published(version)?.join("README.md")).unwrap();
    let program = page.split("```rust").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let (_, program) = program.split_once('\n').unwrap();
    let source = into.join("quick_start.rs");
    std::fs::write(&source, program).unwrap();
    Some(source)
}
