//! Folders of which several packs have a part, shown as one: folders of links.
//!
//! `Ours:` the specification says that such a folder is given as one place, good for the life of the
//! process (`Spec: api 2`), and not how. The files of packs lie in folders of their own and must not
//! be touched (a second name would change them, and a repair would believe them changed), so the one
//! place is made of symbolic links.
//!
//! Each namespace that is held has a folder `apps/APP/merged/N` of its own, and a lock `N.lock`
//! beside it that the kernel drops when the process dies. It is removed when the namespace is let
//! go; what a killed process left is removed by the next one that makes such a folder.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use headstart_model::ErrorKind;
use headstart_model::namespace::{Entry, EntryKind};
use headstart_sys::durable::{create_folders, remove_tree};
use headstart_sys::link::{link_file, link_folder};
use headstart_sys::lock::{FileLock, Sharing};
use headstart_sys::mode::Access;
use headstart_sys::{Action, FileError};

use super::{Namespace, Within};
use crate::error::Error;

/// The end of a lock's name.
const LOCK_END: &str = ".lock";

/// Folders of other processes that may live at one time. `Ours:` each process of an app holds a few;
/// more means that locks do not work here.
const FOLDERS_MAX: u32 = 100_000;

/// The merged folders of one namespace that is held.
#[derive(Debug)]
pub(super) struct MergedFolders {
    /// Where the folders of all processes lie.
    shelf: PathBuf,
    made: Mutex<Made>,
}

#[derive(Debug, Default)]
struct Made {
    own: Option<OwnFolder>,
    /// By path and by what is looked at.
    places: BTreeMap<(String, String), PathBuf>,
}

/// A folder that is ours for as long as the lock is held.
#[derive(Debug)]
struct OwnFolder {
    folder: PathBuf,
    lock_file: PathBuf,
    _lock: FileLock,
}

impl MergedFolders {
    /// Nothing is made before a merged folder is asked for.
    pub(super) fn new(shelf: PathBuf) -> Self {
        Self { shelf, made: Mutex::default() }
    }
}

impl Namespace {
    /// The folder that shows every part of the folder `path`.
    pub(super) fn merged_folder(&self, path: &str, within: Within<'_>) -> Result<PathBuf, Error> {
        let scope = match within {
            Within::Language(language) => language.as_str().to_owned(),
            Within::AllPacks | Within::Pack(_) => String::new(),
        };
        let merged = &self.held.merged;
        let mut made = merged.made.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (path.to_owned(), scope);
        if let Some(place) = made.places.get(&key) {
            return Ok(place.clone());
        }
        if made.own.is_none() {
            made.own = Some(OwnFolder::make(&merged.shelf).map_err(|e| failed(path, &e))?);
        }
        let own = made.own.as_ref().map_or(merged.shelf.as_path(), |own| own.folder.as_path());
        let root = own.join(made.places.len().to_string());
        let place: PathBuf = std::iter::once(root.as_os_str())
            .chain(path.split('/').map(std::ffi::OsStr::new))
            .collect();
        if let Err(error) = self.fill(&place, path, within) {
            // What is half made would be taken for whole by whoever finds it.
            drop(remove_tree(&root));
            return Err(error);
        }
        made.places.insert(key, place.clone());
        Ok(place)
    }

    /// Makes the folder `place` with links to everything that `folder` has in any pack.
    fn fill(&self, place: &Path, folder: &str, within: Within<'_>) -> Result<(), Error> {
        let mut open = vec![(place.to_owned(), folder.to_owned())];
        while let Some((place, folder)) = open.pop() {
            create_folders(&place, Access::Private).map_err(|error| failed(&folder, &error))?;
            for (name, parts) in self.names_in(&folder, within)? {
                let at = place.join(&name);
                let linked = match parts.as_slice() {
                    [only] if only.kind == EntryKind::Folder => {
                        link_folder(&self.place_of(only), &at)
                    }
                    [first, ..] if first.kind != EntryKind::Folder => {
                        link_file(&self.place_of(first), &at)
                    }
                    _ => {
                        open.push((at, format!("{folder}/{name}")));
                        continue;
                    }
                };
                linked.map_err(|error| failed(&folder, &error))?;
            }
        }
        Ok(())
    }

    /// What stands in a folder under each name: one file, or every folder of that name. By pack.
    fn names_in(
        &self,
        folder: &str,
        within: Within<'_>,
    ) -> Result<BTreeMap<String, Vec<Entry<'_>>>, Error> {
        let mut names: BTreeMap<String, Vec<Entry<'_>>> = BTreeMap::new();
        let children = self.held.snapshot.children(folder).map_err(|error| self.damaged(&error))?;
        for entry in children {
            let entry = entry.map_err(|error| self.damaged(&error))?;
            if !within.includes(&entry.pack) {
                continue;
            }
            let name = entry.path.rsplit('/').next().unwrap_or(entry.path);
            let parts = names.entry(name.to_owned()).or_default();
            // The first pack says whether the name is a file or a folder.
            if parts.first().is_none_or(|first| {
                first.kind == EntryKind::Folder && entry.kind == EntryKind::Folder
            }) {
                parts.push(entry);
            }
        }
        Ok(names)
    }
}

impl OwnFolder {
    fn make(shelf: &Path) -> Result<Self, FileError> {
        create_folders(shelf, Access::Private)?;
        sweep(shelf);
        // Numbers are of processes, so that those who begin together do not ask for the same ones.
        let first = std::process::id();
        for number in (0..FOLDERS_MAX).map(|step| first.wrapping_add(step)) {
            let folder = shelf.join(number.to_string());
            let lock_file = shelf.join(format!("{number}{LOCK_END}"));
            let Some(lock) = FileLock::try_acquire(&lock_file, Sharing::Exclusive)? else {
                continue;
            };
            remove_tree(&folder)?;
            create_folders(&folder, Access::Private)?;
            return Ok(Self { folder, lock_file, _lock: lock });
        }
        let full = io::Error::from(io::ErrorKind::QuotaExceeded);
        Err(FileError::new(Action::Create, shelf, full))
    }
}

impl Drop for OwnFolder {
    fn drop(&mut self) {
        // What cannot be removed now is removed by whoever makes such a folder next.
        let gone = remove_tree(&self.folder).is_ok();
        if gone {
            drop(std::fs::remove_file(&self.lock_file));
        }
    }
}

/// Removes the folders of processes that are gone.
fn sweep(shelf: &Path) {
    let Ok(entries) = std::fs::read_dir(shelf) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        // Nothing but a number: a name such as `..` would lead elsewhere.
        let number = name.to_str().and_then(|name| name.strip_suffix(LOCK_END));
        let Some(number) = number.and_then(|number| number.parse::<u32>().ok()) else { continue };
        let lock_file = entry.path();
        // Held by nobody: its process is gone, and nobody else can take the number meanwhile.
        let lock = FileLock::try_acquire(&lock_file, Sharing::Exclusive);
        if let Ok(Some(_lock)) = lock
            && remove_tree(&shelf.join(number.to_string())).is_ok()
        {
            drop(std::fs::remove_file(&lock_file));
        }
    }
}

fn failed(path: &str, error: &FileError) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::NoSpace,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Refused,
        _ => ErrorKind::Internal,
    };
    let text = format!("the folder `{path}` of several packs cannot be shown as one");
    Error::new(kind, "mergedFolderFailed", text)
        .caused_by(error)
        .with_hint("name the pack, or list the folder over all packs")
}
