//! Running one test of this program as a process of its own.
//!
//! A test that is a role of a child is marked as ignored, and runs only when its parent names it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// A variable that tells a child its task.
pub(crate) const TASK: &str = "HEADSTART_SYS_TEST_TASK";

/// The command that runs the ignored test `name` of this program, with a task.
pub(crate) fn command(name: &str, task: impl Into<OsString>) -> Command {
    command_of(std::env::current_exe().unwrap(), name, task)
}

/// As [`command`], for a copy of this program elsewhere.
pub(crate) fn command_of(program: PathBuf, name: &str, task: impl Into<OsString>) -> Command {
    let mut command = Command::new(program);
    command.args(["--exact", name, "--ignored", "--nocapture"]).env(TASK, task.into());
    command
}

/// The task of this process, which is a child.
#[expect(clippy::disallowed_methods, reason = "how a test tells its child what to do")]
pub(crate) fn task() -> PathBuf {
    std::env::var_os(TASK).expect("run by its parent alone").into()
}
