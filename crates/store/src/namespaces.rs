//! The generations of an app's namespace, and the leases on them.
//!
//! `current` names the newest generation; a reader holds a shared lock on the snapshot file that it mapped. A generation
//! that is not the newest and that nobody holds is removed; a version that a remaining generation names is in use.

mod consume;
mod lease;
mod previous;
mod removal;

use std::fs::File;
use std::path::{Path, PathBuf};

use headstart_model::namespace::{self, Builder, CURRENT_FILE, EntryKind, NewPack, Snapshot};
use headstart_model::{AppId, Digest, Language, PackId, PackPath, PackVersion};
use headstart_pack::{CompleteTree, Node};
use headstart_sys::lock::{FileLock, Sharing};
use headstart_sys::mode::{Access, Mode};
use headstart_sys::{Action, FileError, durable, map::MappedFile};

use crate::consumed;
use crate::error::StoreError;
use crate::installed::InstalledVersion;
use crate::layout::Layout;
pub use consume::HandedOver;
pub use lease::Lease;
use previous::Previous;

/// A pack in the newest generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LivePack {
    /// The pack.
    pub id: PackId,
    /// The version that apps read.
    pub version: PackVersion,
    /// Its language.
    pub language: Option<Language>,
    /// The folder of the version, below the home.
    pub folder: String,
}

impl LivePack {
    /// The folder's name for a version, parts joined by `/`.
    #[must_use]
    pub fn folder_of(
        layout: &Layout,
        app: &AppId,
        pack: &PackId,
        version: (PackVersion, &Digest),
    ) -> String {
        let folder = layout.version(app, pack, version);
        let below = folder.strip_prefix(layout.home()).unwrap_or(&folder);
        let parts = below.components().map(|part| part.as_os_str().to_string_lossy());
        parts.collect::<Vec<_>>().join("/")
    }
}

/// Whether a version could be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Removed,
    /// A program still reads it.
    InUse,
}

/// Whether a generation is made that differs in nothing from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Always {
    Yes,
    No,
}

/// The namespace of one app.
#[derive(Debug, Clone)]
pub struct Namespaces {
    layout: Layout,
    app: AppId,
    folder: PathBuf,
}

impl Namespaces {
    /// The namespace of `app` below the home of `layout`.
    #[must_use]
    pub fn new(layout: &Layout, app: &AppId) -> Self {
        Self { layout: layout.clone(), app: app.clone(), folder: layout.namespaces(app) }
    }

    /// The newest generation; none before the first switch.
    ///
    /// # Errors
    /// [`StoreError`] when the file that names it cannot be read.
    pub fn current(&self) -> Result<Option<u64>, StoreError> {
        let path = self.folder.join(CURRENT_FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => match text.trim().parse() {
                Ok(generation) => Ok(Some(generation)),
                Err(source) => Err(StoreError::Namespace { path, source: Box::new(source) }),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(FileError::new(Action::Read, path, error).into()),
        }
    }

    /// The path of a generation's snapshot.
    #[must_use]
    pub fn snapshot(&self, generation: u64) -> PathBuf {
        self.folder.join(namespace::file_name(generation))
    }

    /// The packs of the newest generation, by id.
    ///
    /// # Errors
    /// [`StoreError`] when the snapshot cannot be read.
    pub fn live(&self) -> Result<Vec<LivePack>, StoreError> {
        match self.current()? {
            Some(generation) => read_packs(&self.snapshot(generation)),
            None => Ok(Vec::new()),
        }
    }

    /// The packs of every generation that stays: the newest, and those that somebody holds.
    ///
    /// # Errors
    /// [`StoreError`] when a snapshot cannot be read.
    pub fn named(&self) -> Result<Vec<LivePack>, StoreError> {
        let mut named = Vec::new();
        for generation in self.sweep()? {
            named.extend(read_packs(&self.snapshot(generation))?);
        }
        Ok(named)
    }

    /// Makes exactly `packs` readable, as the next generation. The switch is the durable replacing of one small file:
    /// after a kill either the old generation is the newest or the new one. Does nothing when it is so already.
    ///
    /// Packs that stay as they are come from the newest snapshot, so that the damaged record of one pack does not keep the
    /// others from changing; the records are read of the others only, and of all when that snapshot is damaged.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing changed.
    pub fn switch(&self, packs: Vec<LivePack>) -> Result<u64, StoreError> {
        self.make_next(packs, Always::No)
    }

    /// Makes the same packs readable again, as the next generation: for when it has changed which of their files are there.
    fn renew(&self) -> Result<u64, StoreError> {
        self.make_next(self.live()?, Always::Yes)
    }

    fn make_next(&self, mut packs: Vec<LivePack>, always: Always) -> Result<u64, StoreError> {
        packs.sort_by(|a, b| a.id.cmp(&b.id));
        let current = self.current()?;
        let mut previous = current.map_or_else(Previous::default, |generation| {
            Previous::read(&self.snapshot(generation)).unwrap_or_else(|error| {
                tracing::warn!(%error, "the newest snapshot is damaged; it is made from the records");
                Previous::default()
            })
        });
        if let Some(generation) = current
            && always == Always::No
            && previous.is_exactly(&packs)
        {
            return Ok(generation);
        }
        let generation = current.unwrap_or(0) + 1;
        let path = self.snapshot(generation);
        let mut builder = Builder::new(generation);
        for pack in &packs {
            let mut entries = match previous.take(pack) {
                Some(entries) => entries,
                None => self.recorded(pack)?,
            };
            let consumed = consumed::read(&self.layout.home().join(&pack.folder))?;
            entries.retain(|(path, _)| !consumed.contains_key(path));
            let new = NewPack {
                id: pack.id.clone(),
                version: pack.version,
                language: pack.language.clone(),
                root: format!("{}/files", pack.folder),
            };
            builder.add(new, entries).map_err(|source| broken(&path, source))?;
        }
        let bytes = builder.finish().map_err(|source| broken(&path, source))?;
        durable::create_folders(&self.folder, Access::Private)?;
        durable::write_file(&path, &bytes, Mode::READ_ONLY)?;
        let text = format!("{generation}\n");
        durable::write_file(&self.folder.join(CURRENT_FILE), text.as_bytes(), Mode::PRIVATE)?;
        // The switch has happened; what is left lying is swept another time.
        if let Err(error) = self.sweep() {
            tracing::warn!(%error, "old generations are removed another time");
        }
        Ok(generation)
    }

    /// What a pack has, by the record of its version.
    fn recorded(&self, pack: &LivePack) -> Result<Vec<(PackPath, EntryKind)>, StoreError> {
        let version = InstalledVersion::open(&self.layout.home().join(&pack.folder))?;
        Ok(entries(version.complete()).collect())
    }

    /// Removes generations that are not the newest and that nobody holds. Gives those that stay, the newest included.
    ///
    /// # Errors
    /// [`StoreError`] when the folder cannot be read.
    pub fn sweep(&self) -> Result<Vec<u64>, StoreError> {
        let current = self.current()?;
        let mut kept = Vec::new();
        let list = match std::fs::read_dir(&self.folder) {
            Ok(list) => list,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(kept),
            Err(error) => return Err(FileError::new(Action::Read, &self.folder, error).into()),
        };
        for entry in list.flatten() {
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(".ns"));
            let Some(generation) = number.and_then(|number| number.parse::<u64>().ok()) else {
                continue;
            };
            // One above the current is being written: the switch to it has not happened.
            let given_up = current.is_some_and(|current| generation < current);
            if !given_up || !Self::remove_unless_held(&entry.path())? {
                kept.push(generation);
            }
        }
        Ok(kept)
    }

    fn remove_unless_held(path: &Path) -> Result<bool, StoreError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(FileError::new(Action::Open, path, error).into()),
        };
        // While this lock is held nobody can take a lease; who waits for one finds that `current` moved on.
        let Some(_lock) = FileLock::try_on_file(file, path, Sharing::Exclusive)? else {
            return Ok(false);
        };
        std::fs::remove_file(path).map_err(|error| FileError::new(Action::Remove, path, error))?;
        Ok(true)
    }
}

fn entries(complete: &CompleteTree) -> impl Iterator<Item = (PackPath, EntryKind)> {
    complete.tree().entries().iter().map(|entry| {
        let kind = match &entry.node {
            Node::Folder => EntryKind::Folder,
            Node::File(file) => {
                EntryKind::File { size_bytes: file.size, executable: file.executable }
            }
        };
        (entry.path.clone(), kind)
    })
}

fn read_packs(path: &Path) -> Result<Vec<LivePack>, StoreError> {
    let map = MappedFile::open(path)?;
    let snapshot = Snapshot::open(map).map_err(|error| broken(path, error))?;
    packs_of(path, &snapshot)
}

fn packs_of<B: AsRef<[u8]>>(
    path: &Path,
    snapshot: &Snapshot<B>,
) -> Result<Vec<LivePack>, StoreError> {
    let live = |pack: namespace::Pack<'_>| {
        let language = pack.language.map(Language::new).transpose();
        Ok(LivePack {
            id: PackId::new(pack.id).map_err(|error| broken(path, error))?,
            version: pack.version,
            language: language.map_err(|error| broken(path, error))?,
            folder: pack.root.strip_suffix("/files").unwrap_or(pack.root).to_owned(),
        })
    };
    snapshot.packs().map(|pack| live(pack.map_err(|error| broken(path, error))?)).collect()
}

fn broken(path: &Path, source: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Namespace { path: path.to_owned(), source: Box::new(source) }
}
