//! Putting undamaged files into a version that is in its place.

use std::path::Path;

use headstart_model::PackPath;
use headstart_pack::{CompleteTree, FileNode, FormatError, Node};
use headstart_sys::identity::FileStamp;
use headstart_sys::mode::Access;
use headstart_sys::{Action, FileError, durable};

use crate::consumed;
use crate::error::StoreError;
use crate::installed::{ABOUT, InstalledVersion};
use crate::opened::{RECIPES, ReopenedForms, take_recipe};

/// The stamp of a file that is not there.
const NO_STAMP: FileStamp =
    FileStamp { device: 0, inode: 0, size_bytes: 0, modified_ns: 0, changed_ns: 0 };

/// Replaces what is damaged of the version in `folder` by the files of `whole`, a version of the same content that was just built
/// somewhere else below the home; gives the files that were damaged or missing. `whole` is used up: its folder is removed.
///
/// Each file is replaced by one rename: whoever has the damaged one open goes on reading the bytes that it had, whoever opens
/// it from now on gets the undamaged one. A kill leaves some files healed; the next call does the rest.
///
/// # Errors
/// [`StoreError`] when `whole` is not what it says, or the disk fails.
pub fn heal(folder: &Path, whole: InstalledVersion) -> Result<Vec<PackPath>, StoreError> {
    let source = whole.folder().to_owned();
    // The undamaged record with the files that may be damaged.
    let there = InstalledVersion::open_apart(&source, &InstalledVersion::files_of(folder))?;
    let files = there.files();
    make_folders(&files, there.complete())?;
    let before: Vec<_> = paths(there.complete()).map(|path| stamp(&files, path)).collect();
    // What was handed over is not missed, and does not come back.
    let consumed = consumed::read(folder)?;
    let damaged: Vec<PackPath> = there.verify().into_iter().map(|damage| damage.path).collect();
    let damaged: Vec<PackPath> =
        damaged.into_iter().filter(|path| !consumed.contains_key(path)).collect();
    for (entry, path, file) in there.complete().tree().files() {
        if damaged.binary_search(path).is_err() {
            continue;
        }
        put(&whole.files(), &files, path)?;
        if file.opened.is_some() {
            put_recipe(&source, folder, entry)?;
        }
        headstart_sys::crash::point("file healed");
    }
    let stamps = paths(there.complete()).zip(before).map(|(path, before)| {
        let healed = damaged.binary_search(path).is_ok();
        let now = if healed { stamp(&files, path) } else { before };
        now.or_else(|| consumed.contains_key(path).then_some(NO_STAMP))
    });
    let stamps: Option<Vec<FileStamp>> = stamps.collect();
    let stamps = stamps.ok_or_else(|| StoreError::Format {
        path: files.clone(),
        source: FormatError::Rule { what: "a file vanished while the version was healed" },
    })?;
    InstalledVersion::write_record(folder, there.complete(), &stamps)?;
    if !folder.join(ABOUT).exists() && source.join(ABOUT).exists() {
        durable::rename_durably(&source.join(ABOUT), &folder.join(ABOUT))?;
    }
    drop(there);
    drop(whole);
    // Its other files may be shared with the healed version.
    let healed = InstalledVersion::open(folder)?;
    healed.while_unlinking(|| durable::remove_tree(&source))?;
    Ok(damaged)
}

fn paths(complete: &CompleteTree) -> impl Iterator<Item = &PackPath> {
    complete.tree().files().map(|(_, path, _): (usize, &PackPath, &FileNode)| path)
}

fn stamp(files: &Path, path: &PackPath) -> Option<FileStamp> {
    FileStamp::of_path(&files.join(path.as_str())).ok()
}

/// Makes every folder of the version one, so that files can be put there.
fn make_folders(files: &Path, complete: &CompleteTree) -> Result<(), StoreError> {
    make_folder(files)?;
    // A folder comes before what is in it.
    let folders = complete.tree().entries().iter().filter(|e| matches!(e.node, Node::Folder));
    folders.map(|entry| files.join(entry.path.as_str())).try_for_each(|path| make_folder(&path))
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    if std::fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    durable::remove_tree(path)?;
    Ok(durable::create_folders(path, Access::Shared)?)
}

fn put(from: &Path, to: &Path, path: &PackPath) -> Result<(), StoreError> {
    let (from, to) = (from.join(path.as_str()), to.join(path.as_str()));
    if std::fs::symlink_metadata(&to).is_ok_and(|found| found.is_dir()) {
        durable::remove_tree(&to)?;
    }
    Ok(durable::rename_durably(&from, &to)?)
}

fn put_recipe(from: &Path, to: &Path, entry: usize) -> Result<(), StoreError> {
    let entry = u32::try_from(entry).unwrap_or(u32::MAX);
    let recipes = to.join(RECIPES);
    std::fs::create_dir_all(&recipes)
        .map_err(|error| FileError::new(Action::Create, &recipes, error))?;
    take_recipe(&ReopenedForms::recipe_path(from, entry), &ReopenedForms::recipe_path(to, entry))
}

/// Removes what earlier repairs of a pack left in `folder`, but for `keep`.
///
/// # Errors
/// [`StoreError`] when the disk fails.
pub fn sweep_repairs(folder: &Path, keep: Option<&Path>) -> Result<(), StoreError> {
    let list = match std::fs::read_dir(folder) {
        Ok(list) => list,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(FileError::new(Action::Read, folder, error).into()),
    };
    for entry in list.flatten() {
        if keep != Some(entry.path().as_path()) {
            durable::remove_tree(&entry.path())?;
        }
    }
    if keep.is_none() {
        durable::remove_tree(folder)?;
    }
    Ok(())
}
