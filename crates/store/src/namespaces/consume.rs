//! Handing a file over: out of the namespace, then out of the pack.

use std::path::{Path, PathBuf};

use headstart_model::{PackId, PackPath};
use headstart_pack::Node;
use headstart_sys::clone::{Allowed, CloneError, clone_file};
use headstart_sys::mode::{Access, Executable, Mode, set_mode};
use headstart_sys::{Action, FileError, durable};

use super::{LivePack, Namespaces};
use crate::consumed::{self, Progress};
use crate::error::StoreError;
use crate::installed::InstalledVersion;

/// How a file was handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandedOver {
    /// The file itself was moved.
    Moved,
    /// A clone was made, or a copy where the disk has none: a program holds an older generation that names the file, or another version
    /// shares it. The pack's own goes when nobody can read it any more.
    Cloned,
    /// It was handed over by an earlier call, and nobody has taken it.
    Before,
}

impl Namespaces {
    /// Takes the file at `path` out of the live version of a pack and puts it at `place`, writable. From then on the namespace does not
    /// have it; whoever holds an older generation goes on reading it where it was. `None` when the pack is not live, has no such
    /// file, or it was handed over before.
    ///
    /// A kill in between leaves the file in the namespace, or takes it out and leaves it in the pack; the same call then does the rest.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails.
    pub fn consume(
        &self,
        pack: &PackId,
        path: &PackPath,
        place: &Path,
    ) -> Result<Option<HandedOver>, StoreError> {
        let Some(live) = self.live()?.into_iter().find(|live| live.id == *pack) else {
            return Ok(None);
        };
        let folder = self.layout.home().join(&live.folder);
        let Some(executable) = file_in(&folder, path)? else { return Ok(None) };
        let file = InstalledVersion::files_of(&folder).join(path.as_str());
        let progress = consumed::read(&folder)?.get(path).copied();
        let handed = if is_file(&file) && progress != Some(Progress::Done) {
            consumed::note(&folder, path, Progress::Begun)?;
            headstart_sys::crash::point("file consumed");
            self.renew()?;
            let handed = self.hand_over(&live, &file, place)?;
            headstart_sys::crash::point("file handed over");
            handed
        } else if is_file(place) {
            HandedOver::Before
        } else {
            return Ok(None);
        };
        consumed::note(&folder, path, Progress::Done)?;
        set_mode(place, Mode { access: Access::Shared, executable })?;
        self.sweep_consumed()?;
        Ok(Some(handed))
    }

    fn hand_over(
        &self,
        live: &LivePack,
        file: &Path,
        place: &Path,
    ) -> Result<HandedOver, StoreError> {
        if let Some(parent) = place.parent() {
            durable::create_folders(parent, Access::Private)?;
        }
        if !self.is_held_by_others(live)? && has_one_name(file)? {
            durable::rename_durably(file, place)?;
            return Ok(HandedOver::Moved);
        }
        let unfinished = place.with_extension("incoming");
        durable::remove_tree(&unfinished)?;
        clone_file(file, &unfinished, Allowed::ReflinkOrCopy).map_err(|error| match error {
            CloneError::File(error) => error,
            error => FileError::new(Action::Clone, file, std::io::Error::other(error)),
        })?;
        durable::rename_durably(&unfinished, place)?;
        Ok(HandedOver::Cloned)
    }

    /// Whether a program holds an older generation with this version of the pack.
    fn is_held_by_others(&self, live: &LivePack) -> Result<bool, StoreError> {
        let current = self.current()?;
        for generation in self.sweep()? {
            let packs = super::read_packs(&self.snapshot(generation))?;
            if Some(generation) != current && packs.iter().any(|pack| pack.folder == live.folder) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes files that were handed over as clones, from versions that no older generation holds any more.
    ///
    /// # Errors
    /// [`StoreError`] when the disk fails.
    pub fn sweep_consumed(&self) -> Result<(), StoreError> {
        for live in self.live()? {
            let folder = self.layout.home().join(&live.folder);
            let files = InstalledVersion::files_of(&folder);
            let consumed = consumed::read(&folder)?;
            let left: Vec<PathBuf> = consumed
                .iter()
                .filter(|(_, progress)| **progress == Progress::Done)
                .map(|(path, _)| files.join(path.as_str()))
                .filter(|file| is_file(file))
                .collect();
            if left.is_empty() || self.is_held_by_others(&live)? {
                continue;
            }
            for file in left {
                durable::remove_tree(&file)?;
            }
        }
        Ok(())
    }
}

/// Whether a file of the version may be run; `None` when it has no such file.
fn file_in(folder: &Path, path: &PackPath) -> Result<Option<Executable>, StoreError> {
    let version = InstalledVersion::open(folder)?;
    let entry = version.complete().tree().entries().iter().find(|entry| entry.path == *path);
    Ok(entry.and_then(|entry| match &entry.node {
        Node::File(file) if file.executable => Some(Executable::Yes),
        Node::File(_) => Some(Executable::No),
        Node::Folder => None,
    }))
}

fn is_file(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|facts| facts.is_file())
}

/// Whether nothing else shares the file: another version of the pack may, and must not change with it.
#[cfg(unix)]
fn has_one_name(file: &Path) -> Result<bool, StoreError> {
    use std::os::unix::fs::MetadataExt as _;
    let facts = std::fs::symlink_metadata(file)
        .map_err(|error| FileError::new(Action::Read, file, error))?;
    Ok(facts.nlink() == 1)
}

/// Where it cannot be told, it is taken to be shared.
#[cfg(not(unix))]
fn has_one_name(_: &Path) -> Result<bool, StoreError> {
    Ok(false)
}
