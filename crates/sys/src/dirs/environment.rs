//! What of the process's environment bears on where things lie.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;

use super::{HOME_VARIABLE, SOCKET_VARIABLE};

/// The facts from which a [`super::Home`] is resolved. The default knows nothing, which tests begin with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// The value of `HEADSTART_HOME`; empty means not set.
    pub home: Option<OsString>,
    /// The value of `HEADSTART_SOCKET`; empty means not set.
    pub socket: Option<OsString>,
    /// The platform's folder for data of programs, such as `~/.local/share`.
    pub data_folder: Option<PathBuf>,
    /// The platform's folder for what may be deleted; `None` if there is no better one than within
    /// the home.
    pub cache_folder: Option<PathBuf>,
    /// The folder of this login's sockets, such as `/run/user/1000`: exists, is ours, and others
    /// cannot write in it.
    pub runtime_folder: Option<PathBuf>,
    /// Where a socket goes whose path would else be too long. On Unix always `/tmp` and not what
    /// `TMPDIR` says: client and service must come to the same place, and may differ in `TMPDIR`.
    pub temporary_folder: Option<PathBuf>,
}

impl Environment {
    /// Reads this process's environment.
    ///
    /// A runtime folder that is not ours (`XDG_RUNTIME_DIR` survives `su`) is passed over; if the
    /// variable is not set, as in a cron job, the folder of its usual name is taken where it
    /// exists, so that such a client finds the service of the login.
    #[must_use]
    pub fn read() -> Self {
        let strategy = etcetera::base_strategy::choose_native_strategy().ok();
        let runtime = strategy.as_ref().and_then(etcetera::BaseStrategy::runtime_dir);
        Self {
            home: variable(HOME_VARIABLE),
            socket: variable(SOCKET_VARIABLE),
            // On Windows the data folder roams with the user's profile, which gigabytes must not;
            // the cache folder is the one that stays on the machine.
            data_folder: strategy.as_ref().map(|strategy| {
                if cfg!(windows) { strategy.cache_dir() } else { strategy.data_dir() }
            }),
            cache_folder: strategy
                .as_ref()
                .filter(|_| !cfg!(windows))
                .map(etcetera::BaseStrategy::cache_dir),
            runtime_folder: runtime
                .filter(|folder| is_private(folder))
                .or_else(|| USUAL_RUNTIME_FOLDERS.map(own_folder_in).filter(|f| is_private(f))),
            temporary_folder: Some(temporary_folder()),
        }
    }

    pub(super) fn given_home(&self) -> Option<&OsStr> {
        self.home.as_deref().filter(|value| !value.is_empty())
    }

    pub(super) fn given_socket(&self) -> Option<&OsStr> {
        self.socket.as_deref().filter(|value| !value.is_empty())
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the place where it is read")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[cfg(unix)]
fn temporary_folder() -> PathBuf {
    PathBuf::from("/tmp")
}

#[cfg(not(unix))]
fn temporary_folder() -> PathBuf {
    std::env::temp_dir()
}

/// Where the system makes the runtime folders of its users, each named by the user's number.
const USUAL_RUNTIME_FOLDERS: Option<&str> =
    if cfg!(target_os = "linux") { Some("/run/user") } else { None };

fn own_folder_in(folder: &str) -> PathBuf {
    Path::new(folder).join(super::place::user().to_string())
}

/// A folder that is ours and in which nobody else can put a socket.
#[cfg(unix)]
pub(super) fn is_private(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(folder).is_ok_and(|facts| {
        facts.is_dir()
            && facts.uid() == rustix::process::geteuid().as_raw()
            && facts.mode() & 0o022 == 0
    })
}

#[cfg(not(unix))]
pub(super) fn is_private(folder: &Path) -> bool {
    folder.is_dir()
}
