//! Headstart for apps: asset packs that are on the device before the app needs them.
//!
//! [`AssetPackManager`] is what an app uses: it waits for packs, tells what happens to downloads,
//! and reads the files of all packs as one tree. Reading an installed file never asks the service:
//! the files are plain files, found through an index that is mapped into memory.
//!
//! ```no_run
//! # async fn load() -> Result<(), headstart::Error> {
//! use headstart::AssetPackManager;
//!
//! let packs = AssetPackManager::connect().await?;
//! let level = packs.asset_pack("level-1").await?;
//! packs.ensure_local_availability(&level).await?;
//! let map = packs.contents("maps/island.bin")?; // memory-mapped, derefs to [u8]
//! # drop(map); Ok(()) }
//! ```
//!
//! An app that brings its assets in by itself schedules single files with a [`DownloadManager`], and an
//! [extension] answers for them while it does not run.
//!
//! Every async method works under any executor, and [`blocking`] has the same for programs without one.
//! Programs that administrate (launchers, command lines) find all through a [`Connector`].
//!
//! Not here: downloading, verifying, deciding. The service does that; this library starts it.

pub mod apps;
mod arriving;
mod asset_pack;
pub mod blocking;
mod bundle;
mod checkout;
mod connection;
mod connector;
mod consume;
mod contents;
mod control;
pub mod device;
mod download;
pub mod downloads;
mod ensure;
mod environment;
mod error;
mod events;
pub mod extension;
mod interrupt;
mod languages;
mod link;
mod manager;
mod manifest;
mod namespace;
pub mod packs;
pub mod queue;
pub mod recent;
mod run;
mod server_headers;
pub mod service;
mod starting;
mod update;
mod wire;

pub use arriving::ArrivingFile;
pub use asset_pack::AssetPack;
pub use checkout::{Checkout, Overwrite};
pub use connector::{Connector, Start};
pub use contents::Contents;
pub use download::{Download, DownloadKind, DownloadPriority, DownloadStatus, UrlDownload};
pub use downloads::{DelegateRegistration, DownloadManager, DownloadManagerDelegate};
pub use ensure::{EnsureOptions, Require};
pub use error::{Error, LocalAvailabilityError};
pub use events::Events;
pub use headstart_model::protocol::packs::{Trust, Withheld};
pub use headstart_model::protocol::{PackFailure, Phase, Progress, Reason};
pub use headstart_model::{
    AppGroupId, AppId, AppVersions, ContentRequest, DownloadPolicy, ErrorKind, Failure, Headers,
    InstallationEventType, InstallationEventTypes, Language, PackId, PackVersion, Status, Urgency,
};
pub use manager::{AssetPackManager, Listening};
pub use manifest::AssetPackManifest;
pub use namespace::{Collision, FolderEntry, FolderEntryKind, Namespace, SizeCalculationMethod};
pub use update::{DownloadProgress, DownloadStatusUpdate, UpdateCheck};
