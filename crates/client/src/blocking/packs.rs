//! Packs for programs that administrate, waiting.

use headstart_model::protocol::packs::{
    Cancel, CheckForUpdates, Ensure, EnsureEvent, Explain, Explanation, List, Locate,
    NamespaceSnapshot, OpenNamespace, PackState, Remove, Repair, Status, StatusUpdateEvent,
    StatusUpdates, Updates, Verify, VerifyEvent,
};
use headstart_model::{Language, PackId, PackPath, PackVersion, Until};
use std::path::PathBuf;

use super::Events;
use crate::error::Error;
use crate::link::Caller;
use crate::run::Blocking;
use crate::{EnsureOptions, Require};

/// The packs of the app that the connector acts for, or of all: [`crate::packs::Packs`] for
/// programs without an executor.
#[derive(Debug, Clone)]
pub struct Packs {
    caller: Caller,
}

impl Packs {
    pub(crate) const fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// Every pack that is offered or local, by app and id. May ask the server.
    ///
    /// # Errors
    /// Of kind `notFound` when there is no such app, `unavailable` when the service cannot be had.
    pub fn list(&self) -> Result<Vec<PackState>, Error> {
        self.caller.call(&List { app: self.caller.on_behalf_of() }).map(|list| list.packs)
    }

    /// One pack and its status, compared with the offered version or with `relative_to`. Asks the
    /// server. `Spec: packs 8.2`.
    ///
    /// # Errors
    /// `assetPackNotFound` when it is neither offered nor local.
    pub fn status(
        &self,
        pack: &PackId,
        relative_to: Option<PackVersion>,
    ) -> Result<PackState, Error> {
        let app = self.caller.on_behalf_of();
        self.caller.call(&Status { app, pack: pack.clone(), relative_to })
    }

    /// Makes packs readable; the last event says which of them are. `Spec: concepts 5.3`.
    ///
    /// # Errors
    /// Of kind `unavailable` when the service cannot be had; the events end with an error when the
    /// service cannot take the request.
    pub fn ensure(
        &self,
        packs: &[PackId],
        options: impl Into<EnsureOptions>,
    ) -> Result<Events<EnsureEvent>, Error> {
        self.begin(packs, options.into(), Until::All)
    }

    /// Waits until one of the packs can be read; the last event says which. The others go on in the
    /// background.
    ///
    /// # Errors
    /// As [`ensure`](Self::ensure).
    pub fn ensure_any(
        &self,
        packs: &[PackId],
        options: impl Into<EnsureOptions>,
    ) -> Result<Events<EnsureEvent>, Error> {
        self.begin(packs, options.into(), Until::Any)
    }

    fn begin(
        &self,
        packs: &[PackId],
        options: EnsureOptions,
        until: Until,
    ) -> Result<Events<EnsureEvent>, Error> {
        let call = Ensure {
            app: self.caller.on_behalf_of(),
            packs: packs.to_vec(),
            latest: options.require == Require::LatestVersion,
            urgency: options.urgency,
            until,
        };
        self.caller.stream(&call).map(Events::new)
    }

    /// Begins updates of downloaded packs and removes obsolete ones. `Spec: concepts 5.2`.
    ///
    /// # Errors
    /// Of kind `network` or `untrusted` when the newest state cannot be had.
    pub fn check_for_updates(&self) -> Result<Updates, Error> {
        self.caller.call(&CheckForUpdates { app: self.caller.on_behalf_of() })
    }

    /// Removes the local copy of a pack.
    ///
    /// # Errors
    /// `assetPackNotFound` when the app has no such pack.
    pub fn remove(&self, pack: &PackId) -> Result<(), Error> {
        let app = self.caller.on_behalf_of();
        self.caller.call(&Remove { app, pack: pack.clone() }).map(drop)
    }

    /// Cancels the download of a pack; one that is not being downloaded is no error.
    ///
    /// # Errors
    /// `assetPackNotFound` when the app has no such pack.
    pub fn cancel(&self, pack: &PackId) -> Result<(), Error> {
        let app = self.caller.on_behalf_of();
        self.caller.call(&Cancel { app, pack: pack.clone() }).map(drop)
    }

    /// What happens to downloads, of one pack or of all, from the first event on.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn status_updates(&self, pack: Option<PackId>) -> Result<Events<StatusUpdateEvent>, Error> {
        let app = self.caller.on_behalf_of();
        self.caller.stream(&StatusUpdates { app, pack }).map(Events::new)
    }

    /// Where a file or folder is at this moment, in the pack or in packs of the language if one is
    /// named. Nothing keeps it there: [`AssetPackManager::path`](super::AssetPackManager::path)
    /// does.
    ///
    /// # Errors
    /// `fileNotFound`.
    pub fn locate(
        &self,
        path: &PackPath,
        pack: Option<PackId>,
        language: Option<Language>,
    ) -> Result<PathBuf, Error> {
        let app = self.caller.on_behalf_of();
        let located = self.caller.call(&Locate { app, path: path.clone(), pack, language })?;
        Ok(located.path.into())
    }

    /// Where the newest namespace snapshot lies.
    ///
    /// # Errors
    /// `namespaceNotFound` when none was made yet.
    pub fn open_namespace(&self) -> Result<NamespaceSnapshot, Error> {
        self.caller.call(&OpenNamespace { app: self.caller.on_behalf_of() })
    }

    /// Why a pack is, or is not yet, on the device; and when.
    ///
    /// # Errors
    /// `assetPackNotFound` when the app has no such pack.
    pub fn explain(&self, pack: &PackId) -> Result<Explanation, Error> {
        let app = self.caller.on_behalf_of();
        self.caller.call(&Explain { app, pack: pack.clone() })
    }

    /// Reads every installed file of these packs, or of all when there are none, and compares it
    /// with what was installed.
    ///
    /// # Errors
    /// As [`ensure`](Self::ensure).
    pub fn verify(&self, packs: &[PackId], repair: Repair) -> Result<Events<VerifyEvent>, Error> {
        let app = self.caller.on_behalf_of();
        self.caller.stream(&Verify { app, packs: packs.to_vec(), repair }).map(Events::new)
    }
}

impl Blocking for Packs {
    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn with_caller(&self, caller: Caller) -> Self {
        Self { caller }
    }
}
