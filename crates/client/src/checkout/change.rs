//! What has to change in a folder, and changing it.

use std::fs;
use std::path::{Path, PathBuf};

use headstart_model::PackVersion;
use headstart_sys::clone::{Allowed, CloneError, Cloned, clone_file};
use headstart_sys::durable::{create_folders, remove_tree, sync_tree};
use headstart_sys::mode::{Access, Executable, Mode, set_mode};
use headstart_sys::{Action, FileError};

use super::Overwrite;
use super::place::{Place, of_file};
use super::record::{Identity, Placed, Record};
use crate::error::Error;

/// What a pack has.
#[derive(Debug, Default)]
pub(crate) struct PackFiles {
    /// By path.
    pub(crate) files: Vec<PackFile>,
    /// By path.
    pub(crate) folders: Vec<String>,
}

/// A file of a pack.
#[derive(Debug)]
pub(crate) struct PackFile {
    pub(crate) path: String,
    pub(crate) source: PathBuf,
    pub(crate) executable: bool,
}

/// What has to change.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Numbers of the files that are put there, and what each is made of.
    pub(super) put: Vec<(usize, Identity)>,
    /// Paths of the files that go.
    pub(super) remove: Vec<String>,
    /// Paths of files that somebody changed, in nobody's way.
    pub(super) kept: Vec<String>,
    /// Paths at which somebody's file would be lost.
    pub(super) conflicts: Vec<String>,
}

impl Changes {
    /// What makes the folder that `record` describes have what is `wanted`.
    pub(super) fn between(
        place: &Place,
        record: &Record,
        wanted: &PackFiles,
        overwrite: Overwrite,
    ) -> Result<Self, Error> {
        let mut changes = Self::default();
        let force = overwrite == Overwrite::Allowed;
        let identity = |path: &Path| Identity::of_path(path).map_err(|error| of_file(&error));
        for (number, file) in wanted.files.iter().enumerate() {
            let source = identity(&file.source)?.ok_or_else(|| missing(&file.source))?;
            let known = record.files.get(&file.path);
            let blocker = place.blocker(&file.path);
            // A file of the pack that becomes a folder is no obstacle: it goes.
            let goes = match blocker {
                Some(above) => record.source_of(above, identity(&place.path_of(above))?).is_some(),
                None => false,
            };
            let reachable = blocker.is_none();
            let there = if reachable { identity(&place.path_of(&file.path))? } else { None };
            let ours = record.source_of(&file.path, there);
            if ours == Some(source) {
                continue;
            }
            let replaced = known.is_some_and(|known| known.iter().any(|one| one.source == source));
            let free = (reachable || goes) && there.is_none() && known.is_none();
            let folder = reachable && is_own_folder(place, record, &file.path)?;
            if ours.is_some() || free || folder || force {
                changes.put.push((number, source));
            } else if replaced {
                // The pack's file is the one of last time; what somebody made of it stays.
                changes.kept.push(file.path.clone());
            } else {
                changes.conflicts.push(file.path.clone());
            }
        }
        for path in &wanted.folders {
            let at = place.path_of(path);
            let there = if place.is_reachable(path) { identity(&at)? } else { None };
            let stands = there.is_none() || at.is_dir() || record.source_of(path, there).is_some();
            if !stands && !force {
                changes.conflicts.push(path.clone());
            }
        }
        for path in record.files.keys() {
            let stays = wanted.files.binary_search_by(|file| file.path.as_str().cmp(path)).is_ok();
            if stays || !place.is_reachable(path) {
                continue;
            }
            let there = identity(&place.path_of(path))?;
            if record.source_of(path, there).is_some() || (force && there.is_some()) {
                changes.remove.push(path.clone());
            } else if there.is_some() {
                changes.conflicts.push(path.clone());
            }
        }
        changes.conflicts.sort_unstable();
        changes.conflicts.dedup();
        Ok(changes)
    }

    /// Makes the changes; gives the bytes that were copied. A kill leaves files of both versions; the next checkout does the rest,
    /// and takes none of them for somebody's.
    pub(super) fn make(
        &self,
        place: &Place,
        record: Record,
        version: PackVersion,
        wanted: &PackFiles,
    ) -> Result<u64, Error> {
        self.perform(place, record, version, wanted).map_err(|error| of_file(&error))
    }

    fn perform(
        &self,
        place: &Place,
        mut record: Record,
        version: PackVersion,
        wanted: &PackFiles,
    ) -> Result<u64, FileError> {
        let workshop = place.workshop();
        remove_tree(&workshop)?;
        create_folders(&workshop, Access::Shared)?;
        let mut bytes_copied = 0;
        for (number, source) in &self.put {
            let Some(file) = wanted.files.get(*number) else { continue };
            let made = workshop.join(number.to_string());
            bytes_copied += make(file, &made)?;
            if let Some(target) = Identity::of_path(&made)? {
                let placed = Placed { source: *source, target };
                record.files.entry(file.path.clone()).or_default().push(placed);
            }
        }
        sync_tree(&workshop)?;
        record.folders.extend(wanted.folders.iter().cloned());
        record.folders.sort_unstable();
        record.folders.dedup();
        record.write(place.state())?;
        headstart_sys::crash::point("checkout recorded");
        self.put_in_place(place, wanted)?;
        settle(place, record, version, wanted)?;
        remove_tree(&workshop)?;
        Ok(bytes_copied)
    }

    fn put_in_place(&self, place: &Place, wanted: &PackFiles) -> Result<(), FileError> {
        for path in &self.remove {
            remove_tree(&place.path_of(path))?;
        }
        create_folders(place.folder(), Access::Shared)?;
        for folder in &wanted.folders {
            make_folder(place, folder)?;
        }
        for (number, _) in &self.put {
            let Some(file) = wanted.files.get(*number) else { continue };
            let at = place.path_of(&file.path);
            if at.symlink_metadata().is_ok_and(|facts| facts.is_dir()) {
                remove_tree(&at)?;
            }
            let made = place.workshop().join(number.to_string());
            fs::rename(&made, &at).map_err(|error| FileError::new(Action::Rename, &at, error))?;
            headstart_sys::crash::point("checkout file");
        }
        Ok(())
    }
}

/// Whether a folder of an earlier version lies at `path`, with nothing of somebody's in it.
fn is_own_folder(place: &Place, record: &Record, path: &str) -> Result<bool, Error> {
    let mut open = vec![path.to_owned()];
    while let Some(path) = open.pop() {
        let at = place.path_of(&path);
        if record.folders.binary_search(&path).is_err()
            || !at.symlink_metadata().is_ok_and(|facts| facts.is_dir())
        {
            return Ok(false);
        }
        let failed = |error| of_file(&FileError::new(Action::Read, &at, error));
        for entry in fs::read_dir(&at).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else { return Ok(false) };
            let below = format!("{path}/{name}");
            let there = Identity::of_path(&entry.path()).map_err(|error| of_file(&error))?;
            if record.source_of(&below, there).is_none() {
                open.push(below);
            }
        }
    }
    Ok(true)
}

/// Leaves in the record what is there now, and removes folders that the pack has no more and that are empty.
fn settle(
    place: &Place,
    mut record: Record,
    version: PackVersion,
    wanted: &PackFiles,
) -> Result<(), FileError> {
    record.files.retain(|path, _| {
        wanted.files.binary_search_by(|file| file.path.as_str().cmp(path)).is_ok()
    });
    for placed in record.files.values_mut() {
        let newest = placed.split_off(placed.len().saturating_sub(1));
        *placed = newest;
    }
    for folder in record.folders.iter().rev() {
        if wanted.folders.binary_search(folder).is_err() && place.is_reachable(folder) {
            // One with somebody's files in it stays.
            drop(fs::remove_dir(place.path_of(folder)));
        }
    }
    record.folders.clone_from(&wanted.folders);
    record.version = Some(version);
    record.write(place.state())
}

/// Folders of the pack are sorted, so those above a folder come before it.
fn make_folder(place: &Place, folder: &str) -> Result<(), FileError> {
    let at = place.path_of(folder);
    if !at.symlink_metadata().is_ok_and(|facts| facts.is_dir()) {
        // Only where replacing is allowed: else files below it were conflicts, or it has none.
        remove_tree(&at)?;
        create_folders(&at, Access::Shared)?;
    }
    Ok(())
}

/// Makes a writable file with the content of a pack's; gives the bytes that were copied.
fn make(file: &PackFile, at: &Path) -> Result<u64, FileError> {
    let cloned =
        clone_file(&file.source, at, Allowed::ReflinkOrCopy).map_err(|error| match error {
            CloneError::File(error) => error,
            error => FileError::new(Action::Clone, &file.source, std::io::Error::other(error)),
        })?;
    let executable = if file.executable { Executable::Yes } else { Executable::No };
    set_mode(at, Mode { access: Access::Shared, executable })?;
    match cloned {
        Cloned::Copied { bytes } => Ok(bytes),
        Cloned::Reflink | Cloned::HardLink => Ok(0),
    }
}

fn missing(source: &Path) -> Error {
    let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
    of_file(&FileError::new(Action::Read, source, missing))
}
