use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use headstart_sys::lock::{FileLock, Sharing};

use crate::child;

#[test]
#[ignore = "runs as a child of the test here"]
fn child_holds_a_lock() {
    let lock = FileLock::try_acquire(&child::task(), Sharing::Shared).unwrap().unwrap();
    writeln!(std::io::stdout(), "locked").unwrap();
    // Until it is killed.
    std::io::stdin().read_line(&mut String::new()).unwrap();
    drop(lock);
}

#[test]
fn a_lock_ends_with_the_process_that_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lease");
    let mut child = child::command("lock::child_holds_a_lock", &path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("locked")));

    assert!(FileLock::try_acquire(&path, Sharing::Exclusive).unwrap().is_none());
    assert!(FileLock::try_acquire(&path, Sharing::Shared).unwrap().is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(FileLock::try_acquire(&path, Sharing::Exclusive).unwrap().is_some());
}
