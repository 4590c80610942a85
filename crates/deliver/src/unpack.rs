//! Unpacking an archive into a folder that may hold other things.

use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::{Path, PathBuf};

use headstart_model::{ErrorKind, Failure};
use headstart_pack::{ArchiveReader, FormatError, Node, Tree};
use headstart_store::{Assembly, Finish, InstalledVersion, StoreError};
use headstart_sys::beneath::{BeneathError, Root};
use headstart_sys::mode::Access;

/// How the name begins of the folder where an archive is unpacked before its files go to their places; below the target,
/// so that a rename moves them. The rest is random: a name that is known could be a link already, laid by somebody else who
/// may write there.
const STAGING: &str = ".headstart-unpack-";

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
    let name = create_staging(&root).map_err(target)?;
    let staging = folder.join(&name);
    let result = assemble(&mut reader, &staging.join("work"), &staging.join("ready"), progress)
        .map_err(|error| match error {
            UnpackError::Archive { source, .. } => broken(source),
            other => other,
        })
        .and_then(|()| move_files(&root, &tree, &name.join("ready")).map_err(target));
    let cleaned = root.remove_tree(&name).map_err(target);
    result.and(cleaned)?;
    Ok(Unpacked { files: tree.files().count() as u64, bytes: tree.installed_bytes() })
}

/// Makes a folder that nobody else knew of, and that nobody else may write to. Gives its name.
fn create_staging(root: &Root) -> Result<PathBuf, BeneathError> {
    loop {
        let random = RandomState::new().build_hasher().finish();
        let name = PathBuf::from(format!("{STAGING}{random:016x}"));
        match root.create_folder(&name, Access::Private) {
            Ok(()) => return Ok(name),
            Err(error) if error.is_taken() => {}
            Err(error) => return Err(error),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> (tempfile::TempDir, Root) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = Root::open(folder.path()).expect("it exists");
        (folder, root)
    }

    #[cfg(unix)]
    #[test]
    fn the_staging_folder_is_new_and_private_each_time() {
        use std::os::unix::fs::PermissionsExt as _;
        let (folder, root) = root();
        let one = create_staging(&root).expect("room");
        let other = create_staging(&root).expect("room");
        assert_ne!(one, other);
        let metadata = std::fs::symlink_metadata(folder.path().join(one)).expect("exists");
        assert!(metadata.is_dir());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o700);
    }

    #[cfg(unix)]
    #[test]
    fn a_planted_link_is_never_taken_for_the_staging_folder() {
        let (folder, root) = root();
        let elsewhere = tempfile::tempdir().expect("a temporary folder");
        let planted = Path::new(".headstart-unpack-0");
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join(planted)).expect("room");
        let error = root.create_folder(planted, Access::Private).expect_err("something is there");
        assert!(error.is_taken(), "{error}");
    }

    #[test]
    fn a_refused_archive_leaves_nothing_behind() {
        let (folder, _) = root();
        let archive = folder.path().join("archive");
        let bytes = archive_of(folder.path());
        // The header and the index are good, the last block is not.
        let mut damaged = bytes;
        *damaged.last_mut().expect("not empty") ^= 1;
        std::fs::write(&archive, damaged).expect("room");
        let target = folder.path().join("target");
        let refused = unpack(&archive, &target, Overwrite::Refuse, &mut |_, _| {});
        assert!(matches!(refused, Err(UnpackError::Archive { .. })), "{refused:?}");
        let left = std::fs::read_dir(&target).map_or(0, Iterator::count);
        assert_eq!(left, 0);
    }

    /// An archive of one file, made in `folder`.
    fn archive_of(folder: &Path) -> Vec<u8> {
        use headstart_pack::selection::{SelectedFile, Selection};
        let source = folder.join("source");
        std::fs::write(&source, [7_u8; 5000]).expect("room");
        let mut selection = Selection::default();
        let path = headstart_model::PackPath::new("file").expect("a good path");
        selection.files.push(SelectedFile { path, source, size: 5000, executable: false });
        let mut out = std::io::Cursor::new(Vec::new());
        let go_on = &mut |_| std::ops::ControlFlow::Continue(());
        headstart_pack::build_archive(
            b"{}",
            &selection,
            headstart_pack::Level::Fast,
            &mut out,
            go_on,
        )
        .expect("a good selection");
        out.into_inner()
    }
}
