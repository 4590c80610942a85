//! Finding the newest snapshot of an app and taking the lease on it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use headstart_model::namespace::{CURRENT_FILE, Snapshot, file_name};
use headstart_model::{AppId, ErrorKind};
use headstart_sys::identity::FileStamp;
use headstart_sys::lock::{FileLock, Sharing};
use headstart_sys::map::MappedFile;

use super::{Held, MergedFolders, Namespace, namespace_damaged};
use crate::error::Error;

/// How often a reader begins anew because what can be read changed under its hands. `Ours:` each
/// time means that a whole release was switched between two system calls; that this never ends
/// would be a fault.
const ATTEMPTS_MAX: u32 = 1_000;

/// Digits of a generation, with a newline, and room to notice that there is more.
const CURRENT_BYTES_MAX: usize = 32;

/// The namespaces of one app: gives the newest, and opens it only when it has changed.
#[derive(Debug)]
pub(crate) struct Namespaces {
    app: AppId,
    home: PathBuf,
    folder: PathBuf,
    /// The file that holds the newest generation.
    current: PathBuf,
    /// The newest that was opened.
    newest: Mutex<Option<Newest>>,
    /// Those of which a path was given away: kept, since nobody knows for how long the path is
    /// used.
    given_away: Mutex<Vec<Namespace>>,
}

/// The newest namespace that was opened, and the file that said that it is.
#[derive(Debug)]
struct Newest {
    namespace: Namespace,
    current: CurrentFile,
}

/// The file [`CURRENT_FILE`] as it was read. It is replaced and never written to, and while it is
/// open no other file gets its number: a path that leads to the same number leads to the same file.
#[derive(Debug)]
struct CurrentFile {
    generation: u64,
    stamp: FileStamp,
    _open: File,
}

impl CurrentFile {
    /// Whether `path` still leads to this file. One look, and the whole cost of finding that nothing
    /// changed.
    fn is_at(&self, path: &Path) -> bool {
        // Where files have no numbers they are read again.
        self.stamp.inode != 0 && FileStamp::of_path(path).is_ok_and(|now| now == self.stamp)
    }
}

impl Namespaces {
    pub(crate) fn new(app: AppId, home: &Path) -> Self {
        let folder = home.join("apps").join(app.as_str()).join("namespace");
        Self {
            app,
            home: home.to_owned(),
            current: folder.join(CURRENT_FILE),
            folder,
            newest: Mutex::default(),
            given_away: Mutex::default(),
        }
    }

    pub(crate) const fn app(&self) -> &AppId {
        &self.app
    }

    /// The newest namespace; none when nothing can be read yet.
    pub(crate) fn newest(&self) -> Result<Option<Namespace>, Error> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = newest.as_ref().filter(|open| open.current.is_at(&self.current)) {
            return Ok(Some(open.namespace.clone()));
        }
        match (self.current()?, newest.as_mut()) {
            (Some(current), Some(open))
                if open.namespace.generation() == current.generation
                    && open.namespace.is_in_place() =>
            {
                open.current = current;
            }
            (Some(_), _) => *newest = self.open_newest()?,
            (None, _) => *newest = None,
        }
        Ok(newest.as_ref().map(|open| open.namespace.clone()))
    }

    /// Keeps `namespace`, because a path of it was given away.
    pub(crate) fn keep(&self, namespace: &Namespace) {
        let mut kept = self.given_away.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.last().is_none_or(|last| last.generation() != namespace.generation()) {
            kept.push(namespace.clone());
        }
    }

    /// Lets go of what is only open for the next reader.
    pub(crate) fn let_go(&self) {
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Lets go of everything that is kept or open.
    pub(crate) fn release(&self) {
        self.given_away.lock().unwrap_or_else(PoisonError::into_inner).clear();
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn open_newest(&self) -> Result<Option<Newest>, Error> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(CurrentFile { generation, .. }) = self.current()? else {
                return Ok(None);
            };
            let opened = self.open(generation)?;
            // Only a snapshot that is still the newest after it was locked is certain not to have
            // been given up before.
            if let Some(current) = self.current()?.filter(|now| now.generation == generation) {
                let namespace = opened.ok_or_else(|| {
                    let missing = io::Error::from(io::ErrorKind::NotFound);
                    namespace_damaged(&self.app, &missing)
                })?;
                return Ok(Some(Newest { namespace, current }));
            }
        }
        let text = format!("what is installed for {} changes faster than it can be read", self.app);
        Err(Error::new(ErrorKind::Conflict, "namespaceBusy", text))
    }

    /// The snapshot of `generation` with the lease on it; none when it is gone.
    fn open(&self, generation: u64) -> Result<Option<Namespace>, Error> {
        let path = self.folder.join(file_name(generation));
        let damaged =
            |error: &(dyn std::error::Error + 'static)| namespace_damaged(&self.app, error);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(damaged(&error)),
        };
        let lease = FileLock::on_file(file, &path, Sharing::Shared).map_err(|e| damaged(&e))?;
        if !lease.is_at(&path) {
            return Ok(None);
        }
        let map = MappedFile::of(lease.file()).map_err(|error| damaged(&error))?;
        let snapshot = Snapshot::open(map).map_err(|error| damaged(&error))?;
        let stamp = FileStamp::of_file(lease.file()).map_err(|error| damaged(&error))?;
        let (app, home) = (self.app.clone(), self.home.clone());
        let merged = MergedFolders::new(self.home.join("apps").join(app.as_str()).join("merged"));
        Ok(Some(Namespace::new(Held { app, home, snapshot, path, stamp, merged, _lease: lease })))
    }

    /// The newest generation; none when there is none yet.
    fn current(&self) -> Result<Option<CurrentFile>, Error> {
        let read = || -> io::Result<CurrentFile> {
            // One read and no search for the end: the file is replaced, never written to.
            let mut buffer = [0; CURRENT_BYTES_MAX];
            let mut file = File::open(&self.current)?;
            let count = file.read(&mut buffer)?;
            let text = std::str::from_utf8(buffer.get(..count).unwrap_or_default());
            let digits = text.map_err(invalid_data)?.trim_end();
            let generation = digits.parse().map_err(invalid_data)?;
            Ok(CurrentFile { generation, stamp: FileStamp::of_file(&file)?, _open: file })
        };
        match read() {
            Ok(current) => Ok(Some(current)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(namespace_damaged(&self.app, &error)),
        }
    }
}

fn invalid_data(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
