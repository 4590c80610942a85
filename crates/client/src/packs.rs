//! Packs of any app: for programs that administrate. An app uses
//! [`AssetPackManager`](crate::AssetPackManager).

use std::path::PathBuf;

pub use headstart_model::protocol::packs::{
    Collision, EnsureEvent, EnsureOutcome, Explanation, NamespaceSnapshot, Pack, PackState, Repair,
    StatusUpdate, StatusUpdateEvent, Trust, Updates, Verification, VerifiedPack, VerifyEvent,
    Withheld,
};
use headstart_model::{Language, PackId, PackPath, PackVersion};

use crate::error::Error;
use crate::run::run;
use crate::{EnsureOptions, Events, blocking};

/// The packs of the app that the connector acts for, or of all. Obtained from
/// [`Connector::packs`](crate::Connector::packs).
///
/// # Cancel safety
/// Dropping a future or stream ends the wait. What the service has accepted by then goes on.
#[derive(Debug, Clone)]
pub struct Packs {
    inner: blocking::Packs,
}

impl Packs {
    pub(crate) const fn new(inner: blocking::Packs) -> Self {
        Self { inner }
    }

    /// Every pack that is offered or local, by app and id. May ask the server.
    ///
    /// # Errors
    /// As [`blocking::Packs::list`].
    pub async fn list(&self) -> Result<Vec<PackState>, Error> {
        run(&self.inner, |packs| packs.list()).await
    }

    /// One pack and its status, compared with the offered version or with `relative_to`. Asks the
    /// server. `Spec: packs 8.2`.
    ///
    /// # Errors
    /// As [`blocking::Packs::status`].
    pub async fn status(
        &self,
        pack: &PackId,
        relative_to: Option<PackVersion>,
    ) -> Result<PackState, Error> {
        let pack = pack.clone();
        run(&self.inner, move |packs| packs.status(&pack, relative_to)).await
    }

    /// Makes packs readable; the last event says which of them are. `Spec: concepts 5.3`.
    ///
    /// # Errors
    /// As [`blocking::Packs::ensure`].
    pub async fn ensure(
        &self,
        packs: &[PackId],
        options: impl Into<EnsureOptions>,
    ) -> Result<Events<EnsureEvent>, Error> {
        let (wanted, options) = (packs.to_vec(), options.into());
        Events::start(&self.inner, move |packs| packs.ensure(&wanted, options)).await
    }

    /// Waits until one of the packs can be read; the last event says which. The others go on in the
    /// background.
    ///
    /// # Errors
    /// As [`blocking::Packs::ensure`].
    pub async fn ensure_any(
        &self,
        packs: &[PackId],
        options: impl Into<EnsureOptions>,
    ) -> Result<Events<EnsureEvent>, Error> {
        let (wanted, options) = (packs.to_vec(), options.into());
        Events::start(&self.inner, move |packs| packs.ensure_any(&wanted, options)).await
    }

    /// Begins updates of downloaded packs and removes obsolete ones. `Spec: concepts 5.2`.
    ///
    /// # Errors
    /// As [`blocking::Packs::check_for_updates`].
    pub async fn check_for_updates(&self) -> Result<Updates, Error> {
        run(&self.inner, |packs| packs.check_for_updates()).await
    }

    /// Removes the local copy of a pack.
    ///
    /// # Errors
    /// As [`blocking::Packs::remove`].
    pub async fn remove(&self, pack: &PackId) -> Result<(), Error> {
        let pack = pack.clone();
        run(&self.inner, move |packs| packs.remove(&pack)).await
    }

    /// Cancels the download of a pack; one that is not being downloaded is no error.
    ///
    /// # Errors
    /// As [`blocking::Packs::cancel`].
    pub async fn cancel(&self, pack: &PackId) -> Result<(), Error> {
        let pack = pack.clone();
        run(&self.inner, move |packs| packs.cancel(&pack)).await
    }

    /// What happens to downloads, of one pack or of all, from the first event on.
    ///
    /// # Errors
    /// As [`blocking::Packs::status_updates`].
    pub async fn status_updates(
        &self,
        pack: Option<PackId>,
    ) -> Result<Events<StatusUpdateEvent>, Error> {
        Events::start(&self.inner, move |packs| packs.status_updates(pack)).await
    }

    /// Where a file or folder is at this moment. See [`blocking::Packs::locate`].
    ///
    /// # Errors
    /// As [`blocking::Packs::locate`].
    pub async fn locate(
        &self,
        path: &PackPath,
        pack: Option<PackId>,
        language: Option<Language>,
    ) -> Result<PathBuf, Error> {
        let path = path.clone();
        run(&self.inner, move |packs| packs.locate(&path, pack, language)).await
    }

    /// Where the newest namespace snapshot lies.
    ///
    /// # Errors
    /// As [`blocking::Packs::open_namespace`].
    pub async fn open_namespace(&self) -> Result<NamespaceSnapshot, Error> {
        run(&self.inner, |packs| packs.open_namespace()).await
    }

    /// Why a pack is, or is not yet, on the device; and when.
    ///
    /// # Errors
    /// As [`blocking::Packs::explain`].
    pub async fn explain(&self, pack: &PackId) -> Result<Explanation, Error> {
        let pack = pack.clone();
        run(&self.inner, move |packs| packs.explain(&pack)).await
    }

    /// Reads every installed file of these packs, or of all when there are none, and compares it
    /// with what was installed.
    ///
    /// # Errors
    /// As [`blocking::Packs::verify`].
    pub async fn verify(
        &self,
        packs: &[PackId],
        repair: Repair,
    ) -> Result<Events<VerifyEvent>, Error> {
        let wanted = packs.to_vec();
        Events::start(&self.inner, move |packs| packs.verify(&wanted, repair)).await
    }
}
