//! What an app can read, at one moment: without asking the service.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use headstart_model::namespace::{Entry, EntryKind, Pack, Snapshot, SnapshotError};
use headstart_model::{AppId, ErrorKind, Language, PackId, PackPath, PackVersion};
use headstart_sys::identity::FileStamp;
use headstart_sys::lock::FileLock;
use headstart_sys::map::MappedFile;

use crate::contents::Contents;
use crate::error::Error;

mod collisions;
mod files;
mod folder;
mod languages;
mod merged;
mod open;
pub(crate) mod recording;
mod size;

pub use collisions::Collision;
pub use folder::{FolderEntry, FolderEntryKind};
use merged::MergedFolders;
pub(crate) use open::Namespaces;
pub use size::SizeCalculationMethod;

/// The files of all installed packs of an app, as they were at one moment. `Spec: api 2`.
///
/// While it exists, every file that it finds stays readable where it is, also when packs are
/// updated or removed meanwhile: it holds a lock that the service respects, and that the system
/// drops when the process ends. Whoever reads several files that belong together takes one
/// `Namespace` for all of them; whoever keeps one for long keeps replaced versions on the disk for
/// so long.
///
/// Paths are those of the packs, parts joined by `/`. Where several packs have a path, the one
/// whose id is lowest in byte order answers, unless pack or language is named. `Ours:` the
/// specification leaves that choice undefined.
#[derive(Clone)]
pub struct Namespace {
    held: Arc<Held>,
}

struct Held {
    app: AppId,
    home: PathBuf,
    snapshot: Snapshot<MappedFile>,
    /// The snapshot's file.
    path: PathBuf,
    stamp: FileStamp,
    /// Folders that show the parts of several packs as one.
    merged: MergedFolders,
    /// The lease on everything that the snapshot names.
    _lease: FileLock,
}

/// Where to look for a path.
#[derive(Debug, Clone, Copy)]
enum Within<'a> {
    AllPacks,
    Pack(&'a str),
    Language(&'a Language),
}

impl Within<'_> {
    /// Whether files of `pack` are looked at.
    fn includes(&self, pack: &Pack<'_>) -> bool {
        match self {
            Self::AllPacks => true,
            Self::Pack(id) => pack.id == *id,
            Self::Language(language) => {
                pack.language.is_some_and(|tag| language.is_same_as_tag(tag))
            }
        }
    }
}

impl Namespace {
    fn new(held: Held) -> Self {
        Self { held: Arc::new(held) }
    }

    /// Whether the snapshot is still the file of its generation. An app that is removed and
    /// installed again begins to count anew.
    fn is_in_place(&self) -> bool {
        let opened = &self.held.stamp;
        // Where files have no numbers, one that is locked cannot be replaced.
        let same = |now: FileStamp| now.is_same_file(opened) || opened.inode == 0;
        FileStamp::of_path(&self.held.path).is_ok_and(same)
    }

    /// Number of this state: rises with each change of what can be read.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.held.snapshot.generation()
    }

    /// The local version of a pack.
    ///
    /// # Errors
    /// `assetPackNotFound` when it is not local, `namespaceDamaged` when the index of the files
    /// cannot be used.
    pub fn local_version(&self, id: &str) -> Result<PackVersion, Error> {
        self.local_pack(id).map(|pack| pack.version)
    }

    /// The bytes of a file, mapped into memory.
    ///
    /// # Errors
    /// `fileNotFound`, `invalidPath`; `fileDamaged` when the file on the disk is not the one that
    /// was installed; `namespaceDamaged`.
    pub fn contents(&self, path: &str) -> Result<Contents, Error> {
        self.map(path, Within::AllPacks)
    }

    /// As [`contents`](Self::contents), in this pack only.
    ///
    /// # Errors
    /// As [`contents`](Self::contents).
    pub fn contents_in(&self, pack: &str, path: &str) -> Result<Contents, Error> {
        self.map(path, Within::Pack(pack))
    }

    /// As [`contents`](Self::contents), in packs of this language only: of those whose tag means the
    /// same when implied subtags are filled in. `en` is `en-US`, and is not `en-CA`. `Spec: packs 9`.
    ///
    /// # Errors
    /// As [`contents`](Self::contents).
    pub fn contents_for(&self, language: &Language, path: &str) -> Result<Contents, Error> {
        self.map(path, Within::Language(language))
    }

    /// A file, open for reading from its beginning.
    ///
    /// # Errors
    /// As [`contents`](Self::contents).
    pub fn descriptor(&self, path: &str) -> Result<File, Error> {
        self.open(path, Within::AllPacks).map(|(file, _)| file)
    }

    /// As [`descriptor`](Self::descriptor), in this pack only.
    ///
    /// # Errors
    /// As [`contents`](Self::contents).
    pub fn descriptor_in(&self, pack: &str, path: &str) -> Result<File, Error> {
        self.open(path, Within::Pack(pack)).map(|(file, _)| file)
    }

    /// As [`descriptor`](Self::descriptor), in packs of this language only.
    ///
    /// # Errors
    /// As [`contents`](Self::contents).
    pub fn descriptor_for(&self, language: &Language, path: &str) -> Result<File, Error> {
        self.open(path, Within::Language(language)).map(|(file, _)| file)
    }

    /// Where a file or folder is. Good for as long as this `Namespace` exists; not to be kept
    /// beyond. `Spec: api 2`.
    ///
    /// A folder of which several packs have a part is shown as one: a folder of links is made for
    /// it, once. The links lead to the files of the packs, a folder that one pack alone has is one
    /// link. Where packs have the same path, the one whose id is lowest in byte order is shown.
    /// Takes time for many files: not for a thread that draws.
    ///
    /// # Errors
    /// As [`contents`](Self::contents), for a folder too: `Ours:` the specification answers with a
    /// well-formed place where nothing is; an error says more. `mergedFolderFailed` when the folder
    /// of links cannot be made.
    pub fn path(&self, path: &str) -> Result<PathBuf, Error> {
        self.locate(path, Within::AllPacks)
    }

    /// As [`path`](Self::path), in this pack only.
    ///
    /// # Errors
    /// As [`contents`](Self::contents).
    pub fn path_in(&self, pack: &str, path: &str) -> Result<PathBuf, Error> {
        self.locate(path, Within::Pack(pack))
    }

    /// As [`path`](Self::path), in packs of this language only.
    ///
    /// # Errors
    /// As [`path`](Self::path).
    pub fn path_for(&self, language: &Language, path: &str) -> Result<PathBuf, Error> {
        self.locate(path, Within::Language(language))
    }

    /// The local version of a pack, and the name that its folder has by version and content.
    pub(crate) fn edition(&self, id: &str) -> Result<(PackVersion, String), Error> {
        let pack = self.local_pack(id)?;
        let name = pack.root.rsplit('/').next().unwrap_or_default();
        Ok((pack.version, name.to_owned()))
    }

    fn local_pack(&self, id: &str) -> Result<Pack<'_>, Error> {
        let missing = || Error::asset_pack_not_found(id);
        let known = PackId::new(id).map_err(|_| missing())?;
        let found = self.held.snapshot.pack(&known).map_err(|error| self.damaged(&error))?;
        found.ok_or_else(missing)
    }

    fn map(&self, path: &str, within: Within<'_>) -> Result<Contents, Error> {
        let (file, at) = self.open(path, within)?;
        let map = MappedFile::of(&file).map_err(|error| file_damaged(path, &at, Some(&error)))?;
        Ok(Contents::new(map, self.clone()))
    }

    fn open(&self, path: &str, within: Within<'_>) -> Result<(File, PathBuf), Error> {
        let entry = self.find(path, within)?;
        let EntryKind::File { size_bytes, .. } = entry.kind else {
            let text = format!("`{path}` is a folder");
            return Err(Error::new(ErrorKind::NotFound, "fileNotFound", text).about_file(path));
        };
        let at = self.place_of(&entry);
        let damaged = |error: &std::io::Error| file_damaged(path, &at, Some(error));
        let file = File::open(&at).map_err(|error| damaged(&error))?;
        let facts = file.metadata().map_err(|error| damaged(&error))?;
        // A file that was cut short would end the process when it is mapped and read.
        if !facts.is_file() || facts.len() != size_bytes {
            return Err(file_damaged(path, &at, None));
        }
        recording::note(entry.pack.id, entry.path);
        Ok((file, at))
    }

    fn locate(&self, path: &str, within: Within<'_>) -> Result<PathBuf, Error> {
        let entry = self.find(path, within)?;
        if entry.kind == EntryKind::Folder && self.spans_packs(path, within)? {
            return self.merged_folder(path, within);
        }
        recording::note(entry.pack.id, entry.path);
        Ok(self.place_of(&entry))
    }

    /// Whether several packs have a part of a folder.
    fn spans_packs(&self, path: &str, within: Within<'_>) -> Result<bool, Error> {
        let mut parts = 0;
        for entry in self.all(path)? {
            let entry = entry.map_err(|error| self.damaged(&error))?;
            parts += u32::from(entry.kind == EntryKind::Folder && within.includes(&entry.pack));
        }
        Ok(parts > 1)
    }

    fn find(&self, path: &str, within: Within<'_>) -> Result<Entry<'_>, Error> {
        let known = PackPath::new(path)
            .map_err(|error| Error::of(ErrorKind::Usage, "invalidPath", &error))?;
        let snapshot = &self.held.snapshot;
        let found = match within {
            Within::AllPacks => snapshot.lookup(known.as_str()),
            Within::Language(language) => snapshot.lookup_for(language, known.as_str()),
            Within::Pack(id) => match PackId::new(id) {
                Ok(id) => snapshot.lookup_in(&id, known.as_str()),
                Err(_) => Ok(None),
            },
        };
        let found = found.map_err(|error| self.damaged(&error))?;
        found.ok_or_else(|| file_not_found(path))
    }

    fn all(
        &self,
        path: &str,
    ) -> Result<impl Iterator<Item = Result<Entry<'_>, SnapshotError>>, Error> {
        self.held.snapshot.lookup_all(path).map_err(|error| self.damaged(&error))
    }

    fn place_of(&self, entry: &Entry<'_>) -> PathBuf {
        let mut at = self.held.home.clone();
        // Both were checked to stay below when they were read from the snapshot.
        at.extend(entry.pack.root.split('/').chain(entry.path.split('/')));
        at
    }

    fn damaged(&self, error: &SnapshotError) -> Error {
        namespace_damaged(&self.held.app, error)
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Namespace")
            .field("app", &self.held.app)
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}

pub(crate) fn file_not_found(path: &str) -> Error {
    // A path from a caller may be any text: it is cut before it enters a message.
    let shown: String = path.chars().take(200).collect();
    let text = format!("no installed asset pack has `{shown}`");
    let hint = "ensure that its pack is available locally first";
    Error::new(ErrorKind::NotFound, "fileNotFound", text).with_hint(hint).about_file(path)
}

fn namespace_damaged(app: &AppId, error: &(dyn std::error::Error + 'static)) -> Error {
    let text = format!("the index of the installed files of {app} cannot be used");
    Error::new(ErrorKind::Internal, "namespaceDamaged", text)
        .caused_by(error)
        .with_hint("restart the service: it writes the index anew")
}

fn file_damaged(path: &str, at: &Path, error: Option<&std::io::Error>) -> Error {
    let text = format!("`{path}` is not what was installed ({})", at.display());
    let damaged = Error::new(ErrorKind::Internal, "fileDamaged", text);
    error
        .map_or(damaged.clone(), |error| damaged.caused_by(error))
        .with_hint("`headstart packs verify --repair` heals it")
}
