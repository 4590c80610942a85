//! The names that have to do with single downloads and extensions.
#![expect(
    clippy::no_effect_underscore_binding,
    clippy::too_many_lines,
    reason = "that it compiles is the test"
)]

use std::path::Path;

use headstart::blocking::DownloadManager as Blocking;
use headstart::downloads::{self, BackgroundAssetsErrorCode};
use headstart::{
    AssetPack, AssetPackManifest, ContentRequest, DelegateRegistration, Download, DownloadManager,
    DownloadManagerDelegate, DownloadPriority, DownloadStatus, Error, UrlDownload, apps, extension,
};

/// The names of methods of a trait that nobody has to implement.
macro_rules! of_trait {
    ($name:path => $($method:ident),* $(,)?) => {{
        $(let _item = <Nobody as $name>::$method;)*
        [$(concat!(stringify!($name), "::", stringify!($method))),*]
    }};
}

/// Whatever can be asked of downloads, by somebody who has nothing to say.
struct Nobody;

impl DownloadManagerDelegate for Nobody {}
impl extension::ManagedDownloaderExtension for Nobody {}
impl extension::DownloaderExtension for Nobody {
    fn downloads(
        &mut self,
        _: ContentRequest,
        _: &Path,
        _: extension::AppExtensionInfo,
    ) -> Result<Vec<Download>, Error> {
        Ok(Vec::new())
    }
}

/// The names of methods that both download managers have.
fn of_both_download_managers() -> Vec<&'static str> {
    macro_rules! on_both {
        ($($method:ident$(::<$($type:ty),*>)?),* $(,)?) => {{
            $(
                let _item = DownloadManager::$method$(::<$($type),*>)?;
                let _item = Blocking::$method$(::<$($type),*>)?;
            )*
            [$(concat!("DownloadManager::", stringify!($method))),*]
        }};
    }
    let body = |on: &DownloadManager| drop(on.with_exclusive_control(async || ()));
    let before = |on: &DownloadManager| {
        drop(on.with_exclusive_control_before(std::time::UNIX_EPOCH, async || ()));
    };
    let twins = |on: &Blocking| {
        let again = on.with_exclusive_control(|| ());
        again.and_then(|()| on.with_exclusive_control_before(std::time::UNIX_EPOCH, || ()))
    };
    let arguments = |on: &DownloadManager, twin: &Blocking, download: &Download| {
        drop((on.schedule(download), twin.schedule(download)));
        drop((on.start_foreground(download), twin.start_foreground(download)));
        drop((on.cancel(download), twin.cancel(download)));
        drop((on.set_delegate(Nobody), twin.set_delegate(Nobody)));
        drop((on.listen(drop), twin.listen(drop)));
    };
    let _compiled = (body, before, twins, arguments);
    let mut names = on_both![
        connect,
        shared,
        schedule_all,
        start_foreground_all,
        current_downloads,
        exclusive_control,
        try_exclusive_control,
        events,
        group_container,
    ]
    .to_vec();
    names.extend([
        "DownloadManager::schedule",
        "DownloadManager::start_foreground",
        "DownloadManager::cancel",
        "DownloadManager::set_delegate",
        "DownloadManager::listen",
        "DownloadManager::with_exclusive_control",
        "DownloadManager::with_exclusive_control_before",
    ]);
    names
}

/// The names that have to do with single downloads.
pub(super) fn known() -> Vec<&'static str> {
    let mut names = of_both_download_managers();
    names.extend(types![
        DownloadManager,
        DelegateRegistration,
        Download,
        UrlDownload,
        extension::AppExtensionInfo,
        extension::Question,
        downloads::BackgroundAssetsErrorCode,
        apps::Installation,
    ]);
    names.extend(of_trait![
        DownloadManagerDelegate =>
        download_did_begin,
        download_did_pause,
        download_did_write_bytes,
        download_did_receive_challenge,
        download_failed,
        download_finished,
        events_missed,
    ]);
    names.extend(of_trait![
        extension::DownloaderExtension =>
        downloads,
        challenge,
        failed,
        finished,
        will_terminate,
    ]);
    names.extend(of_trait![
        extension::ManagedDownloaderExtension =>
        should_download,
        challenge,
    ]);
    // Traits, and functions of any handler: named above, or here by what calls them.
    let _runs: [fn(Nobody) -> Result<(), Error>; 2] = [extension::run, extension::run_managed];
    let _serves: [fn(Nobody) -> Result<extension::ServingThread, Error>; 2] =
        [extension::serve_in_background, extension::serve_managed_in_background];
    let _listens = || extension::listen(drop);
    let _checks = || extension::check(ContentRequest::Install, [] as [Download; 0]);
    names.extend([
        "DownloadManagerDelegate",
        "extension::DownloaderExtension",
        "extension::ManagedDownloaderExtension",
        "extension::run",
        "extension::run_managed",
        "extension::serve_in_background",
        "extension::serve_managed_in_background",
        "extension::listen",
        "extension::check",
        "UrlDownload::headers",
    ]);
    let _compiled = |made: UrlDownload| made.headers([("name", "value")]);
    let size = |info: &extension::AppExtensionInfo| {
        let extension::AppExtensionInfo {
            restricted_download_size_remaining,
            restricted_essential_download_size_remaining,
        } = *info;
        (restricted_download_size_remaining, restricted_essential_download_size_remaining)
    };
    let _compiled = size;
    names.extend([
        "extension::AppExtensionInfo::restricted_download_size_remaining",
        "extension::AppExtensionInfo::restricted_essential_download_size_remaining",
    ]);
    names.extend(items![
        Download::identifier,
        Download::unique_identifier,
        Download::kind,
        Download::priority,
        Download::status,
        Download::is_essential,
        Download::is_url_download,
        Download::removing_essential,
        Download::url,
        Download::file_size,
        Download::app_group,
        Download::bytes_done,
        Download::bytes_total,
        UrlDownload::new,
        UrlDownload::without_size,
        UrlDownload::essential,
        UrlDownload::priority,
        UrlDownload::header,
        UrlDownload::method,
        DownloadStatus::Failed,
        DownloadStatus::Created,
        DownloadStatus::Waiting,
        DownloadStatus::Downloading,
        DownloadStatus::Finished,
        DownloadPriority::MIN,
        DownloadPriority::DEFAULT,
        DownloadPriority::MAX,
        ContentRequest::Install,
        ContentRequest::Update,
        ContentRequest::Periodic,
        ContentRequest::LanguageChange,
        downloads::FinishedFile::move_to,
        AssetPack::download,
        AssetPackManifest::all_downloads,
    ]);
    names.extend(items![
        BackgroundAssetsErrorCode::Invalid,
        BackgroundAssetsErrorCode::CallFromExtensionNotAllowed,
        BackgroundAssetsErrorCode::CallFromInactiveProcessNotAllowed,
        BackgroundAssetsErrorCode::CallerConnectionNotAccepted,
        BackgroundAssetsErrorCode::CallerConnectionInvalid,
        BackgroundAssetsErrorCode::AlreadyScheduled,
        BackgroundAssetsErrorCode::NotScheduled,
        BackgroundAssetsErrorCode::FailedToStart,
        BackgroundAssetsErrorCode::AlreadyFailed,
        BackgroundAssetsErrorCode::EssentialDownloadNotPermitted,
        BackgroundAssetsErrorCode::BackgroundActivityProhibited,
        BackgroundAssetsErrorCode::WouldExceedAllowance,
        BackgroundAssetsErrorCode::DoesNotExist,
        BackgroundAssetsErrorCode::DisallowedByDomain,
        BackgroundAssetsErrorCode::DisallowedByAllowance,
        BackgroundAssetsErrorCode::AllowanceExceeded,
        BackgroundAssetsErrorCode::NotPermittedBeforeAppLaunch,
    ]);
    names
}
