//! The state of the engine.

use headstart_model::Platform;
use headstart_model::record::Row;

use crate::class::Class;
use crate::facts::Facts;
use crate::live::{Active, Course, Hold, Live, index_add};
use crate::record::{FileDownload, FileStage, LoadError, Owed, Records, Stage, Switch};

/// What does not change about a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    /// Where waits are drawn from, so that devices do not act in step: a random number made once per device.
    pub seed: u64,
    /// Its platform; packs for other platforms are not for it.
    pub platform: Option<Platform>,
}

/// Everything that the engine knows.
#[derive(Debug, Clone)]
pub struct State {
    pub(crate) records: Records,
    pub(crate) live: Live,
    pub(crate) device: Device,
}

impl State {
    /// A device on which nothing is installed.
    #[must_use]
    pub fn new(device: Device) -> Self {
        Self { records: Records::default(), live: Live::default(), device }
    }

    /// The state that these rows describe. The next event has to be [`Restarted`](crate::Event::Restarted).
    ///
    /// # Errors
    /// [`LoadError`] when a row is damaged, was written by a later program, or names another that is missing.
    pub fn load(rows: impl IntoIterator<Item = Row>, device: Device) -> Result<Self, LoadError> {
        Ok(Self::of(Records::from_rows(rows)?, device))
    }

    /// The state with these records.
    pub(crate) fn of(records: Records, device: Device) -> Self {
        let live = index(&records);
        Self { records, live, device }
    }

    /// The records, which are what survives a restart.
    #[must_use]
    pub const fn records(&self) -> &Records {
        &self.records
    }

    /// What is known about the device.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.live.facts
    }

    /// The number of calls that wait for an answer.
    #[must_use]
    pub fn open_requests(&self) -> usize {
        self.live.requests.len()
    }
}

/// The indexes over the records that need no time.
fn index(records: &Records) -> Live {
    let mut live = Live::default();
    for (id, download) in &records.downloads {
        let app = &download.key.app;
        index_add(&mut live.downloads, app, *id);
        if download.demand.class() == Class::Essential {
            index_add(&mut live.essential, app, *id);
        }
        if download.stage == Stage::Built {
            index_add(&mut live.built, app, *id);
        }
        if records.packs.get(&download.key).is_some_and(|pack| download.is_joint_update(pack)) {
            index_add(&mut live.updating, app, *id);
        }
    }
    for (id, file) in &records.files {
        live.files.enter(*id, file);
        if file.blocks_launch() {
            index_add(&mut live.essential, &file.app, *id);
        }
    }
    for app in &records.settings.apps_without_background {
        live.queue.hold(app, Hold::Background);
    }
    if records.settings.in_app_content == Switch::Off {
        for (app, _) in records.apps.iter().filter(|(_, app)| app.first_launch.is_none()) {
            live.queue.hold(app, Hold::Content);
        }
    }
    for (key, _) in records.packs.iter().filter(|(_, pack)| pack.leaving.is_some()) {
        index_add(&mut live.leaving, &key.app, key.pack.clone());
    }
    for (key, _) in records.packs.iter().filter(|(_, pack)| pack.asked.is_some()) {
        index_add(&mut live.asked, &key.app, key.pack.clone());
    }
    for (id, owed) in &records.owed {
        index_add(&mut live.owed, owed.app(), *id);
        if let Some(key) = owed.staging() {
            live.busy.insert(key.clone(), *id);
        }
        if let Owed::Plan { download, .. } | Owed::Transfer { download, .. } = owed {
            let wanted = records.downloads.get(download).filter(|d| d.is_in(*id));
            let class = wanted.map_or(Class::Upkeep, |d| d.demand.class());
            let course = if wanted.is_some() { Course::Running } else { Course::Stopping };
            live.active.insert(*id, Active { download: *download, class, course });
        }
        if let Owed::FetchFile { download, .. } = owed {
            let wanted = records.files.get(download);
            let wanted = wanted.filter(|file| file.stage == FileStage::Transferring(*id));
            let class = wanted.map_or(Class::Upkeep, FileDownload::class);
            let course = if wanted.is_some() { Course::Running } else { Course::Stopping };
            live.active.insert(*id, Active { download: *download, class, course });
        }
    }
    for (app, _) in records.apps.iter().filter(|(_, app)| app.distrust().is_some()) {
        live.queue.hold(app, Hold::Distrust);
    }
    live
}
