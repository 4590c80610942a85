//! What apps and their extensions are asked.

use headstart_model::catalog::CatalogPack;
use headstart_model::download::UrlDownload;
use headstart_model::protocol::downloads::DownloadChallenge;
use headstart_model::protocol::extension::AppExtensionInfo;
use headstart_model::{AppGroupId, AppId, ContentRequest, Failure};

use crate::id::{CallId, ClientId, DownloadId};

/// A question to an app or its extension. `Spec: concepts 11`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// The app.
    pub app: AppId,
    /// Fences the answer.
    pub call: CallId,
    /// Who is asked.
    pub receiver: Receiver,
    /// What.
    pub question: Question,
}

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiver {
    /// The connection of a running app that listens.
    Delegate(ClientId),
    /// The app's extension, which is started if it is not there. It may run this long.
    Extension {
        /// Milliseconds that are left of its day.
        budget_ms: u64,
    },
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Which downloads are wanted. Extensions only.
    Downloads {
        /// Why it is asked.
        request: ContentRequest,
        /// The download of the manifest.
        manifest: DownloadId,
        /// The group in whose container the manifest lies.
        group: AppGroupId,
        /// The manifest's file name.
        file_name: String,
        /// What limits the answer.
        info: AppExtensionInfo,
    },
    /// Which of these packs are wanted. Extensions only.
    ShouldDownload {
        /// Why it is asked.
        request: ContentRequest,
        /// The packs.
        packs: Vec<CatalogPack>,
    },
    /// What to tell a server.
    Challenge {
        /// The download.
        download: UrlDownload,
        /// What the server asks.
        challenge: DownloadChallenge,
    },
    /// A download failed.
    Failed {
        /// The download.
        download: UrlDownload,
        /// Why.
        failure: Failure,
    },
    /// A download arrived.
    Finished {
        /// Its number.
        id: DownloadId,
        /// The download.
        download: UrlDownload,
        /// The name of its file.
        file_name: String,
    },
}

/// Why an extension is ended by the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExtensionEnd {
    /// Its app is removed.
    AppRemoved,
    /// Its app is replaced by another version.
    AppUpdated,
    /// The installation has ended: whatever it holds in memory goes with it. `Spec: concepts 4.1`.
    InstallationDone,
    /// Background activity was switched off, or the device saves power.
    NotAllowed,
}
