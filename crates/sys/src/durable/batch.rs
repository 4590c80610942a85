//! Many files that get their names at once.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{folder_of, sync_folder};
use crate::crash;
use crate::error::{Action, FileError};

/// A file that is completely written and waits for its name.
#[derive(Debug)]
pub struct Unnamed {
    /// The file, open for writing. It is closed before the rename: Windows renames no open file.
    pub file: File,
    /// Its name so far.
    pub path: PathBuf,
    /// The name it gets; what lies there is replaced. On the same file system.
    pub target: PathBuf,
}

/// From so many files on, one sync of the whole file system is cheaper than one of each file.
///
/// Ours: measured with 4 KiB files on ext4, one by one a thousand files take seconds, together tens of milliseconds. What
/// other programs have written meanwhile is waited for too, which a few files should not have to.
const TOGETHER_MIN: usize = 9;

/// Gives many files their names, durably: first all content is brought to stable storage, then all are renamed, then the
/// folders are synced. So each name shows the old content or the whole new one at any moment, as with [`super::DurableFile`].
///
/// The results are in the order of the batch.
///
/// # Errors
/// [`FileError`] for each file that could not be synced or renamed; it then has its old name. If a folder cannot be synced,
/// all files in it fail, although they may have their new names.
#[must_use]
pub fn name_files(batch: Vec<Unnamed>) -> Vec<Result<(), FileError>> {
    crash::point("batch.begin");
    let together = batch.len() >= TOGETHER_MIN;
    let synced = if together { sync_together(&batch) } else { Ok(false) };
    crash::point("batch.synced");
    let mut folders = BTreeSet::new();
    let mut results = Vec::with_capacity(batch.len());
    for Unnamed { file, path, target } in batch {
        let content = match &synced {
            Ok(true) => Ok(()),
            Ok(false) => file.sync_data(),
            Err(error) => Err(copy_of(error)),
        };
        drop(file);
        let named = content.map_err(FileError::at(Action::Sync, &target)).and_then(|()| {
            fs::rename(&path, &target).map_err(FileError::at(Action::Rename, &path))
        });
        folders.insert(folder_of(&target).to_owned());
        results.push((target, named));
    }
    crash::point("batch.renamed");
    let failed: Vec<_> = folders
        .into_iter()
        .filter_map(|folder| sync_folder(&folder).err().map(|error| (folder, error.kind())))
        .collect();
    crash::point("batch.done");
    results
        .into_iter()
        .map(|(target, named)| named.and_then(|()| verdict(&target, &failed)))
        .collect()
}

fn verdict(target: &Path, failed: &[(PathBuf, io::ErrorKind)]) -> Result<(), FileError> {
    let folder = folder_of(target);
    match failed.iter().find(|(name, _)| name == folder) {
        Some((name, kind)) => Err(FileError::new(Action::Sync, name, (*kind).into())),
        None => Ok(()),
    }
}

fn copy_of(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// Syncs every file system that holds one of the files; false where the system cannot.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn sync_together(batch: &[Unnamed]) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let mut devices = BTreeSet::new();
    for Unnamed { file, .. } in batch {
        if devices.insert(file.metadata()?.dev()) {
            rustix::fs::syncfs(file)?;
        }
    }
    Ok(true)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[expect(clippy::unnecessary_wraps, reason = "Linux can fail")]
fn sync_together(_: &[Unnamed]) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unnamed(folder: &Path, number: usize) -> Unnamed {
        let path = folder.join(format!("{number}.part"));
        fs::write(&path, number.to_string()).expect("writable");
        let file = File::options().write(true).open(&path).expect("there");
        Unnamed { file, path, target: folder.join(number.to_string()) }
    }

    #[test]
    fn few_and_many_files_get_their_names_and_content() {
        for number in [1, TOGETHER_MIN + 3] {
            let folder = tempfile::tempdir().expect("a folder");
            fs::write(folder.path().join("0"), "old").expect("writable");
            let batch = (0..number).map(|number| unnamed(folder.path(), number)).collect();
            assert!(name_files(batch).into_iter().all(|named| named.is_ok()));
            assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), number);
            assert_eq!(fs::read(folder.path().join("0")).expect("there"), b"0");
        }
    }

    #[test]
    fn one_that_cannot_be_renamed_fails_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut bad = unnamed(folder.path(), 1);
        bad.target = folder.path().join("missing/1");
        let results = name_files(vec![unnamed(folder.path(), 0), bad, unnamed(folder.path(), 2)]);
        let good: Vec<_> = results.iter().map(Result::is_ok).collect();
        assert_eq!(good, [true, false, true]);
    }
}
