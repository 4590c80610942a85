//! A test as a process of its own: it starts this very program again, to run the same test with a task. So nothing is
//! skipped, and nothing else is built.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use headstart_sys::lock::{FileLock, Sharing};

/// A variable that tells a child its task.
const TASK: &str = "HEADSTART_DAEMON_TEST_TASK";

/// What children wait for before they begin, so that they begin together.
pub struct Gate {
    file: PathBuf,
    closed: FileLock,
}

impl Gate {
    pub fn closed(folder: &Path) -> Self {
        let file = folder.join("gate");
        let closed = FileLock::acquire(&file, Sharing::Exclusive).unwrap();
        Self { file, closed }
    }

    /// Runs the test `name` as a child with a task and a number.
    pub fn child(&self, name: &str, home: &Path, number: usize) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(TASK, format!("{number}\n{}\n{}", self.file.display(), home.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    pub fn open(self) {
        drop(self.closed);
    }
}

/// What a child is to do.
pub struct Task {
    pub number: usize,
    pub home: PathBuf,
    gate: PathBuf,
}

impl Task {
    /// Waits until the gate is open.
    pub fn await_gate(&self) {
        drop(FileLock::acquire(&self.gate, Sharing::Shared).unwrap());
    }
}

/// The task of this process if it is a child.
#[expect(clippy::disallowed_methods, reason = "how a test tells its child what to do")]
pub fn task() -> Option<Task> {
    let text = std::env::var(TASK).ok()?;
    let mut lines = text.lines();
    let mut next = || lines.next().unwrap();
    Some(Task { number: next().parse().unwrap(), gate: next().into(), home: next().into() })
}
