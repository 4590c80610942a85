//! A list of asset packs.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use headstart_model::download_manifest::{DOWNLOAD_MANIFEST_BYTES_MAX, DownloadManifest};
use headstart_model::{AppGroupId, ContentRequest, ErrorKind};
use url::Url;

use crate::error::Error;
use crate::{AssetPack, Download};

mod languages;

pub(crate) use languages::AppLanguages;

/// The packs that are offered to an app. `Spec: api 3`.
///
/// [`AssetPackManager::manifest`](crate::AssetPackManager::manifest) gives the present one. An app
/// without a signed repository reads a plain download manifest that it fetched by itself:
///
/// ```
/// use headstart::{AppGroupId, AssetPackManifest, Trust};
///
/// let json = br#"{"assetPacks": [{
///     "id": "maps", "url": "https://assets.example.com/maps", "version": 3, "downloadSize": 1000,
///     "downloadPolicy": {"onDemand": {}}, "host": {"thirdParty": {}}
/// }]}"#;
/// let manifest = AssetPackManifest::from_bytes(json, &AppGroupId::new("group.com.example")?)?;
/// let maps = manifest.asset_pack("maps").expect("it is listed");
/// assert_eq!((maps.version().0, maps.download_size()), (3, 1000));
/// assert_eq!(maps.trust(), Trust::TransportOnly);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetPackManifest {
    packs: Vec<AssetPack>,
    group: Option<AppGroupId>,
    languages: AppLanguages,
}

impl AssetPackManifest {
    /// What the service said.
    pub(crate) fn new(mut packs: Vec<AssetPack>, languages: AppLanguages) -> Self {
        packs.sort_by(|a, b| a.id().cmp(b.id()));
        Self { packs, group: None, languages }
    }

    /// Reads a plain download manifest from a file: `url` is a `file:` URL or a path. `Spec: api 3, packs 4`.
    ///
    /// `group` is the app group that downloads of these packs belong to.
    ///
    /// # Errors
    /// `invalidManifestUrl` for a URL of another kind: nothing is fetched here; `manifestUnreadable`
    /// when the file cannot be read; else as [`from_bytes`](Self::from_bytes).
    pub fn from_url(url: &str, group: &AppGroupId) -> Result<Self, Error> {
        let path = local_path(url)?;
        let bytes = read(&path).map_err(|error| {
            let kind = match error.kind() {
                std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                _ => ErrorKind::InvalidInput,
            };
            let text = format!("the download manifest {} cannot be read", path.display());
            Error::new(kind, "manifestUnreadable", text)
                .caused_by(&error)
                .with_hint("check the path")
        })?;
        Self::from_bytes(&bytes, group)
    }

    /// Reads a plain download manifest. Only the connection that it came over vouches for it:
    /// [`AssetPack::trust`] says so of its packs. `Spec: api 3, packs 4`.
    ///
    /// # Errors
    /// `downloadManifestRefused` when it is no such manifest, is too large, or names a pack twice.
    /// `Ours:` the specification does not say what is refused. Where archives lie is not judged
    /// here, but before they are fetched.
    pub fn from_bytes(bytes: &[u8], group: &AppGroupId) -> Result<Self, Error> {
        let manifest = DownloadManifest::from_json(bytes).map_err(|error| {
            Error::of(ErrorKind::InvalidInput, "downloadManifestRefused", &error)
                .with_hint("correct what is named")
        })?;
        let packs = manifest.asset_packs.into_iter();
        let packs: Vec<_> = packs.map(|pack| AssetPack::of_archive(pack, group)).collect();
        let languages = AppLanguages::of_process(&packs);
        Ok(Self { group: Some(group.clone()), ..Self::new(packs, languages) })
    }

    /// The packs, by id.
    #[must_use]
    pub fn asset_packs(&self) -> &[AssetPack] {
        &self.packs
    }

    /// The pack with this id.
    #[must_use]
    pub fn asset_pack(&self, id: &str) -> Option<&AssetPack> {
        let found = self.packs.binary_search_by(|pack| pack.id().cmp(id)).ok()?;
        self.packs.get(found)
    }

    /// Downloads of every pack that applies here, for an app that manages its packs by itself: those
    /// without a language and those of the resolved one. In the app without a request, which gives
    /// all of them; in the extension with the one that it is asked for. `Spec: api 3`,
    /// `allDownloads(for:)`.
    ///
    /// `Ours:` the original does not say which packs a request is about. An installation or update
    /// gives those whose policy names it, a periodic request or a change of language all that are
    /// not on demand. See [`AssetPack::download`].
    ///
    /// # Errors
    /// As [`AssetPack::download`], of the first pack that fails.
    pub fn all_downloads(&self, request: Option<ContentRequest>) -> Result<Vec<Download>, Error> {
        let here = self.asset_packs().iter().filter(|pack| self.applies(pack));
        let wanted = here.filter(|pack| request.is_none_or(|request| pack.is_wanted(request)));
        wanted.map(|pack| pack.download(request)).collect()
    }

    /// The app group that downloads of these packs belong to; none in a manifest that the service
    /// gave, whose packs it downloads itself.
    #[must_use]
    pub fn app_group(&self) -> Option<&AppGroupId> {
        self.group.as_ref()
    }
}

fn local_path(url: &str) -> Result<PathBuf, Error> {
    let refused = |why: &str| {
        // What a caller gave may be any text: it is cut before it enters a message.
        let shown: String = url.chars().take(200).collect();
        let text = format!("`{shown}` {why}");
        Error::new(ErrorKind::Usage, "invalidManifestUrl", text)
            .with_hint("give a path or a `file:` URL; download the manifest first")
    };
    let path = Path::new(url);
    // On Windows an absolute path begins as a URL of the scheme `c`.
    if path.is_absolute() {
        return Ok(path.to_owned());
    }
    match Url::parse(url) {
        Ok(url) if url.scheme() == "file" => {
            url.to_file_path().map_err(|()| refused("names no file of this machine"))
        }
        Ok(_) => Err(refused("is no file of this machine")),
        Err(_) if url.is_empty() => Err(refused("names nothing")),
        Err(_) => Ok(path.to_owned()),
    }
}

/// At most one byte more than a manifest may have, so that a larger one is found out.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let limit = u64::try_from(DOWNLOAD_MANIFEST_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
