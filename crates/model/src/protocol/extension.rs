//! `io.headstart.Extension`: between the service and a downloader extension that it runs. `Spec: api 4 and 6`.
//!
//! The extension inherits one descriptor, on which it may ask for connections: see `docs/format/socket.md`. On one of them it
//! calls [`Serve`] and hears what it is asked; it answers with [`Return`] on another.

use serde::{Deserialize, Serialize};

use super::downloads::{ChallengeAnswer, DownloadChallenge};
use super::method::method;
use super::packs::Pack;
use crate::download::UrlDownload;
use crate::{ContentRequest, Failure, PackId};

/// Serves the app's extension for as long as the connection lasts. Refused to everybody but an extension that the service
/// runs; a second call of the same run is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Serve {}

/// What limits the app until its first launch. `Spec: api 9`, `BAAppExtensionInfo`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppExtensionInfo {
    /// Bytes of nonessential downloads that may still be scheduled; none when nothing limits them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restricted_download_size_remaining: Option<u64>,
    /// The same for essential downloads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restricted_essential_download_size_remaining: Option<u64>,
}

/// What an extension is asked. One question at a time; each is answered by a [`Return`] that names its `call`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ExtensionEvent {
    /// The extension is served. The first reply.
    Serving {},
    /// Which downloads are wanted? Answered with [`Return::downloads`].
    #[serde(rename_all = "camelCase")]
    DownloadsRequested {
        /// What the answer names.
        call: u64,
        /// Why it is asked.
        request: ContentRequest,
        /// The manifest, a file that can be read until the answer has been given.
        manifest: String,
        /// What limits the answer.
        info: AppExtensionInfo,
    },
    /// Which of these packs are wanted? Answered with [`Return::dropped`].
    #[serde(rename_all = "camelCase")]
    ShouldDownload {
        /// What the answer names.
        call: u64,
        /// Why it is asked.
        request: ContentRequest,
        /// The packs.
        packs: Vec<Pack>,
    },
    /// A server asks for a credential. Answered with [`Return::answer`].
    Challenged {
        /// What the answer names.
        call: u64,
        /// The download.
        download: UrlDownload,
        /// What the server asks.
        challenge: DownloadChallenge,
    },
    /// A download failed.
    Failed {
        /// What the answer names.
        call: u64,
        /// The download.
        download: UrlDownload,
        /// Why.
        failure: Failure,
    },
    /// A download arrived. The file is there until the answer: who wants to keep it moves it first.
    Finished {
        /// What the answer names.
        call: u64,
        /// The download.
        download: UrlDownload,
        /// The file, absolute; in the container of the download's group.
        file: String,
    },
    /// The extension is about to be ended. Not always told, and nothing is waited for. `Spec: api 6`.
    WillTerminate {},
}

method!(Serve, "io.headstart.Extension.Serve", Stream, ExtensionEvent);

/// Answers a question of [`ExtensionEvent`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Return {
    /// Which.
    pub call: u64,
    /// The downloads that are wanted, beside those that were given with `more` before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub downloads: Vec<UrlDownload>,
    /// More downloads follow, in another call: an answer may be longer than a message.
    #[serde(default)]
    pub more: bool,
    /// Packs that are not wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<PackId>,
    /// The answer to a challenge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<ChallengeAnswer>,
    /// Why there is no answer. Nothing is downloaded then, and the question may come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// The answer is on record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {}

method!(Return, "io.headstart.Extension.Return", One, Returned);
