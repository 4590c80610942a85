//! The source root as it lies on disk: finding paths in it, and walking its folders.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs::{FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use headstart_model::PackPath;
use headstart_model::packaging::SelectorPath;
use unicode_normalization::UnicodeNormalization as _;
use walkdir::WalkDir;

use super::error::SelectionError;

/// Something below the source root.
#[derive(Debug)]
pub(super) struct Found {
    /// Its path below the source root in normal form C, parts joined by `/`; empty for the source root. Where a name is not
    /// Unicode it holds replacement characters, good enough to compare with patterns.
    pub(super) path: String,
    pub(super) source: PathBuf,
    pub(super) kind: Kind,
    /// Whether every name on the way is Unicode.
    pub(super) unicode: bool,
}

#[derive(Debug)]
pub(super) enum Kind {
    File {
        size: u64,
        executable: bool,
    },
    Folder,
    /// A link, device, pipe or socket: what it is called.
    Other(&'static str),
    Unreadable(io::Error),
}

/// The source root. Listings are kept: a manifest may name thousands of files in one folder.
#[derive(Debug)]
pub(super) struct Source {
    root: PathBuf,
    listings: HashMap<PathBuf, Rc<Listing>>,
}

/// Names in normal form C, each with the names on disk that have this form: usually itself.
type Listing = BTreeMap<String, Vec<OsString>>;

impl Source {
    pub(super) fn open(root: &Path) -> Result<Self, SelectionError> {
        let unusable = |source| SelectionError::SourceRoot { path: root.to_owned(), source };
        let metadata = root.metadata().map_err(unusable)?;
        if metadata.is_dir() {
            Ok(Self { root: root.to_owned(), listings: HashMap::new() })
        } else {
            Err(unusable(io::ErrorKind::NotADirectory.into()))
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// What lies at `path`, if anything does. Names are compared by normal form and by case, whatever the file system does.
    ///
    /// # Errors
    /// When a folder on the way is a link or cannot be read, or when two names on disk have the same normal form.
    pub(super) fn find(&mut self, path: &SelectorPath) -> Result<Option<Found>, SelectionError> {
        let mut found = Found {
            path: String::new(),
            source: self.root.clone(),
            kind: Kind::Folder,
            unicode: true,
        };
        for part in path.parts() {
            match found.kind {
                Kind::Folder => {}
                Kind::Other(kind) => {
                    return Err(SelectionError::NotRegular { path: found.source, kind });
                }
                _ => return Ok(None),
            }
            let listing = self.listing(&found.source)?;
            let path = joined(&found.path, part);
            found = match listing.get(part).map_or(&[][..], Vec::as_slice) {
                [] => return Ok(None),
                [name] => look(path, found.source.join(name)),
                [first, second, ..] => {
                    return Err(same_name(
                        &path,
                        &found.source.join(first),
                        &found.source.join(second),
                    ));
                }
            };
        }
        Ok(Some(found))
    }

    fn listing(&mut self, folder: &Path) -> Result<Rc<Listing>, SelectionError> {
        if let Some(listing) = self.listings.get(folder) {
            return Ok(Rc::clone(listing));
        }
        let mut listing = Listing::new();
        for entry in WalkDir::new(folder).min_depth(1).max_depth(1).sort_by_file_name() {
            let entry = entry.map_err(|error| {
                let source = io::Error::from(error);
                SelectionError::Read { path: folder.to_owned(), source }
            })?;
            let name = entry.file_name().to_os_string();
            // A name that is not Unicode is never what a manifest names.
            if let Some(normal) = name.to_str().map(normal) {
                listing.entry(normal).or_default().push(name);
            }
        }
        let listing = Rc::new(listing);
        self.listings.insert(folder.to_owned(), Rc::clone(&listing));
        Ok(listing)
    }
}

/// Everything in `folder` down to `depth` levels, sorted, each folder before what it holds. No link is followed.
pub(super) fn walk(folder: &Found, depth: usize) -> impl Iterator<Item = Found> + '_ {
    let walk = WalkDir::new(&folder.source).min_depth(1).max_depth(depth).sort_by_file_name();
    walk.into_iter().map(|entry| match entry {
        Ok(entry) => {
            let kind = match entry.metadata() {
                Ok(metadata) => kind_of(&metadata),
                Err(error) => Kind::Unreadable(error.into()),
            };
            below(folder, entry.path(), kind)
        }
        Err(error) => {
            let path = error.path().unwrap_or(&folder.source).to_owned();
            below(folder, &path, Kind::Unreadable(error.into()))
        }
    })
}

fn below(folder: &Found, source: &Path, kind: Kind) -> Found {
    let relative = source.strip_prefix(&folder.source).unwrap_or(source);
    let mut path = folder.path.clone();
    for part in relative.components() {
        path = joined(&path, &normal(&part.as_os_str().to_string_lossy()));
    }
    Found { path, source: source.to_owned(), kind, unicode: relative.to_str().is_some() }
}

fn look(path: String, source: PathBuf) -> Found {
    let kind = match source.symlink_metadata() {
        Ok(metadata) => kind_of(&metadata),
        Err(error) => Kind::Unreadable(error),
    };
    Found { path, source, kind, unicode: true }
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn normal(name: &str) -> String {
    name.nfc().collect()
}

fn same_name(path: &str, first: &Path, second: &Path) -> SelectionError {
    match PackPath::new(path) {
        Ok(path) => {
            SelectionError::TwoSources { path, first: first.to_owned(), second: second.to_owned() }
        }
        Err(source) => SelectionError::Path { path: first.to_owned(), source },
    }
}

fn kind_of(metadata: &Metadata) -> Kind {
    if metadata.is_file() {
        Kind::File { size: metadata.len(), executable: is_executable(metadata) }
    } else if metadata.is_dir() {
        Kind::Folder
    } else {
        Kind::Other(name_of(metadata.file_type()))
    }
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Metadata) -> bool {
    false
}

#[cfg(unix)]
fn name_of(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    match kind {
        kind if kind.is_symlink() => "a symbolic link",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_block_device() || kind.is_char_device() => "a device",
        _ => "a special file",
    }
}

#[cfg(not(unix))]
fn name_of(kind: FileType) -> &'static str {
    if kind.is_symlink() { "a symbolic link" } else { "a special file" }
}
