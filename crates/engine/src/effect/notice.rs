//! News for whoever listens.

use std::collections::BTreeMap;

use headstart_model::download::UrlDownload;
use headstart_model::{AppId, Failure, PackId, PackVersion};

use crate::id::DownloadId;
use crate::reason::Reason;
use crate::record::InstallStage;

/// What became of a pack's download. `Spec: concepts 5.4`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackUpdate {
    /// Began or went on.
    Began,
    /// Waits, and for what.
    Paused(Vec<Reason>),
    /// Moved on.
    Downloading {
        /// Bytes done; never falls.
        bytes_done: u64,
        /// Bytes in all.
        bytes_total: u64,
        /// Bytes per second since it last began; none when that is not known yet.
        bytes_per_second: Option<u64>,
    },
    /// Can be read. The last news of this download.
    Finished,
    /// Ended otherwise. The last news of this download.
    Failed(Failure),
}

/// What became of a single download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileUpdate {
    /// Began or went on.
    Began,
    /// Waits, and for what.
    Paused(Vec<Reason>),
    /// Moved on.
    Downloading {
        /// Bytes since the last news.
        bytes_new: u64,
        /// Bytes done; never falls.
        bytes_done: u64,
        /// Bytes in all, once that is known.
        bytes_total: Option<u64>,
    },
    /// Arrived, and is told to whoever is to know.
    Finished,
    /// Failed, and is told to whoever is to know.
    Failed(Failure),
}

/// Something to tell whoever listens. Not kept: who connects later asks for the present state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// News of a download.
    Pack {
        /// The app.
        app: AppId,
        /// The pack.
        pack: PackId,
        /// The version on its way.
        version: PackVersion,
        /// The download.
        download: DownloadId,
        /// The news.
        update: PackUpdate,
    },
    /// News of a single download.
    File {
        /// The app.
        app: AppId,
        /// The download.
        id: DownloadId,
        /// What was asked for.
        download: Box<UrlDownload>,
        /// The news.
        update: FileUpdate,
    },
    /// What came of asking an extension something.
    Extension {
        /// The app.
        app: AppId,
        /// Downloads that it asked for, or why there is no answer.
        result: Result<u64, Failure>,
    },
    /// An installation moved on.
    Installation {
        /// The app.
        app: AppId,
        /// Its progress.
        progress: InstallProgress,
    },
    /// An installation ended: the app may be launched.
    Launchable {
        /// The app.
        app: AppId,
        /// Essential packs that it has to do without at first, and why.
        missed: BTreeMap<PackId, Failure>,
    },
}

/// The one progress of an installation. `Spec: concepts 7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstallProgress {
    /// The phase.
    pub stage: InstallStage,
    /// Bytes of this phase done.
    pub bytes_done: u64,
    /// Bytes of this phase in all; 0 while that is not known.
    pub bytes_total: u64,
    /// Bytes of this phase done in a second, over the last seconds; none while nobody can tell.
    pub bytes_per_second: Option<u64>,
    /// The whole installation, in millionths: 0 to 1,000,000. Never falls in one life of the service.
    pub fraction_ppm: u32,
}
