//! A repository that lasts as long as the server, made of archives.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use headstart_model::download_manifest::{ArchivedPack, BaseUrl, DownloadManifest};
use headstart_model::packaging::PackagingManifest;
use headstart_model::{ChannelName, ErrorKind, Failure, PackVersion, ReleaseNumber};
use headstart_pack::Level;
use headstart_repo::author::{
    Initialised, KeysPlace, Lifetimes, Mode, Preparation, ReleaseRequest, Released, Writer, init,
};
use headstart_serve::{Route, Routes};
use headstart_sys::{Action, FileError};
use http::HeaderValue;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::runtime::Handle;
use url::Url;

use super::watch::{Stamps, look};
use crate::context::Context;
use crate::{archive, failure, temporary};

/// From so many earlier versions deltas are made, as `repo publish` does.
const DELTAS: usize = 3;

/// The repository, and what is served beside it.
#[derive(Debug)]
pub(super) struct Throwaway {
    archives: Vec<PathBuf>,
    /// As the archives were before they were first published.
    stamps: Stamps,
    place: Place,
    routes: Routes,
    offered: Arc<Offered>,
    /// Goes with this.
    _folder: TempDir,
}

/// Where everything lies.
#[derive(Debug, Clone)]
struct Place {
    repository: PathBuf,
    keys: PathBuf,
    staging: PathBuf,
    root: PathBuf,
}

/// What `/manifest` says.
#[derive(Debug, Default)]
struct Offered {
    base: OnceLock<BaseUrl>,
    packs: Mutex<Vec<Pack>>,
}

#[derive(Debug, Clone)]
struct Pack {
    manifest: PackagingManifest,
    archive: PathBuf,
    archive_bytes: u64,
    version: PackVersion,
}

impl Throwaway {
    /// Makes the repository and publishes the archives into it.
    pub(super) fn new(context: &Context, archives: &[PathBuf]) -> Result<Self, Failure> {
        archives.iter().try_for_each(|path| archive::open(path).map(drop))?;
        let folder = temporary::folder(context, "serve")?;
        let path = |name: &str| folder.path().join(name);
        let keys = KeysPlace::Folder(path("keys"));
        let Initialised { root, keys, .. } =
            init(&path("repository"), &keys, Lifetimes::default(), context.now())
                .map_err(|error| error.to_failure())?;
        let place = Place { repository: path("repository"), keys, staging: path("staging"), root };
        let made = Self {
            archives: archives.to_vec(),
            stamps: look(archives),
            place,
            routes: Routes::new(),
            offered: Arc::default(),
            _folder: folder,
        };
        made.serve_manifest()?;
        context.block_on(made.publish())?;
        Ok(made)
    }

    pub(super) fn archives(&self) -> &[PathBuf] {
        &self.archives
    }

    pub(super) fn first_stamps(&self) -> Stamps {
        self.stamps.clone()
    }

    pub(super) fn repository(&self) -> &Path {
        &self.place.repository
    }

    pub(super) fn root(&self) -> &Path {
        &self.place.root
    }

    pub(super) const fn routes(&self) -> &Routes {
        &self.routes
    }

    /// Lets `/manifest` name addresses below `url`.
    pub(super) fn is_served_at(&self, url: &Url) {
        if let Some(base) = url.join("assets").ok().and_then(|url| BaseUrl::new(url).ok()) {
            // Said once, right after the start.
            let _ = self.offered.base.set(base);
        }
    }

    /// Publishes the archives as they are now. On a failure what was published before stays.
    pub(super) async fn publish(&self) -> Result<ReleaseNumber, Failure> {
        let (place, archives, handle) =
            (self.place.clone(), self.archives.clone(), Handle::current());
        let work = move || {
            let packs = open(&archives)?;
            let released = handle.block_on(publish(&place, &archives))?;
            Ok::<_, Failure>((packs, released))
        };
        let done = tokio::task::spawn_blocking(work).await;
        let (packs, released) = done
            .map_err(|error| Failure::from_error(ErrorKind::Internal, "publishFailed", &error))??;
        self.offer(packs, &released)?;
        Ok(released.committed.release)
    }

    fn offer(&self, mut packs: Vec<Pack>, released: &Released) -> Result<(), Failure> {
        for pack in &mut packs {
            let id = &pack.manifest.asset_pack_id;
            let version = released.packs.iter().find(|released| released.id == *id);
            pack.version = version.map_or(PackVersion(0), |released| released.version);
            let path = format!("/assets/{id}");
            self.routes.insert(&path, Route::file(&pack.archive)).map_err(|error| route(&error))?;
        }
        let mut offered = self.offered.packs.lock().unwrap_or_else(PoisonError::into_inner);
        for former in offered.iter().map(|pack| &pack.manifest.asset_pack_id) {
            if !packs.iter().any(|pack| pack.manifest.asset_pack_id == *former) {
                let _ = self.routes.remove(&format!("/assets/{former}"));
            }
        }
        *offered = packs;
        Ok(())
    }

    fn serve_manifest(&self) -> Result<(), Failure> {
        let offered = Arc::clone(&self.offered);
        let json = HeaderValue::from_static("application/json");
        let manifest = Route::bytes(json, move || offered.manifest());
        self.routes.insert("/manifest", manifest).map_err(|error| route(&error))
    }
}

impl Offered {
    fn manifest(&self) -> std::io::Result<Bytes> {
        let base = self.base.get().ok_or(std::io::ErrorKind::NotConnected)?;
        let packs = self.packs.lock().unwrap_or_else(PoisonError::into_inner);
        let archived: Vec<_> = packs
            .iter()
            .map(|pack| ArchivedPack {
                manifest: &pack.manifest,
                archive_bytes: pack.archive_bytes,
            })
            .collect();
        let versions: Vec<_> = packs.iter().map(|pack| pack.version).collect();
        let manifest = DownloadManifest::create(base, &archived, &versions);
        Ok(manifest.map_err(std::io::Error::other)?.to_json().into())
    }
}

fn route(error: &headstart_serve::mount::BadRoutePath) -> Failure {
    Failure::from_error(ErrorKind::Internal, "badRoute", error)
}

fn open(archives: &[PathBuf]) -> Result<Vec<Pack>, Failure> {
    let one = |path: &PathBuf| {
        let reader = archive::open(path)?;
        Ok(Pack {
            manifest: archive::manifest(path, &reader)?,
            // The working directory of the server is that of who started it.
            archive: std::path::absolute(path).unwrap_or_else(|_| path.clone()),
            archive_bytes: reader.header().archive_bytes(),
            version: PackVersion(0),
        })
    };
    archives.iter().map(one).collect()
}

/// Blocks for long between its few waits: for a thread of its own.
async fn publish(place: &Place, archives: &[PathBuf]) -> Result<Released, Failure> {
    let opened = Writer::open(&place.repository, &place.keys, Lifetimes::default()).await;
    let mut writer = opened.map_err(|error| error.to_failure())?;
    let of_file = |action| {
        let staging = place.staging.clone();
        move |error| failure::of_file(&FileError::new(action, staging, error))
    };
    std::fs::create_dir_all(&place.staging).map_err(of_file(Action::Create))?;
    let how = Preparation {
        staging: place.staging.clone(),
        deltas: DELTAS,
        level: Level::Fast,
        app_versions: None,
    };
    let mut packs = Vec::new();
    for archive in archives {
        let pack =
            writer.reader().prepare(archive, &how, &mut |_| std::ops::ControlFlow::Continue(()));
        packs.push(pack.map_err(|error| error.to_failure())?);
    }
    let request =
        ReleaseRequest { channel: ChannelName::production(), rollout_percent: 100, packs };
    let released = writer
        .publish(&request, Mode::Commit, Timestamp::now())
        .map_err(|error| error.to_failure())?;
    std::fs::remove_dir_all(&place.staging).map_err(of_file(Action::Remove))?;
    Ok(released)
}
