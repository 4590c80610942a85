//! The folder that is cloned into: what is there, and how it is replaced.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use headstart_deliver::InstalledVersion;
use headstart_model::{ErrorKind, Failure, PackPath};
use headstart_pack::{Node, Tree};
use headstart_sys::durable::{exchange_folders, remove_tree, rename_durably};
use headstart_sys::link::link_folder;
use headstart_sys::{Action, FileError};

use super::state::{State, Workplace};
use crate::failure;

/// Whether files that nobody cloned, or that somebody changed, may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overwrite {
    Allowed,
    Refused,
}

/// A folder to clone into, and its state beside it.
#[derive(Debug)]
pub(super) struct Destination {
    folder: PathBuf,
    state: PathBuf,
}

impl Destination {
    /// The destination at `path`. A link to a folder stays one: what it names is replaced.
    pub(super) fn at(path: &Path) -> Result<Self, Failure> {
        let of_file = |error| failure::of_file(&FileError::new(Action::Read, path, error));
        let absolute = std::path::absolute(path).map_err(of_file)?;
        let folder = match absolute.symlink_metadata() {
            Ok(facts) if facts.is_symlink() => absolute.canonicalize().map_err(of_file)?,
            Ok(facts) if !facts.is_dir() => {
                let message = format!("`{}` is not a folder", path.display());
                return Err(Failure::new(ErrorKind::Conflict, "destinationKind", message)
                    .with_hint("name a folder, or one that does not exist yet"));
            }
            _ => absolute,
        };
        let Some(name) = folder.file_name() else {
            let message = format!("`{}` cannot be cloned into", path.display());
            return Err(failure::usage(message).with_hint("name a folder inside of another one"));
        };
        let mut state_name = OsString::from(name);
        state_name.push(".headstart");
        let state = folder.with_file_name(state_name);
        Ok(Self { folder, state })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn state(&self) -> &Path {
        &self.state
    }

    pub(super) fn lock(&self) -> Result<State, Failure> {
        State::lock(&self.state)
    }

    /// Whether there is nothing that could be lost.
    pub(super) fn is_empty(&self) -> bool {
        std::fs::read_dir(&self.folder).map_or(true, |mut entries| entries.next().is_none())
    }

    /// In what the folder differs from `version`, by paths: bytes, executable bits, what is too much or missing. A file that still has
    /// its stamp is not read.
    pub(super) fn differences(&self, version: &InstalledVersion) -> Vec<String> {
        let changed = version.changed().into_iter().map(|damage| damage.path.to_string());
        let mut differences: Vec<String> = changed.collect();
        let tree = version.complete().tree();
        Listing::new(tree).compare(&self.folder, &mut differences);
        if keeps_modes(version.folder()) {
            for (_, path, file) in tree.files() {
                let other = is_executable(&self.folder.join(path.as_str()))
                    .is_some_and(|is_executable| is_executable != file.executable);
                if other && !differences.iter().any(|known| known == path.as_str()) {
                    differences.push(path.to_string());
                }
            }
        }
        differences
    }

    /// Puts the version in `ready` in the place of the folder. A kill at any moment leaves one of both versions in place,
    /// or, where folders cannot change places at once, one of both to be put there by [`recover`](Self::recover).
    pub(super) fn replace(&self, place: &Workplace) -> Result<(), Failure> {
        let files = InstalledVersion::files_of(&place.ready);
        let replaced = if self.folder.exists() {
            exchange_folders(&files, &self.folder, &place.aside)
        } else {
            rename_durably(&files, &self.folder)
        };
        replaced.map_err(|error| failure::of_file(&error))?;
        self.settle(place)
    }

    /// The folder has the files of `ready`: its record becomes the current one, and what is no longer needed goes.
    fn settle(&self, place: &Workplace) -> Result<(), Failure> {
        let of_file = |error| failure::of_file(&error);
        let files = InstalledVersion::files_of(&place.ready);
        // Files may be shared with the old folder; with its names their change time moves, which the record holds.
        match InstalledVersion::open_apart(&place.ready, &self.folder) {
            Ok(version) => version.while_unlinking(|| remove_tree(&files)),
            Err(_) => remove_tree(&files),
        }
        .map_err(of_file)?;
        let name = self.folder.file_name().unwrap_or_default();
        let target = Path::new("..").join("..").join(name);
        if let Err(error) = link_folder(&target, &files) {
            tracing::warn!(%error, "without this link the next clone cannot reuse what is there");
        }
        remove_tree(&place.current).map_err(of_file)?;
        rename_durably(&place.ready, &place.current).map_err(of_file)?;
        for path in [&place.leftover, &place.seeds, &place.staging] {
            remove_tree(path).map_err(of_file)?;
        }
        Ok(())
    }

    /// Whether the folder has the files of the version that a clone had ready before it was killed.
    pub(super) fn is_in_place(&self, ready: &Path) -> bool {
        InstalledVersion::open_apart(ready, &self.folder)
            .is_ok_and(|ready| self.folder.exists() && self.differences(&ready).is_empty())
    }

    /// Finishes, or takes back, what a killed clone had begun to put in place.
    pub(super) fn recover(&self, place: &Workplace) -> Result<(), Failure> {
        let of_file = |error| failure::of_file(&error);
        remove_tree(&place.seeds).map_err(of_file)?;
        if place.aside.exists() {
            if self.folder.exists() {
                remove_tree(&place.aside).map_err(of_file)?;
            } else {
                rename_durably(&place.aside, &self.folder).map_err(of_file)?;
            }
        }
        if !place.ready.exists() {
            return Ok(());
        }
        if self.is_in_place(&place.ready) {
            return self.settle(place);
        }
        remove_tree(&place.leftover).map_err(of_file)?;
        rename_durably(&place.ready, &place.leftover).map_err(of_file)
    }
}

/// What should be in a folder.
struct Listing<'a> {
    files: BTreeSet<&'a str>,
    folders: BTreeSet<&'a str>,
}

impl<'a> Listing<'a> {
    fn new(tree: &'a Tree) -> Self {
        let mut listing = Self { files: BTreeSet::new(), folders: BTreeSet::new() };
        for entry in tree.entries() {
            let path = entry.path.as_str();
            match entry.node {
                Node::Folder => listing.folders.insert(path),
                Node::File(_) => listing.files.insert(path),
            };
        }
        listing
    }

    /// Adds what is there and should not be, and folders that should be there and are not. Files that are missing are seen
    /// by whoever looks at files.
    fn compare(&self, root: &Path, differences: &mut Vec<String>) {
        let missing = self.folders.iter().filter(|folder| !is_real_folder(&root.join(folder)));
        differences.extend(missing.map(|folder| (*folder).to_owned()));
        self.compare_below(root, None, differences);
    }

    fn compare_below(
        &self,
        folder: &Path,
        within: Option<&PackPath>,
        differences: &mut Vec<String>,
    ) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = PackPath::new(match within {
                Some(within) => format!("{within}/{name}"),
                None => name.clone(),
            });
            let Ok(path) = path else {
                differences.push(name);
                continue;
            };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && self.folders.contains(path.as_str()) => {
                    self.compare_below(&entry.path(), Some(&path), differences);
                }
                Ok(kind) if !kind.is_dir() && self.files.contains(path.as_str()) => {}
                _ => differences.push(path.to_string()),
            }
        }
    }
}

fn is_real_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|facts| facts.is_dir())
}

/// Whether files here have the modes that they are given. The record in `folder` tells: on file systems that give all files the same
/// one it does not have its own.
#[cfg(unix)]
fn keeps_modes(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let facts = folder.join("version.record").symlink_metadata();
    facts.is_ok_and(|facts| facts.permissions().mode() & 0o777 == 0o600)
}

#[cfg(not(unix))]
const fn keeps_modes(_: &Path) -> bool {
    false
}

/// Whether its owner may execute a file; nothing of what is no file.
#[cfg(unix)]
fn is_executable(path: &Path) -> Option<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    let facts = path.symlink_metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some(facts.permissions().mode() & 0o100 != 0)
}

#[cfg(not(unix))]
const fn is_executable(_: &Path) -> Option<bool> {
    None
}
