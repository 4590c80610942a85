//! Where the socket is, and whether its folder can be trusted.

use std::fs;
#[cfg(unix)]
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{Environment, HomeError, read_error};
use crate::durable::create_folders;
use crate::mode::Access;
use crate::socket::PATH_LIMIT_BYTES;

/// Why the socket is where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketOrigin {
    /// A person said so (`HEADSTART_SOCKET`), and answers for the folder.
    Given,
    /// In the login's runtime folder.
    Runtime,
    /// Within the home, where there is no runtime folder.
    Home,
    /// In the folder for temporary files, since the path would else be longer than the system allows.
    Temporary,
}

/// The path of the service's socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketPlace {
    path: PathBuf,
    origin: SocketOrigin,
}

impl SocketPlace {
    /// Spec: cli "Common rules".
    pub(super) fn derive(
        environment: &Environment,
        home: &Path,
        fingerprint: &str,
    ) -> Result<Self, HomeError> {
        if let Some(given) = environment.given_socket() {
            let path = std::path::absolute(given)
                .map_err(|source| HomeError::Unusable { path: given.into(), source })?;
            if !fits(&path) {
                return Err(HomeError::SocketPathTooLong { path, limit_bytes: PATH_LIMIT_BYTES });
            }
            return Ok(Self { path, origin: SocketOrigin::Given });
        }
        let (folder, origin) = match &environment.runtime_folder {
            Some(runtime) => {
                (runtime.join(format!("headstart-{fingerprint}")), SocketOrigin::Runtime)
            }
            None => (home.join("run"), SocketOrigin::Home),
        };
        let path = folder.join("socket");
        if fits(&path) {
            return Ok(Self { path, origin });
        }
        let temporary = match &environment.temporary_folder {
            Some(folder) => folder.clone(),
            None => std::env::temp_dir(),
        };
        let folder = temporary.join(format!("headstart-{}-{fingerprint}", user()));
        let path = folder.join("socket");
        if !fits(&path) {
            return Err(HomeError::SocketPathTooLong { path, limit_bytes: PATH_LIMIT_BYTES });
        }
        Ok(Self { path, origin: SocketOrigin::Temporary })
    }

    /// The socket.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why it is there.
    #[must_use]
    pub fn origin(&self) -> SocketOrigin {
        self.origin
    }

    /// For the service before it binds: makes the folder, for its owner alone, and checks it as
    /// [`check`](Self::check) does. A folder of ours that others can enter is closed to them,
    /// except one that a person named.
    ///
    /// # Errors
    /// As [`check`](Self::check), or [`HomeError::File`] if the folder cannot be made.
    pub fn prepare(&self) -> Result<(), HomeError> {
        let folder = self.folder();
        create_folders(folder, Access::Private)?;
        if self.origin == SocketOrigin::Given {
            return Ok(());
        }
        match open_folder(folder)? {
            Some(open) => close_to_others(&open).map_err(read_error(folder)),
            None => Err(read_error(folder)(io::ErrorKind::NotFound.into())),
        }
    }

    /// For the client before it connects: makes sure that the folder, if it exists, is ours.
    ///
    /// Attack: in a folder that anybody may write in, somebody makes ours before we do, listens
    /// in it, and is told what is meant for the service. Not checked where a person named the socket.
    ///
    /// # Errors
    /// [`HomeError::NotOurs`], [`HomeError::NotAFolder`] (a link is none), or [`HomeError::File`]
    /// if it cannot be looked at.
    pub fn check(&self) -> Result<(), HomeError> {
        if self.origin == SocketOrigin::Given {
            return Ok(());
        }
        open_folder(self.folder()).map(drop)
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }
}

fn fits(path: &Path) -> bool {
    path.as_os_str().len() <= PATH_LIMIT_BYTES
}

#[cfg(unix)]
pub(super) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Opens a folder of ours; `None` if it does not exist.
#[cfg(unix)]
fn open_folder(folder: &Path) -> Result<Option<File>, HomeError> {
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

    let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
    let open = match File::options().read(true).custom_flags(flags).open(folder) {
        Ok(open) => open,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refusal(folder, error)),
    };
    let owner = open.metadata().map_err(read_error(folder))?.uid();
    if owner != user() {
        return Err(HomeError::NotOurs { path: folder.to_owned(), owner });
    }
    Ok(Some(open))
}

/// A folder that we may not open is somebody else's, which says more than "permission denied".
#[cfg(unix)]
fn refusal(folder: &Path, error: io::Error) -> HomeError {
    use std::os::unix::fs::MetadataExt as _;

    let path = folder.to_owned();
    match fs::symlink_metadata(folder) {
        Ok(facts) if !facts.is_dir() => HomeError::NotAFolder { path },
        Ok(facts) if facts.uid() != user() => HomeError::NotOurs { path, owner: facts.uid() },
        _ => read_error(folder)(error),
    }
}

#[cfg(unix)]
fn close_to_others(folder: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    folder.set_permissions(fs::Permissions::from_mode(Access::Private.folder_bits()))
}

#[cfg(not(unix))]
pub(super) fn user() -> u32 {
    0
}

/// Elsewhere the folder's access list, inherited from the user's profile, is trusted.
#[cfg(not(unix))]
fn open_folder(folder: &Path) -> Result<Option<()>, HomeError> {
    match fs::symlink_metadata(folder) {
        Ok(facts) if facts.is_dir() => Ok(Some(())),
        Ok(_) => Err(HomeError::NotAFolder { path: folder.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(read_error(folder)(error)),
    }
}

#[cfg(not(unix))]
#[expect(
    clippy::unnecessary_wraps,
    clippy::trivially_copy_pass_by_ref,
    reason = "Unix can fail, and takes a file"
)]
fn close_to_others(_: &()) -> io::Result<()> {
    Ok(())
}
