//! The record of a single download. `Spec: api 7`.

use headstart_model::download::{DownloadKind, UrlDownload};
use headstart_model::{AppId, ContentRequest, Failure};
use serde::{Deserialize, Serialize};

use crate::class::Class;
use crate::id::{DownloadId, EffectId};
use crate::time::WallTime;

/// How a single download ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It arrived; the file waits for whoever is told.
    Finished {
        /// Its size in bytes.
        bytes: u64,
    },
    /// It failed.
    Failed(Failure),
}

/// How far a single download is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FileStage {
    /// Waits until it is admitted; `explain` says for what.
    Waiting,
    /// The effect moves bytes.
    Transferring(EffectId),
    /// It is the archive of a pack, has arrived, and its pack waits to become readable. `Spec: packs 4.2`.
    Installing {
        /// The download of the pack.
        pack: DownloadId,
        /// Bytes of the archive.
        bytes: u64,
    },
    /// It has ended, and whoever is to know has not taken note of it yet: then the record goes. `Spec: concepts 11`.
    Concluded(Outcome),
}

/// What a single download is fetched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FilePurpose {
    /// The app or its extension scheduled it.
    Scheduled,
    /// The manifest that the extension is handed with this content request.
    Manifest(ContentRequest),
}

/// A single download, until its end has been taken note of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileDownload {
    /// Whose it is.
    pub app: AppId,
    /// What was asked for.
    pub download: UrlDownload,
    /// What it is fetched for.
    pub purpose: FilePurpose,
    /// How far it is.
    pub stage: FileStage,
    /// Attempts that failed since the last one that got anywhere.
    #[serde(default)]
    pub attempts: u32,
    /// When the next attempt may begin, after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<WallTime>,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// A person has paused it.
    #[serde(default)]
    pub paused: bool,
    /// Bytes of the app's allowance that were set aside for it.
    #[serde(default)]
    pub charged: u64,
    /// Bytes that had arrived when a transfer last ended.
    #[serde(default)]
    pub bytes_done: u64,
    /// The service ended during a transfer: there may be more.
    #[serde(default)]
    pub unsure: bool,
    /// When it was scheduled.
    pub created_at: WallTime,
    /// When bytes last arrived, or it was scheduled: from here on is counted how long it has got nowhere.
    pub moved_at: WallTime,
}

impl FileDownload {
    /// A new download.
    pub(crate) const fn new(
        app: AppId,
        download: UrlDownload,
        purpose: FilePurpose,
        now: WallTime,
    ) -> Self {
        Self {
            app,
            download,
            purpose,
            stage: FileStage::Waiting,
            attempts: 0,
            retry_at: None,
            failure: None,
            paused: false,
            charged: 0,
            bytes_done: 0,
            unsure: false,
            created_at: now,
            moved_at: now,
        }
    }

    /// Whether it is the manifest of a content request.
    #[must_use]
    pub const fn is_manifest(&self) -> bool {
        matches!(self.purpose, FilePurpose::Manifest(_))
    }

    /// The class while nobody waits for it: a manifest is as urgent as the installation that needs it.
    pub(crate) const fn class(&self) -> Class {
        let may_block = match self.purpose {
            FilePurpose::Scheduled => true,
            FilePurpose::Manifest(request) => {
                matches!(request, ContentRequest::Install | ContentRequest::Update)
            }
        };
        if may_block && self.download.essential { Class::Essential } else { Class::Nonessential }
    }

    /// Whether nobody knows how much of it has arrived; `heard` says whether its transfer was heard of in this life of the
    /// service.
    pub(crate) const fn is_unsure(&self, heard: bool) -> bool {
        self.unsure && !heard
    }

    /// Whether the app waits for it before it may be launched.
    pub(crate) fn blocks_launch(&self) -> bool {
        self.purpose == FilePurpose::Scheduled
            && self.download.essential
            && !matches!(self.stage, FileStage::Concluded(_))
    }

    /// Its outcome, once it has concluded.
    #[must_use]
    pub const fn outcome(&self) -> Option<&Outcome> {
        match &self.stage {
            FileStage::Concluded(outcome) => Some(outcome),
            FileStage::Waiting | FileStage::Transferring(_) | FileStage::Installing { .. } => None,
        }
    }

    /// The name of the file that is handed over: the last part of the URL's path, where that is a name.
    #[must_use]
    pub fn file_name(&self) -> String {
        let path = self.download.url.split(['?', '#']).next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let kept: String = name.chars().filter(|c| plain(*c)).take(100).collect();
        match kept.trim_matches('.') {
            "" => "file".to_owned(),
            name => name.to_owned(),
        }
    }

    /// What it is called in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.download.kind {
            DownloadKind::Manifest => "the manifest",
            _ => &self.download.identifier,
        }
    }
}

#[cfg(test)]
mod tests {
    use headstart_model::AppGroupId;
    use headstart_model::download::DownloadPriority;

    use super::*;

    fn file(url: &str) -> FileDownload {
        let download = UrlDownload {
            identifier: "a".to_owned(),
            unique_identifier: "1".to_owned(),
            kind: DownloadKind::Url,
            url: url.to_owned(),
            method: "GET".to_owned(),
            headers: std::collections::BTreeMap::new(),
            file_size: Some(1),
            essential: false,
            app_group: AppGroupId::new("group.a").expect("a good id"),
            priority: DownloadPriority::DEFAULT,
            pack_version: None,
        };
        let app = AppId::new("a").expect("a good id");
        FileDownload::new(app, download, FilePurpose::Scheduled, WallTime(0))
    }

    #[test]
    fn a_file_is_named_after_its_address_and_never_leaves_its_folder() {
        for (url, name) in [
            ("https://a/levels/level-1.bin?signature=/x", "level-1.bin"),
            ("https://a/levels/", "file"),
            ("https://a/..", "file"),
            ("https://a/%2e%2e%2fpasswd", "2e2e2fpasswd"),
            ("https://a", "a"),
        ] {
            assert_eq!(file(url).file_name(), name, "{url}");
        }
    }
}
