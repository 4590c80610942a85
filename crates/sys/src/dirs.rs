//! Where a device keeps its things: packs, database, trust, settings, and the socket.
//!
//! Spec: cli "Common rules". Everything lies under one folder, the *home*; only half-finished
//! downloads lie in the cache folder. Two homes are two independent devices on one machine.
//! The socket is derived from the home, so that a client and a service that agree on the home find
//! each other.

mod environment;
mod place;
#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};

pub use environment::Environment;
pub use place::{SocketOrigin, SocketPlace};

use crate::durable::create_folders;
use crate::error::{Action, FileError};
use crate::mode::Access;

/// The variable that names the home.
pub const HOME_VARIABLE: &str = "HEADSTART_HOME";
/// The variable that names the socket.
pub const SOCKET_VARIABLE: &str = "HEADSTART_SOCKET";

/// The name of our folders in the platform's folders.
const FOLDER: &str = "headstart";

/// Why there is no home, or no safe place for the socket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HomeError {
    /// The user has no home folder, so the platform has no data folder.
    #[error("there is no data folder for this user; set HEADSTART_HOME to a folder")]
    NoDataFolder,
    /// The path of the home cannot be made absolute.
    #[error("the folder {} cannot be used as HEADSTART_HOME", .path.display())]
    Unusable {
        /// The path.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The path that was given for the socket is longer than the system can hold.
    #[error(
        "the socket path {} has {} bytes, more than the {limit_bytes} the system allows; set HEADSTART_SOCKET to a shorter one",
        .path.display(), .path.as_os_str().len()
    )]
    SocketPathTooLong {
        /// The path.
        path: PathBuf,
        /// How many bytes it may have.
        limit_bytes: usize,
    },
    /// The folder of the socket belongs to somebody else, who could listen in our place.
    #[error(
        "the folder {} belongs to another user (uid {owner}); remove it or set HEADSTART_SOCKET",
        .path.display()
    )]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// Whom it belongs to.
        owner: u32,
    },
    /// The place of the socket's folder is taken by something else, maybe a symbolic link.
    #[error("{} is not a folder; remove it or set HEADSTART_SOCKET", .path.display())]
    NotAFolder {
        /// What is in the way.
        path: PathBuf,
    },
    /// A folder cannot be made or looked at.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Where everything of one device lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
    cache: PathBuf,
    fingerprint: String,
    socket: SocketPlace,
    given: bool,
}

impl Home {
    /// The home that this process's environment tells of. For `main`s and for clients; everything
    /// below is handed a `Home`.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve).
    pub fn from_environment() -> Result<Self, HomeError> {
        Self::resolve(&Environment::read())
    }

    /// The home in `folder`, which need not exist, as if `HEADSTART_HOME` named it and nothing else
    /// were set.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve).
    pub fn at(folder: impl Into<OsString>) -> Result<Self, HomeError> {
        let home = Some(folder.into());
        Self::resolve(&Environment { home, ..Environment::default() })
    }

    /// The home that `environment` tells of: the folder that was given, else `headstart` in the
    /// platform's data folder. Nothing is created.
    ///
    /// The path is made absolute and free of links as far as it exists, so that two ways to name
    /// one home lead to one socket.
    ///
    /// # Errors
    /// [`HomeError::NoDataFolder`], [`HomeError::Unusable`], or [`HomeError::SocketPathTooLong`] if
    /// the socket was given.
    pub fn resolve(environment: &Environment) -> Result<Self, HomeError> {
        let given = environment.given_home();
        let wanted = match (given, &environment.data_folder) {
            (Some(folder), _) => PathBuf::from(folder),
            (None, Some(folder)) => folder.join(FOLDER),
            (None, None) => return Err(HomeError::NoDataFolder),
        };
        let root = canonical(&wanted)
            .map_err(|source| HomeError::Unusable { path: wanted.clone(), source })?;
        let cache = match (given, &environment.cache_folder) {
            (None, Some(folder)) => folder.join(FOLDER),
            _ => root.join("cache"),
        };
        let fingerprint = fingerprint(root.as_os_str());
        let socket = SocketPlace::derive(environment, &root, &fingerprint)?;
        Ok(Self { root, cache, fingerprint, socket, given: given.is_some() })
    }

    /// The folder of packs, database and trust.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where half-finished downloads lie: may be emptied by anybody at any time.
    #[must_use]
    pub fn cache_folder(&self) -> &Path {
        &self.cache
    }

    /// Where settings of this device lie.
    #[must_use]
    pub fn config_folder(&self) -> PathBuf {
        self.root.join("config")
    }

    /// Where signing keys lie that an author did not put elsewhere (spec: cli "Authors").
    #[must_use]
    pub fn keys_folder(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// The folder of the authority that only programs of this home trust (`serve --tls auto` makes it there), with its
    /// certificate in `ca.pem`.
    #[must_use]
    pub fn authority_folder(&self) -> PathBuf {
        self.root.join("authority")
    }

    /// Where the service writes what a terminal would show.
    #[must_use]
    pub fn log_folder(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// 16 hexadecimal digits that differ between homes. Not a secret.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Where the service listens.
    #[must_use]
    pub fn socket(&self) -> &SocketPlace {
        &self.socket
    }

    /// The variables with which a program that is started with this process's environment comes to
    /// the same home and socket, from whatever working folder. A socket that was derived is left to
    /// be derived again, so that its folder is checked there as it is here.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, OsString)> {
        let mut variables = Vec::new();
        if self.given {
            variables.push((HOME_VARIABLE, self.root.clone().into_os_string()));
        }
        if self.socket.origin() == SocketOrigin::Given {
            variables.push((SOCKET_VARIABLE, self.socket.path().as_os_str().to_owned()));
        }
        variables
    }

    /// Makes the home, readable by its owner alone, and the cache folder, if they are missing.
    ///
    /// # Errors
    /// [`HomeError::File`] naming the folder that cannot be made.
    pub fn prepare(&self) -> Result<(), HomeError> {
        create_folders(&self.root, Access::Private)?;
        create_folders(&self.cache, Access::Private)?;
        Ok(())
    }
}

/// The first 16 hexadecimal digits of the BLAKE3 of a path's bytes.
fn fingerprint(path: &OsStr) -> String {
    let hash = blake3::hash(path.as_encoded_bytes()).to_hex();
    hash.chars().take(16).collect()
}

/// The path without links as far as it exists, and with the rest as it is named: the same before
/// and after the missing folders are made.
fn canonical(path: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    for existing in absolute.ancestors() {
        match existing.canonicalize() {
            Ok(found) => {
                let rest = absolute.strip_prefix(existing).map_err(io::Error::other)?;
                return Ok(join_missing(found, rest));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(absolute)
}

/// What does not exist holds no links, so that `..` can be taken by the word.
fn join_missing(mut path: PathBuf, rest: &Path) -> PathBuf {
    for component in rest.components() {
        match component {
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(name) => path.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    path
}

/// For `map_err`: something could not be looked at.
fn read_error(path: &Path) -> impl FnOnce(io::Error) -> HomeError {
    let path = path.to_owned();
    move |source| FileError::new(Action::Read, path, source).into()
}
