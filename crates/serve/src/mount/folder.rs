//! A folder of static files. Nothing outside it can be reached, whatever the path says and
//! whatever links lie in the folder.

use super::{CacheRules, FindError, Resource, content_type};
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

/// Why a folder cannot be mounted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// It is missing, or may not be read.
    #[error("the folder {} cannot be opened; check that it exists and may be read", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It is something else than a folder.
    #[error("{} is not a folder; give the folder that holds the files", path.display())]
    NotAFolder {
        /// What it was.
        path: PathBuf,
    },
}

/// Files of a folder, read-only. Names that begin with a dot, links that lead out of the folder,
/// and things that are not regular files are answered as if they were not there; folders are not
/// listed.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
    cache: CacheRules,
}

impl Folder {
    /// A folder, all of whose files are revalidated by caches.
    ///
    /// The folder is opened anew for each request: it may be replaced by another of the same name
    /// while the server runs.
    ///
    /// # Errors
    /// [`FolderError`] if there is no such folder.
    pub fn new(path: impl AsRef<Path>) -> Result<Self, FolderError> {
        let path = path.as_ref();
        let unreadable = |source| FolderError::Unreadable { path: path.to_owned(), source };
        // Absolute, so that a later change of the working directory does not move the root.
        let root = std::path::absolute(path).map_err(unreadable)?;
        if !std::fs::metadata(&root).map_err(unreadable)?.is_dir() {
            return Err(FolderError::NotAFolder { path: path.to_owned() });
        }
        Ok(Self { root, cache: CacheRules::new() })
    }

    /// Says which files caches may keep for how long.
    #[must_use]
    pub fn with_cache(mut self, cache: CacheRules) -> Self {
        self.cache = cache;
        self
    }

    /// The folder, absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    pub(super) fn find(&self, segments: &[String]) -> Result<Resource, FindError> {
        if segments.iter().any(|segment| segment.is_empty() || segment.starts_with('.')) {
            return Err(FindError::NotFound);
        }
        let path = segments.join("/");
        let file = match open_beneath(&self.root, &path) {
            Ok(file) => file,
            Err(error) => return Err(refusal(error)),
        };
        let name = segments.last().map_or("", String::as_str);
        Resource::of_file(file, content_type::of_name(name), self.cache.policy(&path))
            .map_err(FindError::Unreadable)?
            .ok_or(FindError::NotFound)
    }
}

/// What is missing, forbidden, or a link that leads out looks the same to a client, so that the
/// answer does not tell what lies outside.
fn refusal(error: io::Error) -> FindError {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound
        | Kind::NotADirectory
        | Kind::IsADirectory
        | Kind::PermissionDenied
        | Kind::InvalidFilename
        | Kind::InvalidInput => FindError::NotFound,
        _ => FindError::Unreadable(error),
    }
}

/// Opens a file so that no link, however it changes meanwhile, can lead out of the root.
#[cfg(target_os = "linux")]
fn open_beneath(root: &Path, path: &str) -> io::Result<File> {
    use rustix::{
        fs::{Mode, OFlags, ResolveFlags, openat2},
        io::Errno,
    };
    let folder = File::open(root)?;
    // NONBLOCK: opening a FIFO that somebody put there must not hang a thread for ever.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let opened = loop {
        // EAGAIN: a rename elsewhere raced with the walk; the kernel asks to try again.
        match openat2(&folder, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            other => break other,
        }
    };
    match opened {
        Ok(descriptor) => Ok(descriptor.into()),
        // Kernels before 5.6, and sandboxes that do not know the call.
        Err(Errno::NOSYS | Errno::PERM) => open_canonical(root, path),
        // The kernel's words for a link that leads out or in a circle.
        Err(Errno::XDEV | Errno::LOOP) => Err(io::ErrorKind::NotFound.into()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn open_beneath(root: &Path, path: &str) -> io::Result<File> {
    open_canonical(root, path)
}

/// The portable way: resolve every link, then check where it led. Whoever can change links inside
/// the folder between the check and the opening could win a race; who can write there is trusted
/// on these platforms.
fn open_canonical(root: &Path, path: &str) -> io::Result<File> {
    let root = root.canonicalize()?;
    // Whatever stops the walk (a circle of links too) means that no file of the folder is there.
    let file = root.join(path).canonicalize().map_err(|_| io::ErrorKind::NotFound)?;
    if !file.starts_with(&root) || !std::fs::metadata(&file)?.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    File::open(file)
}

#[cfg(test)]
mod tests;
