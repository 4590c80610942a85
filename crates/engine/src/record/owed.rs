//! The record of an effect that is owed.

use headstart_model::{AppGroupId, AppId, PackId};
use serde::{Deserialize, Serialize};

use super::app::KeepData;
use super::pack::LocalVersion;
use crate::id::{DownloadId, PackKey};

/// One pack of a switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SwitchItem {
    /// The pack.
    pub pack: PackId,
    /// The version that becomes live; none takes the pack out of the namespace.
    pub to: Option<LocalVersion>,
}

/// An effect that has been asked for and has not been reported as ended. It is issued again after a restart.
///
/// Names what it is about and nothing else: what the performer needs is added when it is issued, so one truth is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Owed {
    /// Put the app's own files in place and register them.
    PrepareApp {
        /// The app.
        app: AppId,
    },
    /// Fetch the catalog.
    FetchCatalog {
        /// The app.
        app: AppId,
    },
    /// Work out what a download has to fetch.
    Plan {
        /// The pack.
        key: PackKey,
        /// The download.
        download: DownloadId,
    },
    /// Fetch, verify and build.
    Transfer {
        /// The pack.
        key: PackKey,
        /// The download.
        download: DownloadId,
    },
    /// Make versions live, all at once.
    Switch {
        /// The app.
        app: AppId,
        /// What changes.
        items: Vec<SwitchItem>,
    },
    /// Remove a version that is no longer live.
    RemoveVersion {
        /// The pack.
        key: PackKey,
        /// The version.
        version: LocalVersion,
    },
    /// Remove what is staged for a pack.
    Discard {
        /// The pack.
        key: PackKey,
    },
    /// Fetch a single file.
    FetchFile {
        /// The app.
        app: AppId,
        /// The download.
        download: DownloadId,
        /// The group in whose container it is handed over.
        group: AppGroupId,
        /// The pack whose archive it is, and whose version is built of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pack: Option<PackId>,
    },
    /// Remove what is left of a single file.
    DiscardFile {
        /// The app.
        app: AppId,
        /// The download.
        download: DownloadId,
        /// The group in whose container it was handed over.
        group: AppGroupId,
    },
    /// Remove what an app leaves behind.
    RemoveAppData {
        /// The app.
        app: AppId,
        /// Whether its local packs stay.
        data: KeepData,
    },
}

impl Owed {
    /// The pack in whose staging folder it works; only one effect at a time may.
    #[must_use]
    pub const fn staging(&self) -> Option<&PackKey> {
        match self {
            Self::Plan { key, .. } | Self::Transfer { key, .. } | Self::Discard { key } => {
                Some(key)
            }
            Self::PrepareApp { .. }
            | Self::FetchCatalog { .. }
            | Self::Switch { .. }
            | Self::RemoveVersion { .. }
            | Self::FetchFile { .. }
            | Self::DiscardFile { .. }
            | Self::RemoveAppData { .. } => None,
        }
    }

    /// The app that it is done for.
    #[must_use]
    pub const fn app(&self) -> &AppId {
        match self {
            Self::PrepareApp { app }
            | Self::FetchCatalog { app }
            | Self::Switch { app, .. }
            | Self::FetchFile { app, .. }
            | Self::DiscardFile { app, .. }
            | Self::RemoveAppData { app, .. } => app,
            Self::Plan { key, .. }
            | Self::Transfer { key, .. }
            | Self::RemoveVersion { key, .. }
            | Self::Discard { key } => &key.app,
        }
    }
}
