//! The packs of this app.

use std::path::Path;
use std::sync::Arc;

use headstart_model::{Language, Status};

use crate::blocking::{self, reading_methods};
use crate::connector::Connector;
use crate::error::Error;
use crate::link::Caller;
use crate::namespace::Namespaces;
use crate::run::run;
use crate::{
    ArrivingFile, AssetPack, AssetPackManifest, Checkout, DownloadStatusUpdate, EnsureOptions,
    Events, Overwrite, Require, SizeCalculationMethod, UpdateCheck,
};

mod listening;

pub use listening::Listening;

/// The asset packs of an app. `Spec: api 2`.
///
/// Clones are cheap and share connections and the index of the files. Async methods work under any
/// executor; methods that read installed files are not async, since they wait for nobody.
///
/// # Cancel safety
/// Dropping the future of any method ends the wait. What the service has accepted by then goes on:
/// a download is cancelled with [`cancel`](Self::cancel), not by no longer waiting for it.
#[derive(Debug, Clone)]
pub struct AssetPackManager {
    inner: blocking::AssetPackManager,
    namespaces: Arc<Namespaces>,
}

impl AssetPackManager {
    /// The packs of the app that this process is.
    ///
    /// # Errors
    /// As [`Connector::asset_packs`].
    pub async fn connect() -> Result<Self, Error> {
        Connector::new().asset_packs().await
    }

    /// The one manager of this process. See [`blocking::AssetPackManager::shared`].
    ///
    /// # Errors
    /// As [`connect`](Self::connect); who asks again tries again.
    pub async fn shared() -> Result<Self, Error> {
        ::blocking::unblock(blocking::AssetPackManager::shared).await.map(Self::of_blocking)
    }

    pub(crate) async fn open(caller: Caller) -> Result<Self, Error> {
        let inner = if caller.known_app().is_some() {
            blocking::AssetPackManager::open(caller)?
        } else {
            run(&caller, blocking::AssetPackManager::open).await?
        };
        Ok(Self::of_blocking(inner))
    }

    pub(crate) fn of_blocking(inner: blocking::AssetPackManager) -> Self {
        Self { namespaces: Arc::clone(&inner.namespaces), inner }
    }

    /// The same manager, for calls that wait.
    #[must_use]
    pub fn to_blocking(&self) -> blocking::AssetPackManager {
        self.inner.clone()
    }

    /// The packs that the server offers, by id; may ask it. `Spec: api 2`.
    ///
    /// # Errors
    /// Of kind `unavailable` when the service cannot be had; else what the service says.
    pub async fn all_asset_packs(&self) -> Result<Vec<AssetPack>, Error> {
        run(&self.inner, |packs| packs.all_asset_packs()).await
    }

    /// The packs that the server offers, as a manifest. `Spec: api 3`.
    ///
    /// # Errors
    /// As [`all_asset_packs`](Self::all_asset_packs).
    pub async fn manifest(&self) -> Result<AssetPackManifest, Error> {
        run(&self.inner, |packs| packs.manifest()).await
    }

    /// The pack with this id; may ask the server. `Spec: api 2`.
    ///
    /// # Errors
    /// `assetPackNotFound` when it is neither offered nor local; else as
    /// [`all_asset_packs`](Self::all_asset_packs).
    pub async fn asset_pack(&self, id: &str) -> Result<AssetPack, Error> {
        let id = id.to_owned();
        run(&self.inner, move |packs| packs.asset_pack(&id)).await
    }

    /// The status of a pack, compared with what is offered now. `Spec: packs 8.2`.
    ///
    /// # Errors
    /// As [`asset_pack`](Self::asset_pack).
    pub async fn status_of(&self, id: &str) -> Result<Status, Error> {
        let id = id.to_owned();
        run(&self.inner, move |packs| packs.status_of(&id)).await
    }

    /// The status of the local copy compared with `pack`, in whatever version that describes.
    /// Begins and removes nothing. `Spec: packs 8.2`.
    ///
    /// # Errors
    /// As [`asset_pack`](Self::asset_pack).
    pub async fn status_relative_to(&self, pack: &AssetPack) -> Result<Status, Error> {
        let pack = pack.clone();
        run(&self.inner, move |packs| packs.status_relative_to(&pack)).await
    }

    /// The status of a pack as far as the device knows it, without asking the server. Never fails:
    /// an id that does not exist has no flag, and without a service the files tell whether the pack
    /// is there. `Spec: packs 8.2`.
    pub async fn local_status(&self, id: &str) -> Status {
        let id = id.to_owned();
        let status = run(&self.inner, move |packs| Ok(packs.local_status(&id))).await;
        status.unwrap_or_default()
    }

    /// Waits until any version of a pack can be read, downloading it if there is none. `Spec:
    /// concepts 5.3`.
    ///
    /// A pack that can be read already needs neither server nor service.
    ///
    /// # Errors
    /// Why it could not be had: kinds `network`, `noSpace`, `untrusted`, `refused`, `cancelled`,
    /// `notFound`, `unavailable`.
    pub async fn ensure_local_availability(&self, pack: &AssetPack) -> Result<(), Error> {
        self.ensure_local_availability_with(pack, Require::AnyVersion).await
    }

    /// As [`ensure_local_availability`](Self::ensure_local_availability), and says whether any
    /// version will do, and how urgent it is. `Spec: api 2`.
    ///
    /// ```no_run
    /// # async fn load(packs: headstart::AssetPackManager) -> Result<(), headstart::Error> {
    /// use headstart::{EnsureOptions, Require, Urgency};
    ///
    /// let next = packs.asset_pack("level-2").await?;
    /// // Ahead of time, in nobody's way.
    /// packs.ensure_local_availability_with(&next, Urgency::Background).await?;
    /// // A person waits, and for nothing but the newest.
    /// let now = EnsureOptions::new().require(Require::LatestVersion).urgency(Urgency::Immediate);
    /// packs.ensure_local_availability_with(&next, now).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`ensure_local_availability`](Self::ensure_local_availability).
    pub async fn ensure_local_availability_with(
        &self,
        pack: &AssetPack,
        options: impl Into<EnsureOptions>,
    ) -> Result<(), Error> {
        let (pack, options) = (pack.clone(), options.into());
        run(&self.inner, move |packs| packs.ensure_local_availability_with(&pack, options)).await
    }

    /// Waits until all of these packs can be read, downloading them as one batch. `Spec: api 2`.
    ///
    /// # Errors
    /// `localAvailabilityFailure` when some could not be had: [`Error::local_availability`] tells
    /// which, and why.
    pub async fn ensure_local_availability_of(
        &self,
        packs: &[AssetPack],
        options: impl Into<EnsureOptions>,
    ) -> Result<(), Error> {
        let (wanted, options) = (packs.to_vec(), options.into());
        run(&self.inner, move |packs| packs.ensure_local_availability_of(&wanted, options)).await
    }

    /// Waits until one of these packs can be read, and gives the first that can: one that is there
    /// already, else the one that arrives first. Nothing is begun when one is there; else the
    /// others go on in the background. `Ours:` for apps that can begin with any of several.
    ///
    /// # Errors
    /// `localAvailabilityFailure` when none could be had, `nothingToWaitFor` when `packs` is empty.
    pub async fn ensure_any_local_availability(
        &self,
        packs: &[AssetPack],
        options: impl Into<EnsureOptions>,
    ) -> Result<AssetPack, Error> {
        let (wanted, options) = (packs.to_vec(), options.into());
        run(&self.inner, move |packs| packs.ensure_any_local_availability(&wanted, options)).await
    }

    /// What happens to the downloads of all packs, from the moment on at which the future is done;
    /// never ends by itself. `Spec: api 2`.
    ///
    /// # Errors
    /// Of kind `unavailable` when the service cannot be had; so ends the stream when the service
    /// goes away.
    pub async fn status_updates(&self) -> Result<Events<DownloadStatusUpdate>, Error> {
        Events::start(&self.inner, |packs| packs.status_updates()).await
    }

    /// What happens to the download of one pack, from the moment on at which the future is done;
    /// ends after it has finished or failed. A pack that is not being downloaded is waited for.
    /// `Spec: api 2`.
    ///
    /// # Errors
    /// `assetPackNotFound`; else as [`status_updates`](Self::status_updates).
    pub async fn status_updates_for(
        &self,
        id: &str,
    ) -> Result<Events<DownloadStatusUpdate>, Error> {
        let id = id.to_owned();
        Events::start(&self.inner, move |packs| packs.status_updates_for(&id)).await
    }

    /// Asks the server for the newest state, begins updates of downloaded packs and removes packs
    /// that are offered no longer. `Spec: concepts 5.2`.
    ///
    /// # Errors
    /// Of kind `network` or `untrusted` when the newest state cannot be had; `unavailable` when the
    /// service cannot.
    pub async fn check_for_updates(&self) -> Result<UpdateCheck, Error> {
        run(&self.inner, |packs| packs.check_for_updates()).await
    }

    /// Removes the local copy of a pack; one that is not local is no error. `Spec: concepts 8`.
    ///
    /// # Errors
    /// `assetPackNotFound` when the app has no such pack; `unavailable`.
    pub async fn remove(&self, id: &str) -> Result<(), Error> {
        let id = id.to_owned();
        run(&self.inner, move |packs| packs.remove(&id)).await
    }

    /// Cancels the download of a pack, whoever asked for it; one that is not being downloaded is no
    /// error. `Spec: concepts 8`.
    ///
    /// # Errors
    /// `assetPackNotFound` when the app has no such pack; `unavailable`.
    pub async fn cancel(&self, id: &str) -> Result<(), Error> {
        let id = id.to_owned();
        run(&self.inner, move |packs| packs.cancel(&id)).await
    }

    /// Bytes that the version of a pack takes that can be read. `Spec: packs 8`.
    ///
    /// [`SizeCalculationMethod::Logical`] costs the same for many files; the others look at each.
    ///
    /// # Errors
    /// `assetPackNotFound` when none can be read, `namespaceDamaged` when the index of the files
    /// cannot be used, `fileDamaged` when a file is missing.
    pub async fn local_size(&self, id: &str, method: SizeCalculationMethod) -> Result<u64, Error> {
        let id = id.to_owned();
        run(&self.inner, move |packs| packs.local_size(&id, method)).await
    }

    /// Moves a file out of its pack to `destination`. See [`blocking::AssetPackManager::consume`].
    ///
    /// # Errors
    /// As [`blocking::AssetPackManager::consume`].
    pub async fn consume(&self, path: &str, destination: &Path) -> Result<(), Error> {
        let (path, destination) = (path.to_owned(), destination.to_owned());
        run(&self.inner, move |packs| packs.consume(&path, &destination)).await
    }

    /// As [`consume`](Self::consume), of this pack only.
    ///
    /// # Errors
    /// As [`consume`](Self::consume).
    pub async fn consume_in(
        &self,
        pack: &str,
        path: &str,
        destination: &Path,
    ) -> Result<(), Error> {
        let (pack, path) = (pack.to_owned(), path.to_owned());
        let destination = destination.to_owned();
        run(&self.inner, move |packs| packs.consume_in(&pack, &path, &destination)).await
    }

    /// As [`consume`](Self::consume), of packs of this language only.
    ///
    /// # Errors
    /// As [`consume`](Self::consume).
    pub async fn consume_for(
        &self,
        language: &Language,
        path: &str,
        destination: &Path,
    ) -> Result<(), Error> {
        let (language, path) = (language.clone(), path.to_owned());
        let destination = destination.to_owned();
        run(&self.inner, move |packs| packs.consume_for(&language, &path, &destination)).await
    }

    /// Opens a file of a pack that may still be on its way. See [`blocking::AssetPackManager::read_ahead`].
    ///
    /// # Errors
    /// As [`blocking::AssetPackManager::read_ahead`].
    pub async fn read_ahead(&self, pack: &str, path: &str) -> Result<ArrivingFile, Error> {
        let (pack, path) = (pack.to_owned(), path.to_owned());
        let opened = run(&self.inner, move |packs| packs.read_ahead(&pack, &path)).await?;
        // Not to be ended by the future that opened it.
        Ok(opened.through(&self.inner))
    }

    /// Brings a local pack into a folder, as files to write to. See [`blocking::AssetPackManager::checkout`].
    ///
    /// # Errors
    /// As [`blocking::AssetPackManager::checkout`].
    pub async fn checkout(
        &self,
        pack: &str,
        destination: &Path,
        overwrite: Overwrite,
    ) -> Result<Checkout, Error> {
        let (pack, destination) = (pack.to_owned(), destination.to_owned());
        run(&self.inner, move |packs| packs.checkout(&pack, &destination, overwrite)).await
    }

    reading_methods!();
}
