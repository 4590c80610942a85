//! Where things are.

use headstart_engine::record::{Bundle, BundleFiles, LocalVersion, Trust};
use headstart_model::{AppGroupId, AppId, ChannelName, Digest, Language, PackId};

/// The address of an app's repository.
pub(super) fn repository(app: &str) -> String {
    format!("https://assets.example/{app}")
}

/// The bundle of version `version` of an app.
pub(super) fn bundle(app: &str, version: &str) -> Bundle {
    Bundle {
        path: format!("/bundles/{app}"),
        version: version.to_owned(),
        group: None,
        repository: Some(repository(app)),
        repository_mirrors: Vec::new(),
        channel: ChannelName::production(),
        trust: Trust::Ordinary,
        files: BundleFiles::InPlace,
        languages: vec![language(PRIMARY_LANGUAGE)],
        manifest: None,
        download_manifest: None,
        extension: false,
        restrictions: None,
        groups: std::collections::BTreeMap::new(),
    }
}

/// The bundle of an app whose packs are kept from a plain download manifest.
pub(super) fn bundle_with_listing(app: &str, version: &str) -> Bundle {
    let (repository, download_manifest) = (None, Some(repository(app)));
    Bundle { repository, download_manifest, ..bundle(app, version) }
}

/// The bundle of an app whose own server and extension decide.
pub(super) fn bundle_with_extension(app: &str) -> Bundle {
    Bundle {
        repository: None,
        manifest: Some(file_url(&app_id(app), "manifest.json")),
        download_manifest: None,
        extension: true,
        groups: std::collections::BTreeMap::from([(group(&app_id(app)), Vec::new())]),
        ..bundle(app, "1.0")
    }
}

/// The group of an app.
pub(super) fn group(app: &AppId) -> AppGroupId {
    AppGroupId::new(format!("group.{app}")).expect("made of an app's id")
}

/// The address of a file of an app.
pub(super) fn file_url(app: &AppId, name: &str) -> String {
    format!("https://cdn.example/{app}/{name}")
}

/// The first language of every app here.
const PRIMARY_LANGUAGE: &str = "en";

pub(super) fn language(tag: &str) -> Language {
    Language::new(tag).expect("scenarios name languages validly")
}

pub(super) fn app_id(app: &str) -> AppId {
    AppId::new(app).expect("scenarios name apps validly")
}

pub(super) fn pack_id(pack: &str) -> PackId {
    PackId::new(pack).expect("scenarios name packs validly")
}

/// Where a single download lies until it is discarded.
pub(super) fn file(app: &AppId, download: headstart_engine::DownloadId) -> String {
    format!("files/{app}/{download}")
}

/// The folder in which a version is built. A publisher of this world gives a number to one content only.
pub(super) fn staging(app: &AppId, pack: &PackId, version: &LocalVersion) -> String {
    format!("{}{}", staging_of(app, pack), version.version)
}

pub(super) fn staging_of(app: &AppId, pack: &PackId) -> String {
    format!("staging/{app}/{pack}/")
}

/// The folder in which a version is installed.
pub(super) fn installed(app: &AppId, pack: &PackId, version: &LocalVersion) -> String {
    format!("packs/{app}/{pack}/{}", version.version)
}

/// The file that says which versions an app reads.
pub(super) fn namespace(app: &AppId) -> String {
    format!("apps/{app}/namespace")
}

/// The file that says that an app is installed.
pub(super) fn registration(app: &AppId) -> String {
    format!("apps/{app}/registration")
}

/// Bytes `from` up to `to` of a version's content.
pub(super) fn content(digest: &Digest, from: u64, to: u64) -> Vec<u8> {
    let bytes = digest.as_bytes();
    let at = |index: u64| {
        let [low, ..] = index.to_le_bytes();
        bytes[usize::from(low) % Digest::LEN] ^ low
    };
    (from..to).map(at).collect()
}
