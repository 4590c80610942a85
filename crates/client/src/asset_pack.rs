//! An asset pack as an app sees it.

use std::fmt;
use std::hash::{Hash, Hasher};

use headstart_model::download_manifest::DownloadPack;
use headstart_model::protocol::packs::{Pack, Trust};
use headstart_model::{
    AppGroupId, ContentRequest, DownloadPolicy, ErrorKind, Language, PackId, PackVersion,
    Selection, download as model,
};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::Download;
use crate::download::{DownloadKind, DownloadPriority, new_unique_identifier};
use crate::error::Error;

/// One asset pack in one version, as the service described it. `Spec: api 1`.
///
/// It is a description, not a hold on the pack: when the server gets another version, this one goes
/// on describing what it described, and
/// [`status_relative_to`](crate::AssetPackManager::status_relative_to) tells the difference.
///
/// Two are equal when everything is that they say. It can be written as JSON and read back, for an app that
/// hands it to another of its processes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetPack {
    #[serde(flatten)]
    pack: Pack,
    /// Where its archive lies, for one from a plain download manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    archive: Option<Url>,
    /// The group that downloads of it belong to, for such a one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<AppGroupId>,
}

impl AssetPack {
    pub(crate) const fn new(pack: Pack) -> Self {
        Self { pack, archive: None, group: None }
    }

    /// What a plain download manifest says about a pack.
    pub(crate) fn of_archive(pack: DownloadPack, group: &AppGroupId) -> Self {
        let (archive, group) = (Some(pack.url), Some(group.clone()));
        let pack = Pack {
            id: pack.id,
            version: pack.version,
            download_size: pack.download_size,
            // Not said in such a manifest: `installed_size` does not show it.
            installed_size: 0,
            user_info: pack.user_info,
            language: pack.language,
            policy: pack.download_policy,
            trust: Trust::TransportOnly,
        };
        Self { pack, archive, group }
    }

    pub(crate) const fn pack_id(&self) -> &PackId {
        &self.pack.id
    }

    /// The pack's id, unique in its app.
    #[must_use]
    pub fn id(&self) -> &str {
        self.pack.id.as_str()
    }

    /// The version that is offered; the local one when the pack is offered no longer. `Spec: packs
    /// 8`.
    #[must_use]
    pub fn version(&self) -> PackVersion {
        self.pack.version
    }

    /// Bytes of a fresh download. An update is usually far less.
    #[must_use]
    pub fn download_size(&self) -> u64 {
        self.pack.download_size
    }

    /// Bytes of all its files when installed; none where nobody said it, as in a plain download
    /// manifest. `Ours:` the original tells the size of the archive only.
    #[must_use]
    pub fn installed_size(&self) -> Option<u64> {
        self.archive.is_none().then_some(self.pack.installed_size)
    }

    /// Where its archive lies, if it comes from a plain download manifest. `Spec: packs 4`.
    #[must_use]
    pub fn archive_url(&self) -> Option<&str> {
        self.archive.as_ref().map(Url::as_str)
    }

    /// Whatever the author put into the packaging manifest.
    #[must_use]
    pub fn user_info(&self) -> Option<&serde_json::Value> {
        self.pack.user_info.as_ref()
    }

    /// Its language; none when it is not localized. `Spec: packs 9`.
    #[must_use]
    pub fn language(&self) -> Option<&Language> {
        self.pack.language.as_ref()
    }

    /// When it is downloaded. `Spec: packs 2`.
    #[must_use]
    pub fn policy(&self) -> &DownloadPolicy {
        &self.pack.policy
    }

    /// The download of its archive, for an app that manages its packs by itself: a pack of an
    /// [`AssetPackManifest`](crate::AssetPackManifest) that was read from a file or bytes. In the
    /// app without a request, in the extension with the one that it is asked for: then it is
    /// essential if the pack's policy says so for that request. `Spec: api 1`, `download(for:)`.
    ///
    /// Its identifier is the pack's id. Each call makes another download. `Ours:` what arrives is a pack of the app, whose files
    /// can be read when the download has finished. `Spec: packs 4.2`.
    ///
    /// # Errors
    /// `assetPackManaged` for a pack of the service, which downloads it itself; `downloadInvalid`
    /// when its archive may not be fetched.
    pub fn download(&self, request: Option<ContentRequest>) -> Result<Download, Error> {
        let (Some(archive), Some(group)) = (&self.archive, &self.group) else {
            let text = format!("the asset pack `{}` is downloaded by the service", self.id());
            return Err(Error::new(ErrorKind::Usage, "assetPackManaged", text)
                .with_hint("call `ensure_local_availability`"));
        };
        let essential =
            request.is_some_and(|it| self.pack.policy.selected_by(it) == Selection::Essential);
        let download = Download::created(model::UrlDownload {
            identifier: self.id().to_owned(),
            unique_identifier: new_unique_identifier(),
            kind: DownloadKind::AssetPack,
            url: archive.as_str().to_owned(),
            method: "GET".to_owned(),
            headers: std::collections::BTreeMap::new(),
            file_size: Some(self.pack.download_size),
            essential,
            app_group: group.clone(),
            priority: DownloadPriority::DEFAULT,
            pack_version: Some(self.pack.version),
        });
        download.check()?;
        Ok(download)
    }

    /// Whether a request is about it: an installation or update if its policy names it, any other
    /// request if it is not on demand.
    pub(crate) fn is_wanted(&self, request: ContentRequest) -> bool {
        match request {
            ContentRequest::Install | ContentRequest::Update => {
                self.pack.policy.selected_by(request) != Selection::NotSelected
            }
            ContentRequest::Periodic | ContentRequest::LanguageChange => {
                !matches!(self.pack.policy, DownloadPolicy::OnDemand(_))
            }
        }
    }

    /// What vouches for its bytes. `Ours:` a pack that only the connection vouches for is shown as
    /// such wherever it is shown.
    #[must_use]
    pub fn trust(&self) -> Trust {
        self.pack.trust
    }
}

/// By id and version, which tell packs of one app apart.
impl Hash for AssetPack {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.pack.id.hash(state);
        self.pack.version.hash(state);
    }
}

impl fmt::Display for AssetPack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (version {})", self.pack.id, self.pack.version)
    }
}

impl fmt::Debug for AssetPack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssetPack")
            .field("id", &self.pack.id)
            .field("version", &self.pack.version)
            .finish_non_exhaustive()
    }
}
