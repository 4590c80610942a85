//! The names of the crate `backgroundassets`, over Headstart: a program that was written for that
//! crate on macOS compiles unchanged and runs wherever Headstart does.
//!
//! Written from a description of that crate's public items; [`headstart`] is what to use in a new
//! program. What behaves otherwise than there is in `docs/porting.md`.
//!
//! The feature `async` has streams, futures, delegates and the registration of extensions; the
//! feature `v0_3` gives functions the signatures of version 0.3.

#![allow(clippy::must_use_candidate, reason = "the signatures are those of the original")]
#![cfg_attr(feature = "v0_3", allow(clippy::unnecessary_wraps, reason = "0.4 has more cases"))]

pub mod asset_pack;
#[cfg(feature = "async")]
pub mod async_api;
pub mod download;
pub mod error;
pub mod ext;
pub mod extension;
pub mod manager;
pub mod manifest;

#[cfg(feature = "async")]
mod operation;
#[cfg(feature = "async")]
mod stream;

pub use asset_pack::{AssetPack, AssetPackSnapshot, AssetPackStatus};
#[cfg(feature = "async")]
pub use async_api::{
    DownloadManagerEventStream, DownloadProgress, DownloadStatusStream, DownloadStatusUpdate,
    ExclusiveControlFuture, ManagedAssetPackDownloadEventStream, UpdateCheck,
    install_global_download_manager_delegate, install_global_managed_asset_pack_download_delegate,
    install_global_managed_downloader_extension,
};
#[cfg(all(feature = "async", feature = "v0_3"))]
pub use async_api::{
    ManagedDownloaderExtensionConfiguration, ManagedDownloaderExtensionRegistration,
};
pub use download::{
    ContentRequest, Download, DownloadManager, DownloadManagerDelegate, DownloadManagerEvent,
    DownloadPriority, DownloadSnapshot, DownloadStatus, DownloadWriteProgress, UrlDownload,
    UrlDownloadOptions,
};
pub use error::{
    BackgroundAssetsError, ManagedBackgroundAssetsError, ManagedBackgroundAssetsErrorCode,
};
pub use extension::{
    AppExtensionInfo, AppExtensionInfoSnapshot, AuthenticationChallenge, ChallengeDisposition,
    DownloaderExtensionHandler, ExtensionEvent, ManagedDownloaderExtensionHandler,
};
#[cfg(feature = "async")]
pub use extension::{ExtensionEventStream, install_global_downloader_extension};
pub use manager::{
    AssetPackManager, ManagedAssetPackDownloadDelegate, ManagedAssetPackDownloadEvent,
};
pub use manifest::Manifest;
