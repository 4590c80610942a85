//! What is prepared of an app beside what is there, and its way into place: all of it, or nothing.

use std::path::{Path, PathBuf};

use headstart_engine::EffectId;
use headstart_model::AppId;
use headstart_store::{Layout, StoreError};
use headstart_sys::mode::{Access, Mode};
use headstart_sys::{Action, FileError, durable};

use crate::bundle;

/// How the names of these folders begin.
const PREFIX: &str = "incoming";
/// Beside the description, in the part that comes into place last: the preparation that brought it.
const PREPARATION: &str = "preparation";

/// The parts of an app that come from its bundle.
///
/// They are made in a folder that gets its name when all of them are on the disk. A kill before that loses what was made; after
/// it, the next life brings them into place by renames, whatever has become of the bundle that they came from. Nothing is
/// removed before all of them are in place, and then they say whose they are: a preparation whose end was not noted is known.
pub(super) struct Incoming {
    app: PathBuf,
    effect: EffectId,
}

impl Incoming {
    /// That of a preparation. Its number is never used again, so nothing is taken for it that is not its own.
    pub(super) fn of(layout: &Layout, app: &AppId, effect: EffectId) -> Self {
        Self { app: layout.app(app), effect }
    }

    fn whole(&self) -> PathBuf {
        self.app.join(format!("{PREFIX}-{}", self.effect))
    }

    /// Where the parts are made.
    pub(super) fn part(&self) -> PathBuf {
        self.app.join(format!("{PREFIX}.part"))
    }

    /// Whether all parts are on the disk.
    pub(super) fn is_whole(&self) -> bool {
        is_there(&self.whole())
    }

    /// Whether all parts are in place.
    pub(super) fn is_done(&self) -> bool {
        let noted = self.app.join(bundle::DESCRIPTION_FOLDER).join(PREPARATION);
        std::fs::read_to_string(noted).is_ok_and(|noted| noted == self.effect.to_string())
    }

    /// Makes the folder for the parts. What earlier preparations left goes.
    pub(super) fn begin(&self) -> Result<(), StoreError> {
        self.clear()?;
        Ok(durable::create_folders(&self.part(), Access::Private)?)
    }

    /// Removes what was prepared and is not in place.
    pub(super) fn clear(&self) -> Result<(), StoreError> {
        let entries = match std::fs::read_dir(&self.app) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(FileError::new(Action::Read, &self.app, error).into()),
        };
        for entry in entries.flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
                durable::remove_tree(&entry.path())?;
            }
        }
        Ok(())
    }

    /// All parts are made, and on the disk.
    pub(super) fn complete(&self) -> Result<(), StoreError> {
        let note = self.part().join(bundle::DESCRIPTION_FOLDER).join(PREPARATION);
        durable::write_file(&note, self.effect.to_string().as_bytes(), Mode::PRIVATE)?;
        Ok(durable::rename_durably(&self.part(), &self.whole())?)
    }

    /// Brings the parts into place. When that fails, what was there before is there again.
    pub(super) fn adopt(&self) -> Result<(), StoreError> {
        let adopted = bundle::PARTS.iter().try_for_each(|part| self.replace(part));
        if let Err(error) = adopted {
            bundle::PARTS.iter().try_for_each(|part| self.put_back(part))?;
            self.clear()?;
            return Err(error);
        }
        self.tidy();
        Ok(())
    }

    /// Removes what has been replaced.
    pub(super) fn tidy(&self) {
        if let Err(error) = self.clear() {
            // The next preparation removes it.
            tracing::warn!(%error, "what an update has replaced is left");
        }
    }

    fn places(&self, part: &str) -> (PathBuf, PathBuf, PathBuf) {
        let whole = self.whole();
        (whole.join(part), self.app.join(part), whole.join(format!("{part}.before")))
    }

    fn replace(&self, part: &str) -> Result<(), StoreError> {
        let (new, place, before) = self.places(part);
        if is_there(&new) {
            if is_there(&place) {
                durable::rename_durably(&place, &before)?;
            }
            durable::rename_durably(&new, &place)?;
        }
        Ok(())
    }

    fn put_back(&self, part: &str) -> Result<(), StoreError> {
        let (new, place, before) = self.places(part);
        if is_there(&before) {
            if is_there(&place) {
                durable::rename_durably(&place, &new)?;
            }
            durable::rename_durably(&before, &place)?;
        }
        Ok(())
    }
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        _folder: tempfile::TempDir,
        incoming: Incoming,
    }

    impl World {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("room");
            let (app, effect) = (folder.path().join("app"), EffectId(7));
            let world = Self { _folder: folder, incoming: Incoming { app, effect } };
            for part in bundle::PARTS {
                Self::write(&world.incoming.app.join(part), "old");
            }
            world.incoming.begin().expect("room");
            for part in bundle::PARTS {
                Self::write(&world.incoming.part().join(part), "new");
            }
            world
        }

        fn write(folder: &Path, what: &str) {
            std::fs::create_dir_all(folder).expect("room");
            std::fs::write(folder.join("file"), what).expect("room");
        }

        fn present(&self) -> Vec<String> {
            let read = |part: &&str| {
                std::fs::read_to_string(self.incoming.app.join(part).join("file")).expect("there")
            };
            bundle::PARTS.iter().map(read).collect()
        }
    }

    #[test]
    fn what_is_whole_comes_into_place_and_nothing_is_left() {
        let world = World::new();
        assert!(!world.incoming.is_whole());
        world.incoming.complete().expect("room");
        assert!(world.incoming.is_whole());
        assert!(!world.incoming.is_done());
        world.incoming.adopt().expect("room");
        assert!(world.incoming.is_done());
        assert_eq!(world.present(), ["new", "new"]);
        assert_eq!(std::fs::read_dir(&world.incoming.app).expect("there").count(), 2);
    }

    #[test]
    fn one_that_fails_half_way_leaves_what_was_there() {
        let world = World::new();
        world.incoming.complete().expect("room");
        // The second part cannot be moved away: its place is taken.
        let (_, _, before) = world.incoming.places(bundle::PARTS[1]);
        World::write(&before, "in the way");
        assert!(world.incoming.replace(bundle::PARTS[1]).is_err());
        durable::remove_tree(&before).expect("there");
        world.incoming.replace(bundle::PARTS[0]).expect("room");
        assert_ne!(world.present()[0], world.present()[1]);
        bundle::PARTS.iter().try_for_each(|part| world.incoming.put_back(part)).expect("room");
        assert_eq!(world.present(), ["old", "old"]);
    }

    #[test]
    fn another_preparation_takes_nothing_over() {
        let world = World::new();
        world.incoming.complete().expect("room");
        let next = Incoming { app: world.incoming.app.clone(), effect: EffectId(8) };
        assert!(!next.is_whole() && !next.is_done());
        next.begin().expect("room");
        assert!(!world.incoming.is_whole());
        assert_eq!(world.present(), ["old", "old"]);
    }
}
