//! Unpacking an archive into a folder that may hold other things.

use std::fs::File;
use std::path::{Path, PathBuf};

use headstart_model::{ErrorKind, Failure};
use headstart_pack::{ArchiveReader, FormatError, Node, Tree};
use headstart_store::{Assembly, Finish, InstalledVersion, StoreError};
use headstart_sys::beneath::{BeneathError, Root};
use headstart_sys::mode::Access;

/// Where an archive is unpacked before its files go to their places; below the target, so that a rename moves them.
const STAGING: &str = ".headstart-unpack";

/// What happens to a file that is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// Nothing: unpacking is refused before anything was written.
    Refuse,
    /// It is replaced.
    Replace,
}

/// An archive that was unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpacked {
    /// Number of files.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// The archive cannot be read.
    #[error("`{}` cannot be unpacked", .archive.display())]
    Archive {
        /// The archive.
        archive: PathBuf,
        /// Why.
        #[source]
        source: FormatError,
    },
    /// The archive does not exist or cannot be opened.
    #[error("`{}` cannot be opened", .archive.display())]
    Open {
        /// The archive.
        archive: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file is in the way.
    #[error("`{}` exists already", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The target folder cannot be used.
    #[error("`{}` cannot be written to", .folder.display())]
    Target {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: BeneathError,
    },
    /// Writing failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UnpackError {
    /// The failure as it is told to people and programs.
    #[must_use]
    pub fn to_failure(&self) -> Failure {
        let (kind, code, hint) = match self {
            Self::Open { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                (ErrorKind::NotFound, "archiveNotFound", "")
            }
            Self::Open { .. } => (ErrorKind::Internal, "fileFailed", ""),
            Self::Archive { source: FormatError::Io(_), .. } => {
                (ErrorKind::Internal, "fileFailed", "")
            }
            Self::Archive { .. } => (
                ErrorKind::InvalidInput,
                "archiveDamaged",
                "fetch or build the archive again; `headstart verify` says what is damaged",
            ),
            Self::Exists { .. } => (
                ErrorKind::Conflict,
                "fileExists",
                "choose another folder, or replace files with --force",
            ),
            Self::Target { .. } => (
                ErrorKind::Refused,
                "targetRefused",
                "links below the target folder are not followed; choose a folder without them",
            ),
            Self::Store(error) => return error.to_failure(),
        };
        Failure::from_error(kind, code, self).with_hint(hint)
    }
}

/// Unpacks `archive` into `folder`, which is made if it does not exist. No link below `folder` is followed. Every block is
/// verified, and no file appears in its place before the whole archive was found good. `progress` hears plain bytes done
/// and in all.
///
/// # Errors
/// [`UnpackError`]; then no file of the archive is in its place, unless moving the finished files failed half-way.
pub fn unpack(
    archive: &Path,
    folder: &Path,
    overwrite: Overwrite,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Unpacked, UnpackError> {
    let file = File::open(archive)
        .map_err(|source| UnpackError::Open { archive: archive.to_owned(), source })?;
    let broken = |source| UnpackError::Archive { archive: archive.to_owned(), source };
    let mut reader = ArchiveReader::open(file).map_err(broken)?;
    let target = |source| UnpackError::Target { folder: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(|error| {
        StoreError::from(headstart_sys::FileError::new(
            headstart_sys::Action::Create,
            folder,
            error,
        ))
    })?;
    let root = Root::open(folder).map_err(target)?;
    let tree = reader.complete().tree().clone();
    if overwrite == Overwrite::Refuse {
        refuse_existing(&root, &tree, folder)?;
    }
    let staging = folder.join(STAGING);
    let ready = staging.join("ready");
    let result = assemble(&mut reader, &staging.join("work"), &ready, progress)
        .map_err(|error| match error {
            UnpackError::Archive { source, .. } => broken(source),
            other => other,
        })
        .and_then(|()| move_files(&root, &tree, &Path::new(STAGING).join("ready")).map_err(target));
    let cleaned = root.remove_tree(Path::new(STAGING)).map_err(target);
    result.and(cleaned)?;
    Ok(Unpacked { files: tree.files().count() as u64, bytes: tree.installed_bytes() })
}

fn refuse_existing(root: &Root, tree: &Tree, folder: &Path) -> Result<(), UnpackError> {
    for (_, path, _) in tree.files() {
        let found = root.facts(Path::new(path.as_str()));
        let found =
            found.map_err(|source| UnpackError::Target { folder: folder.to_owned(), source })?;
        if found.is_some() {
            return Err(UnpackError::Exists { path: folder.join(path.as_str()) });
        }
    }
    Ok(())
}

fn assemble(
    reader: &mut ArchiveReader<File>,
    staging: &Path,
    ready: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), UnpackError> {
    let (tree, table) = (reader.complete().tree().clone(), reader.table().clone());
    let content = reader.header().content;
    let total = tree.unique_bytes();
    let mut assembly = Assembly::open(staging, tree.clone(), &content)?;
    let mut done = 0;
    progress(0, total);
    reader.blocks(|number, stored| {
        assembly.put_block(&table, number, &stored)?;
        done += table.blocks().get(number as usize).map_or(0, |block| block.plain_bytes(&tree));
        progress(done, total);
        Ok::<_, UnpackError>(())
    })?;
    let finish = Finish { folder: ready.to_owned(), access: Access::Shared, about: Vec::new() };
    assembly.finish(&content, &finish)?;
    Ok(())
}

impl From<FormatError> for UnpackError {
    fn from(source: FormatError) -> Self {
        Self::Archive { archive: PathBuf::new(), source }
    }
}

/// Moves every file to its place; each is whole and synced already.
fn move_files(root: &Root, tree: &Tree, ready: &Path) -> Result<(), BeneathError> {
    let files = InstalledVersion::files_of(ready);
    for entry in tree.entries() {
        let path = Path::new(entry.path.as_str());
        match entry.node {
            Node::Folder => root.create_folders(path, Access::Shared)?,
            Node::File(_) => root.rename(&files.join(path), path)?,
        }
    }
    Ok(())
}
