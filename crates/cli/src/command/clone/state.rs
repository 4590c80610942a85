//! What is kept beside a cloned folder, in `DEST.headstart/`.
//!
//! | Name | Holds |
//! |---|---|
//! | `lock` | nothing; locked while a clone runs |
//! | `trust/` | the pinned root and the newest signed documents |
//! | `current/` | the record of the files in DEST (`version.record`), a link to them (`files`), and what they are (`about.json`) |
//! | `staging/` | in a folder of its own each version that is being fetched; a clone that is broken off goes on here, and one of another version uses what has arrived |
//! | `ready/` | a version that is whole, for the moment in which it takes its place |
//! | `leftover/` | one that was whole and did not get there: reused |
//! | `seeds/` | records of the folders that are reused, while a clone runs |

use std::io;
use std::path::{Path, PathBuf};

use headstart_model::{
    ChannelName, Digest, ErrorKind, Failure, PackId, PackVersion, ReleaseNumber,
};
use headstart_sys::lock::FileLock;
use headstart_sys::{Action, FileError, durable};
use serde::{Deserialize, Serialize};

use super::destination::Destination;
use crate::failure;

/// Where a clone works.
#[derive(Debug, Clone)]
pub(super) struct Workplace {
    pub(super) trust: PathBuf,
    pub(super) current: PathBuf,
    pub(super) staging: PathBuf,
    pub(super) ready: PathBuf,
    pub(super) leftover: PathBuf,
    pub(super) seeds: PathBuf,
    /// The old files for an instant, where two folders cannot change places at once.
    pub(super) aside: PathBuf,
}

impl Workplace {
    pub(super) fn within(folder: &Path) -> Self {
        let path = |name: &str| folder.join(name);
        Self {
            trust: path("trust"),
            current: path("current"),
            staging: path("staging"),
            ready: path("ready"),
            leftover: path("leftover"),
            seeds: path("seeds"),
            aside: path("aside"),
        }
    }

    /// Where a version is built.
    pub(super) fn staging_of(&self, content: &Digest) -> PathBuf {
        self.staging.join(content.short())
    }

    /// Where other versions were being built.
    pub(super) fn broken_off(&self, content: &Digest) -> Vec<PathBuf> {
        let own = self.staging_of(content);
        let others = std::fs::read_dir(&self.staging).into_iter().flatten().flatten();
        others.map(|entry| entry.path()).filter(|path| *path != own).collect()
    }

    /// Lets what is known and held be that of a destination, which is looked at and not changed. What is trusted is copied: the check
    /// of the repository keeps what it finds. A version that a killed clone had ready counts as what it will be
    /// once that is [recovered](Destination::recover).
    pub(super) fn look_at(&mut self, destination: &Destination) -> Result<(), Failure> {
        let there = Self::within(destination.state());
        copy_files(&there.trust, &self.trust).map_err(|error| {
            failure::of_file(&FileError::new(Action::Read, &there.trust, error))
        })?;
        let is_in_place = destination.is_in_place(&there.ready);
        self.current = if is_in_place { there.ready.clone() } else { there.current };
        self.leftover =
            if there.ready.exists() && !is_in_place { there.ready } else { there.leftover };
        Ok(())
    }
}

/// Copies the files of a folder, if it is there.
fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// What was cloned, kept with the record.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) pack: PackId,
    pub(super) version: PackVersion,
    pub(super) channel: ChannelName,
    pub(super) release: ReleaseNumber,
    /// As it was named on the command line.
    pub(super) repository: String,
}

impl Note {
    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("a note holds only what JSON can hold")
    }
}

/// The state of a destination while a clone runs; nobody else clones there meanwhile.
#[derive(Debug)]
pub(super) struct State {
    folder: PathBuf,
    begun: Begun,
    _lock: FileLock,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begun {
    Now,
    Before,
}

impl State {
    pub(super) fn lock(folder: &Path) -> Result<Self, Failure> {
        let of_file = |error| failure::of_file(&error);
        let begun = if folder.is_dir() { Begun::Before } else { Begun::Now };
        durable::create_folders(folder, headstart_sys::mode::Access::Shared).map_err(of_file)?;
        let lock =
            FileLock::try_acquire(&folder.join("lock"), headstart_sys::lock::Sharing::Exclusive);
        let Some(lock) = lock.map_err(of_file)? else {
            let message = format!("another clone is at work in {}", folder.display());
            return Err(Failure::new(ErrorKind::Conflict, "cloneBusy", message)
                .with_hint("wait until it is done, then try again"));
        };
        Ok(Self { folder: folder.to_owned(), begun, _lock: lock })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Leaves nothing of a clone that failed before anything was fetched: a misspelled name pins no root.
    pub(super) fn give_up(self) {
        let place = Workplace::within(&self.folder);
        let fetched = [&place.staging, &place.ready, &place.current, &place.leftover];
        if self.begun == Begun::Now && !fetched.iter().any(|path| path.exists()) {
            // What stays in the way of the next clone is seen by that.
            let _ = durable::remove_tree(&self.folder);
        }
    }
}
