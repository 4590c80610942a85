//! `ci/count-tests.sh` adds up what the test runners print.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// What the script prints for `output`, and whether it found a result at all.
fn count(output: &str) -> (String, bool) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../count-tests.sh");
    let mut child = Command::new("bash")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(output.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    (String::from_utf8(done.stdout).unwrap().trim().to_owned(), done.status.success())
}

#[test]
fn every_way_of_failing_counts_as_failed() {
    let line = "     Summary [   9.1s] 14 tests run: 10 passed (1 slow, 2 leaky), 1 failed, 1 exec failed, 2 timed out, 3 skipped\n";
    assert_eq!(count(line), ("10 4 3".to_owned(), true));
}

#[test]
fn one_test_is_counted_like_many() {
    assert_eq!(
        count("     Summary [   0.1s] 1 test run: 1 passed, 0 skipped\n"),
        ("1 0 0".to_owned(), true)
    );
}

#[test]
fn results_of_several_binaries_are_added() {
    let lines = "running 4 tests\ntest a::passed ... ok\n\
                 test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s\n\
                 test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 4 filtered out; finished in 1.50s\n";
    assert_eq!(count(lines), ("8 2 5".to_owned(), true));
}

#[test]
fn output_without_a_result_is_an_error() {
    assert_eq!(count("error: could not compile `headstart`\n"), ("0 0 0".to_owned(), false));
}
