//! What of the process's environment this library reads: once, when a
//! [`Connector`](crate::Connector) is made.

use std::ffi::OsString;
use std::path::PathBuf;

/// Says which app this process is; believed only of apps that were installed for development.
/// `Spec: cli`.
pub(crate) const APP_VARIABLE: &str = "HEADSTART_APP";
/// Holds the token that a launcher gave to this process. `Spec: cli`.
pub(crate) const TOKEN_VARIABLE: &str = "HEADSTART_APP_TOKEN";
/// Names the service's program, where it lies neither beside this program nor in the path.
pub(crate) const DAEMON_VARIABLE: &str = "HEADSTART_DAEMON";
/// Says under which number a downloader extension finds the port that it gets its connections from.
pub(crate) const PORT_VARIABLE: &str = "HEADSTART_EXTENSION_PORT";
/// Names the socket on which a program that starts says that it is ready. The protocol is that of
/// systemd's `sd_notify`.
pub(crate) const NOTIFY_VARIABLE: &str = "NOTIFY_SOCKET";

/// Names a file to which is written which files of packs this process reads. `Ours:` for launch sets.
pub(crate) const RECORDING_VARIABLE: &str = "HEADSTART_RECORD_READS";

#[expect(clippy::disallowed_methods, reason = "a library has no `main` that could read it")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The value of [`APP_VARIABLE`].
pub(crate) fn app() -> Option<OsString> {
    variable(APP_VARIABLE)
}

/// The value of [`TOKEN_VARIABLE`].
pub(crate) fn token() -> Option<OsString> {
    variable(TOKEN_VARIABLE)
}

/// The value of [`PORT_VARIABLE`].
pub(crate) fn port() -> Option<OsString> {
    variable(PORT_VARIABLE)
}

/// The value of [`RECORDING_VARIABLE`].
pub(crate) fn recording() -> Option<PathBuf> {
    variable(RECORDING_VARIABLE).map(PathBuf::from)
}

/// The value of [`DAEMON_VARIABLE`].
pub(crate) fn daemon() -> Option<PathBuf> {
    variable(DAEMON_VARIABLE).map(PathBuf::from)
}

/// The first file called `program` in the folders of the path.
pub(crate) fn in_path(program: &str) -> Option<PathBuf> {
    let folders = variable("PATH")?;
    let candidates = std::env::split_paths(&folders).map(|folder| folder.join(program));
    // A relative folder of the path would make the program depend on where we stand.
    candidates.filter(|path| path.is_absolute()).find(|path| path.is_file())
}
