use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;

use headstart_sys::lock::{FileLock, Sharing};

use crate::child;

/// The child: holds the lock on the file that is its task.
fn hold_lock(path: &Path) {
    let lock = FileLock::try_acquire(path, Sharing::Shared).unwrap().unwrap();
    std::io::stdout().write_all(b"locked\n").unwrap();
    // Until it is killed.
    std::io::stdin().read_line(&mut String::new()).unwrap();
    drop(lock);
}

#[test]
fn a_lock_ends_with_the_process_that_was_killed() {
    if let Some(path) = child::task() {
        return hold_lock(&path);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lease");
    let mut child = child::command("lock::a_lock_ends_with_the_process_that_was_killed", &path)
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
