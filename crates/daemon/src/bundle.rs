//! Reading app bundles from disk, and remembering what they said when they were installed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use headstart_engine::record::{Bundle, BundleFiles, Trust};
use headstart_model::app_bundle::{
    AppBundle, BundleError, ContentMode, InitialDownloadRestrictions, PLIST_FILE, TOML_FILE,
};
use headstart_model::{AppGroupId, AppId, ChannelName, ErrorKind, Failure, Language, UrlPolicy};
use headstart_store::Layout;
use headstart_sys::durable;
use headstart_sys::mode::{Access, Mode};
use url::Url;

/// Where an app's own files are copied to, in its folder.
pub(crate) const FILES_FOLDER: &str = "files";
/// Where its description is kept there.
pub(crate) const DESCRIPTION_FOLDER: &str = "description";
/// What of an app's folder comes from its bundle.
pub(crate) const PARTS: [&str; 2] = [FILES_FOLDER, DESCRIPTION_FOLDER];
/// The largest description that is read; the parser has a limit of its own below it.
const DESCRIPTION_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What the service needs to know of a bundle.
#[derive(Debug, Clone)]
pub(crate) struct Description {
    pub(crate) id: AppId,
    pub(crate) version: String,
    pub(crate) executable: Option<PathBuf>,
    pub(crate) group: Option<AppGroupId>,
    pub(crate) repository: Option<String>,
    pub(crate) repository_mirrors: Vec<String>,
    pub(crate) channel: ChannelName,
    pub(crate) languages: Vec<Language>,
    /// The downloader extension's program, below the bundle's folder.
    pub(crate) extension: Option<PathBuf>,
    /// The manifest with which the extension decides; none where the service does.
    pub(crate) manifest: Option<String>,
    /// The plain download manifest by which the service decides.
    pub(crate) download_manifest: Option<String>,
    pub(crate) restrictions: Option<InitialDownloadRestrictions>,
    /// Every group of the app, with who may join it.
    pub(crate) groups: BTreeMap<AppGroupId, Vec<AppId>>,
    parsed: AppBundle,
}

/// Reads the description in a bundle's folder.
pub(crate) fn read(folder: &Path) -> Result<Description, Failure> {
    let (path, bytes) = description_file(folder)?;
    let parsed = if path.ends_with(TOML_FILE) {
        AppBundle::from_toml(&bytes)
    } else {
        AppBundle::from_info_plist(&bytes)
    };
    parsed.map(describe).map_err(|error| malformed(&path, &error))
}

/// Whether the addresses in a description are allowed.
pub(crate) fn check(description: &Description, trust: Trust) -> Result<(), Failure> {
    let policy = match trust {
        Trust::Ordinary => UrlPolicy::Secure,
        Trust::Development => UrlPolicy::Development,
        Trust::Insecure => UrlPolicy::Insecure,
    };
    if let ContentMode::Unmanaged(url) | ContentMode::ManagedManifest(url) =
        description.parsed.background_assets.mode()
        && let Err(problem) = policy.check_web(url)
    {
        // Unlike a repository it is fetched like any download.
        return Err(Failure::from_error(ErrorKind::Refused, "bundleUrl", &problem)
            .within("`BAManifestURL` cannot be fetched")
            .with_hint("use https, or install with --dev to reach a server on this machine"));
    }
    description.parsed.check_urls(policy).map_err(|error| {
        Failure::from_error(ErrorKind::Refused, "bundleUrl", &error)
            .with_hint("use https, or install with --dev to reach a server on this machine")
    })
}

/// What an installed app said about itself when it was installed.
pub(crate) fn registered(layout: &Layout, app: &AppId) -> Result<Description, Failure> {
    read(&registered_folder(layout, app))
}

/// Where the description of an installed app is kept: what the bundle says later does not count.
pub(crate) fn registered_folder(layout: &Layout, app: &AppId) -> PathBuf {
    layout.app(app).join(DESCRIPTION_FOLDER)
}

/// Where the app's own files lie: where its bundle does, or in the copy that was made of it.
pub(crate) fn files_folder(layout: &Layout, app: &AppId, bundle: &Bundle) -> PathBuf {
    match bundle.files {
        BundleFiles::InPlace => PathBuf::from(&bundle.path),
        BundleFiles::Copied => copied_folder(layout, app),
    }
}

/// The record of a bundle, as the engine keeps it.
pub(crate) fn record(
    description: &Description,
    folder: &Path,
    trust: Trust,
    files: BundleFiles,
) -> Bundle {
    Bundle {
        path: folder.to_string_lossy().into_owned(),
        version: description.version.clone(),
        group: description.group.clone(),
        repository: description.repository.clone(),
        repository_mirrors: description.repository_mirrors.clone(),
        channel: description.channel.clone(),
        trust,
        files,
        languages: description.languages.clone(),
        manifest: description.manifest.clone(),
        download_manifest: description.download_manifest.clone(),
        extension: description.extension.is_some(),
        restrictions: description.restrictions.clone(),
        groups: description.groups.clone(),
    }
}

/// Where an app's files are copied to.
pub(crate) fn copied_folder(layout: &Layout, app: &AppId) -> PathBuf {
    layout.app(app).join(FILES_FOLDER)
}

/// Writes the description of the bundle in `folder` among the parts of an app in `parts`, durably.
pub(crate) fn describe_in(parts: &Path, folder: &Path) -> Result<(), Failure> {
    let (path, bytes) = description_file(folder)?;
    let kept = parts.join(DESCRIPTION_FOLDER);
    let failed =
        |error: headstart_sys::FileError| headstart_store::StoreError::from(error).to_failure();
    durable::create_folders(&kept, Access::Private).map_err(failed)?;
    let name = path.file_name().unwrap_or_default();
    durable::write_file(&kept.join(name), &bytes, Mode::PRIVATE).map_err(failed)
}

fn description_file(folder: &Path) -> Result<(PathBuf, Vec<u8>), Failure> {
    for name in [TOML_FILE, PLIST_FILE] {
        let path = folder.join(name);
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.len() > DESCRIPTION_BYTES_MAX => {
                let message = format!("`{}` is too large to describe an app", path.display());
                return Err(Failure::new(ErrorKind::InvalidInput, "bundleTooLarge", message)
                    .with_hint("check that it is the file that describes the app"));
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unreadable(&path, &error)),
        }
        return match std::fs::read(&path) {
            Ok(bytes) => Ok((path, bytes)),
            Err(error) => Err(unreadable(&path, &error)),
        };
    }
    let message = format!("`{}` is no app bundle", folder.display());
    Err(Failure::new(ErrorKind::InvalidInput, "notABundle", message)
        .with_hint(format!("an app bundle is a folder with `{TOML_FILE}` or `{PLIST_FILE}` in it")))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::from_error(ErrorKind::InvalidInput, "bundleUnreadable", error)
        .within(format!("`{}` cannot be read", path.display()))
        .with_hint("check that it is a file, and its permissions")
}

fn malformed(path: &Path, error: &BundleError) -> Failure {
    Failure::from_error(ErrorKind::InvalidInput, "bundleMalformed", error)
        .within(format!("`{}` does not describe an app", path.display()))
        .with_hint("correct what is named and install again")
}

fn describe(parsed: AppBundle) -> Description {
    let assets = &parsed.background_assets;
    Description {
        id: parsed.id.clone(),
        version: parsed.version.as_str().to_owned(),
        executable: Some(PathBuf::from(parsed.executable.as_str())),
        group: assets.app_group.clone(),
        repository: assets.repository_url.as_ref().map(Url::to_string),
        repository_mirrors: assets.repository_mirrors.iter().map(Url::to_string).collect(),
        channel: assets.channel.clone(),
        languages: parsed.languages.clone(),
        extension: parsed.extension.as_ref().map(|path| PathBuf::from(path.as_str())),
        manifest: match assets.mode() {
            ContentMode::Unmanaged(url) => Some(url.to_string()),
            _ => None,
        },
        download_manifest: match assets.mode() {
            ContentMode::ManagedManifest(url) => Some(url.to_string()),
            _ => None,
        },
        restrictions: assets.restrictions.clone(),
        groups: groups(&parsed),
        parsed,
    }
}

fn groups(parsed: &AppBundle) -> BTreeMap<AppGroupId, Vec<AppId>> {
    let guests = |group: &AppGroupId| parsed.app_groups.get(group).cloned().unwrap_or_default();
    let mut groups: BTreeMap<_, _> =
        parsed.groups().into_iter().map(|group| (group.clone(), guests(group))).collect();
    if groups.is_empty()
        && parsed.extension.is_some()
        && let Ok(own) = AppGroupId::new(parsed.id.as_str())
    {
        // `Ours:` app and extension need a place to share, so an app without groups is one of its own.
        groups.insert(own, Vec::new());
    }
    groups
}
