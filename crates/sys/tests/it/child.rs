//! A test as a process of its own.
//!
//! A test that needs a second process starts this very program again, to run the same test with a
//! task; having one, the test plays the child. So nothing is skipped, and nothing else is built.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// A variable that tells a child its task.
pub(crate) const TASK: &str = "HEADSTART_SYS_TEST_TASK";

/// The command that runs the test `name` of this program as a child with a task.
pub(crate) fn command(name: &str, task: impl Into<OsString>) -> Command {
    command_of(std::env::current_exe().unwrap(), name, task)
}

/// As [`command`], for a copy of this program elsewhere.
pub(crate) fn command_of(program: PathBuf, name: &str, task: impl Into<OsString>) -> Command {
    let mut command = Command::new(program);
    command.args(["--exact", name, "--nocapture"]).env(TASK, task.into());
    command
}

/// The task of this process if it is a child.
#[expect(clippy::disallowed_methods, reason = "how a test tells its child what to do")]
pub(crate) fn task() -> Option<PathBuf> {
    std::env::var_os(TASK).map(PathBuf::from)
}
