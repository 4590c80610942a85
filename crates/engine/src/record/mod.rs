//! What the engine remembers: one struct per row of the database.
//!
//! Everything here is durable. What can be worked out again (queues, timers, who waits) is in `live`.

mod app;
mod download;
mod extension;
mod file;
mod group;
mod languages;
mod owed;
mod pack;
mod rows;
mod settings;

use std::collections::BTreeMap;

use headstart_model::{AppGroupId, AppId, PackId};
use serde::{Deserialize, Serialize};

pub use app::{
    App, Asking, Bundle, BundleFiles, CheckFailure, InstallKind, InstallStage, Installation,
    KeepData, Phase, Repository, ServerAccess, Source, SourceOverride, Spent, Trust,
};
pub use download::{Download, PlanFigures, Stage};
pub use extension::{
    BUDGET_FREQUENT_MS, BUDGET_MS, BUDGET_RARE_MS, Budget, Extension, Usage, budget_ms,
};
pub use file::{FileDownload, FilePurpose, FileStage, Outcome};
pub use group::KeptGroup;
pub use languages::{Languages, Teller};
pub use owed::{Owed, SwitchItem};
pub use pack::{ArchiveEntry, Freshness, Leaving, LocalVersion, Pack, Retired, Unreadable};
pub use rows::LoadError;
pub(crate) use rows::{RowKey, encode};
pub use settings::{Setting, Settings, Switch};

use crate::id::{DownloadId, EffectId, PackKey};

/// The next numbers to give out. Durable, so that a number is never used twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    pub(crate) next_effect: u64,
    pub(crate) next_download: u64,
    /// Lives of the service in which somebody was asked something.
    #[serde(default)]
    pub(crate) lives: u64,
}

impl Default for Counters {
    fn default() -> Self {
        Self { next_effect: 1, next_download: 1, lives: 0 }
    }
}

/// Every record; equal to what a restart would load.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records {
    pub(crate) apps: BTreeMap<AppId, App>,
    pub(crate) packs: BTreeMap<PackKey, Pack>,
    pub(crate) downloads: BTreeMap<DownloadId, Download>,
    pub(crate) files: BTreeMap<DownloadId, FileDownload>,
    pub(crate) owed: BTreeMap<EffectId, Owed>,
    pub(crate) counters: Counters,
    pub(crate) settings: Settings,
    pub(crate) kept_groups: BTreeMap<AppGroupId, KeptGroup>,
}

impl Records {
    /// The packs of `app`, by id.
    pub fn packs_of<'a>(&'a self, app: &'a AppId) -> impl Iterator<Item = (&'a PackKey, &'a Pack)> {
        let from = self.packs.range(first_key(app)..);
        from.take_while(move |(key, _)| key.app == *app)
    }

    /// The record of an app.
    #[must_use]
    pub fn app(&self, app: &AppId) -> Option<&App> {
        self.apps.get(app)
    }

    /// Every app, by id.
    pub fn apps(&self) -> impl Iterator<Item = (&AppId, &App)> {
        self.apps.iter()
    }

    /// The record of a pack.
    #[must_use]
    pub fn pack(&self, key: &PackKey) -> Option<&Pack> {
        self.packs.get(key)
    }

    /// Every pack, by app and id.
    pub fn packs(&self) -> impl Iterator<Item = (&PackKey, &Pack)> {
        self.packs.iter()
    }

    /// The record of a download that has not concluded.
    #[must_use]
    pub fn download(&self, id: DownloadId) -> Option<&Download> {
        self.downloads.get(&id)
    }

    /// Every download that has not concluded, oldest first.
    pub fn downloads(&self) -> impl Iterator<Item = (DownloadId, &Download)> {
        self.downloads.iter().map(|(id, download)| (*id, download))
    }

    /// The record of a single download whose end has not been taken note of.
    #[must_use]
    pub fn file(&self, id: DownloadId) -> Option<&FileDownload> {
        self.files.get(&id)
    }

    /// Every single download whose end has not been taken note of, oldest first.
    pub fn files(&self) -> impl Iterator<Item = (DownloadId, &FileDownload)> {
        self.files.iter().map(|(id, file)| (*id, file))
    }

    /// What the person at the device has decided.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Every effect that is owed, oldest first.
    pub fn owed(&self) -> impl Iterator<Item = (EffectId, &Owed)> {
        self.owed.iter().map(|(id, owed)| (*id, owed))
    }
}

/// A key at or before every pack of `app`: an id begins with a letter or digit, and `0` alone sorts before all of them.
fn first_key(app: &AppId) -> PackKey {
    PackKey::new(app.clone(), PackId::new("0").expect("a digit is a pack id"))
}
