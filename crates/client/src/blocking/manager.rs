//! The packs of this app, waiting.

use std::sync::Arc;

use headstart_model::protocol::Method;
use headstart_model::protocol::packs::{
    Cancel, CheckForUpdates, Ensure, EnsureEvent, EnsureOutcome, LanguagesReply, List, LocalStatus,
    PackState, Remove, Status as AskStatus, StatusUpdateEvent, StatusUpdates,
};
use headstart_model::{ErrorKind, PackId, Status, Until};

use super::{Events, reading_methods};
use crate::connection::unexpected;
use crate::connector::Connector;
use crate::connector::shared::Shared;
use crate::error::{Error, LocalAvailabilityError};
use crate::link::Caller;
use crate::manifest::AppLanguages;
use crate::namespace::Namespaces;
use crate::run::Blocking;
use crate::{
    AssetPack, AssetPackManifest, DownloadStatusUpdate, EnsureOptions, Require,
    SizeCalculationMethod, UpdateCheck,
};

/// The asset packs of an app: [`crate::AssetPackManager`] for programs without an executor. `Spec:
/// api 2`.
///
/// Clones are cheap and share connections and the index of the files; each method may be called
/// from several threads.
#[derive(Debug, Clone)]
pub struct AssetPackManager {
    caller: Caller,
    pub(crate) namespaces: Arc<Namespaces>,
}

impl AssetPackManager {
    /// The packs of the app that this process is.
    ///
    /// # Errors
    /// As [`Connector::asset_packs`].
    pub fn connect() -> Result<Self, Error> {
        Connector::new().asset_packs_blocking()
    }

    /// The one manager of this process, [connected](Self::connect) when it is first asked for: for
    /// parts of a program that know nothing of each other. `Spec: api 2`, `shared`.
    ///
    /// # Errors
    /// As [`connect`](Self::connect); who asks again tries again.
    pub fn shared() -> Result<Self, Error> {
        static SHARED: Shared<AssetPackManager> = Shared::new();
        SHARED.get_or(Self::connect)
    }

    /// Opens the packs of the app that `caller` is, asking the service which that is where nobody
    /// said it.
    pub(crate) fn open(caller: Caller) -> Result<Self, Error> {
        let app = match caller.known_app() {
            Some(app) => app.clone(),
            None => caller.meet()?.app.ok_or_else(not_an_app)?,
        };
        let namespaces = Arc::new(Namespaces::new(app, caller.link().home.root()));
        Ok(Self { caller, namespaces })
    }

    /// The same manager, for futures.
    #[must_use]
    pub fn to_async(&self) -> crate::AssetPackManager {
        crate::AssetPackManager::of_blocking(self.clone())
    }

    /// The packs that the server offers, by id; may ask it. `Spec: api 2`.
    ///
    /// # Errors
    /// Of kind `unavailable` when the service cannot be had; else what the service says.
    pub fn all_asset_packs(&self) -> Result<Vec<AssetPack>, Error> {
        let list = self.caller.call(&List { app: self.caller.on_behalf_of() })?;
        // One that is for other versions of the app only is not offered to this one.
        let for_this_app = |state: &PackState| {
            state.withheld.is_none()
                || state.local_version.is_some()
                || state.status.contains(Status::DOWNLOAD_AVAILABLE)
        };
        let offered =
            |state: &PackState| !state.status.contains(Status::OBSOLETE) && for_this_app(state);
        let packs = list.packs.into_iter().filter(offered).map(|state| AssetPack::new(state.pack));
        let mut packs: Vec<AssetPack> = packs.collect();
        packs.sort_by(|a, b| a.id().cmp(b.id()));
        Ok(packs)
    }

    /// The packs that the server offers, as a manifest. `Spec: api 3`.
    ///
    /// # Errors
    /// As [`all_asset_packs`](Self::all_asset_packs).
    pub fn manifest(&self) -> Result<AssetPackManifest, Error> {
        let packs = self.all_asset_packs()?;
        let LanguagesReply { primary, resolved, .. } = self.languages()?;
        Ok(AssetPackManifest::new(packs, AppLanguages { primary, resolved }))
    }

    /// The pack with this id; may ask the server. `Spec: api 2`.
    ///
    /// # Errors
    /// `assetPackNotFound` when it is neither offered nor local; else as
    /// [`all_asset_packs`](Self::all_asset_packs).
    pub fn asset_pack(&self, id: &str) -> Result<AssetPack, Error> {
        self.state(id, None).map(|state| AssetPack::new(state.pack))
    }

    /// The status of a pack, compared with what is offered now. `Spec: packs 8.2`.
    ///
    /// # Errors
    /// As [`asset_pack`](Self::asset_pack).
    pub fn status_of(&self, id: &str) -> Result<Status, Error> {
        self.state(id, None).map(|state| state.status)
    }

    /// The status of the local copy compared with `pack`, in whatever version that describes.
    /// Begins and removes nothing. `Spec: packs 8.2`.
    ///
    /// # Errors
    /// As [`asset_pack`](Self::asset_pack).
    pub fn status_relative_to(&self, pack: &AssetPack) -> Result<Status, Error> {
        self.state(pack.id(), Some(pack)).map(|state| state.status)
    }

    /// The status of a pack as far as the device knows it, without asking the server. Never fails:
    /// an id that does not exist has no flag, and without a service the files tell whether the pack
    /// is there. `Spec: packs 8.2`.
    #[must_use]
    pub fn local_status(&self, id: &str) -> Status {
        let ask =
            |pack| self.caller.call(&LocalStatus { app: self.caller.on_behalf_of(), pack }).ok();
        match PackId::new(id).ok().and_then(ask) {
            Some(reply) => reply.status,
            None if self.asset_pack_is_available_locally(id) => Status::DOWNLOADED,
            None => Status::EMPTY,
        }
    }

    /// Waits until any version of a pack can be read, downloading it if there is none. `Spec:
    /// concepts 5.3`.
    ///
    /// A pack that can be read already needs neither server nor service.
    ///
    /// # Errors
    /// Why it could not be had: kinds `network`, `noSpace`, `untrusted`, `refused`, `cancelled`,
    /// `notFound`, `unavailable`.
    pub fn ensure_local_availability(&self, pack: &AssetPack) -> Result<(), Error> {
        self.ensure_local_availability_with(pack, Require::AnyVersion)
    }

    /// As [`ensure_local_availability`](Self::ensure_local_availability), and says whether any
    /// version will do, and how urgent it is. `Spec: api 2`.
    ///
    /// # Errors
    /// As [`ensure_local_availability`](Self::ensure_local_availability).
    pub fn ensure_local_availability_with(
        &self,
        pack: &AssetPack,
        options: impl Into<EnsureOptions>,
    ) -> Result<(), Error> {
        let wanted = std::slice::from_ref(pack);
        let local = self.ensure(wanted, options.into(), Until::All)?;
        match local.failures.into_iter().next() {
            None => Ok(()),
            Some((_, error)) => Err(error),
        }
    }

    /// Waits until all of these packs can be read, downloading them as one batch. `Spec: api 2`.
    ///
    /// # Errors
    /// `localAvailabilityFailure` when some could not be had: [`Error::local_availability`] tells
    /// which, and why.
    pub fn ensure_local_availability_of(
        &self,
        packs: &[AssetPack],
        options: impl Into<EnsureOptions>,
    ) -> Result<(), Error> {
        let local = self.ensure(packs, options.into(), Until::All)?;
        if local.failures.is_empty() { Ok(()) } else { Err(Error::of_batch(local)) }
    }

    /// Waits until one of these packs can be read, and gives the first that can: one that is there
    /// already, else the one that arrives first. Nothing is begun when one is there; else the
    /// others go on in the background. `Ours:` for apps that can begin with any of several.
    ///
    /// # Errors
    /// `localAvailabilityFailure` when none could be had, `nothingToWaitFor` when `packs` is empty.
    pub fn ensure_any_local_availability(
        &self,
        packs: &[AssetPack],
        options: impl Into<EnsureOptions>,
    ) -> Result<AssetPack, Error> {
        if packs.is_empty() {
            let text = "there is no asset pack to wait for";
            let error = Error::new(ErrorKind::Usage, "nothingToWaitFor", text);
            return Err(error.with_hint("name at least one"));
        }
        let mut local = self.ensure(packs, options.into(), Until::Any)?;
        if local.successes.is_empty() {
            return Err(Error::of_batch(local));
        }
        Ok(local.successes.swap_remove(0))
    }

    /// What happens to the downloads of all packs, from now on; never ends by itself. `Spec: api
    /// 2`.
    ///
    /// # Errors
    /// Of kind `unavailable` when the service cannot be had; so ends the iterator when the service
    /// goes away.
    pub fn status_updates(&self) -> Result<Events<DownloadStatusUpdate>, Error> {
        self.subscribe(None)
    }

    /// What happens to the download of one pack, from now on; ends after it has finished or failed.
    /// A pack that is not being downloaded is waited for. `Spec: api 2`.
    ///
    /// # Errors
    /// `assetPackNotFound`; else as [`status_updates`](Self::status_updates).
    pub fn status_updates_for(&self, id: &str) -> Result<Events<DownloadStatusUpdate>, Error> {
        self.subscribe(Some(known(id)?)).map_err(|error| error.about_pack(id))
    }

    /// Asks the server for the newest state, begins updates of downloaded packs and removes packs
    /// that are offered no longer. `Spec: concepts 5.2`.
    ///
    /// # Errors
    /// Of kind `network` or `untrusted` when the newest state cannot be had; `unavailable` when the
    /// service cannot.
    pub fn check_for_updates(&self) -> Result<UpdateCheck, Error> {
        let found = self.caller.call(&CheckForUpdates { app: self.caller.on_behalf_of() })?;
        let ids = |packs: Vec<PackId>| packs.into_iter().map(String::from).collect();
        Ok(UpdateCheck {
            updating: ids(found.updating),
            removed: ids(found.removed),
            withheld: found.withheld,
        })
    }

    /// Removes the local copy of a pack; one that is not local is no error. `Spec: concepts 8`.
    ///
    /// # Errors
    /// `assetPackNotFound` when the app has no such pack; `unavailable`.
    pub fn remove(&self, id: &str) -> Result<(), Error> {
        let pack = known(id)?;
        let removed = self.caller.call(&Remove { app: self.caller.on_behalf_of(), pack });
        removed.map(drop).map_err(|error| error.about_pack(id))
    }

    /// Cancels the download of a pack, whoever asked for it; one that is not being downloaded is no
    /// error. `Spec: concepts 8`.
    ///
    /// # Errors
    /// `assetPackNotFound` when the app has no such pack; `unavailable`.
    pub fn cancel(&self, id: &str) -> Result<(), Error> {
        let pack = known(id)?;
        let cancelled = self.caller.call(&Cancel { app: self.caller.on_behalf_of(), pack });
        cancelled.map(drop).map_err(|error| error.about_pack(id))
    }

    /// Bytes that the version of a pack takes that can be read. `Spec: packs 8`.
    ///
    /// [`SizeCalculationMethod::Logical`] costs the same for many files; the others look at each.
    ///
    /// # Errors
    /// `assetPackNotFound` when none can be read, `namespaceDamaged` when the index of the files
    /// cannot be used, `fileDamaged` when a file is missing.
    pub fn local_size(&self, id: &str, method: SizeCalculationMethod) -> Result<u64, Error> {
        let newest = self.namespaces.newest()?;
        newest.ok_or_else(|| Error::asset_pack_not_found(id))?.local_size(id, method)
    }

    reading_methods!();

    pub(crate) fn on_behalf_of(&self) -> Option<headstart_model::AppId> {
        self.caller.on_behalf_of()
    }

    pub(crate) fn call<M: Method>(&self, call: &M) -> Result<M::Reply, Error> {
        self.caller.call(call)
    }

    fn state(&self, id: &str, relative_to: Option<&AssetPack>) -> Result<PackState, Error> {
        let (app, pack) = (self.caller.on_behalf_of(), known(id)?);
        let relative_to = relative_to.map(AssetPack::version);
        let asked = self.caller.call(&AskStatus { app, pack, relative_to });
        asked.map_err(|error| error.about_pack(id))
    }

    fn ensure(
        &self,
        packs: &[AssetPack],
        options: EnsureOptions,
        until: Until,
    ) -> Result<LocalAvailabilityError, Error> {
        let mut local = LocalAvailabilityError::default();
        let any_will_do = options.require == Require::AnyVersion;
        let here =
            |pack: &&AssetPack| any_will_do && self.asset_pack_is_available_locally(pack.id());
        let (here, wanted): (Vec<_>, Vec<_>) = packs.iter().partition(here);
        local.successes.extend(here.into_iter().cloned());
        let one_is_enough = until == Until::Any && !local.successes.is_empty();
        if wanted.is_empty() || one_is_enough {
            return Ok(local);
        }
        let call = Ensure {
            app: self.caller.on_behalf_of(),
            packs: wanted.iter().map(|pack| pack.pack_id().clone()).collect(),
            latest: !any_will_do,
            urgency: options.urgency,
            until,
        };
        let ensured = self.caller.call(&call).map_err(|error| match wanted[..] {
            [only] => error.about_pack(only.id()),
            _ => error,
        })?;
        let EnsureEvent::Done(EnsureOutcome { successes, failures }) = ensured else {
            return Err(unexpected());
        };
        for pack in wanted {
            let id = pack.pack_id();
            if let Some(failed) = failures.iter().find(|failed| failed.pack == *id) {
                let error = Error::from(failed.failure.clone()).about_pack(pack.id());
                local.failures.push((pack.clone(), error));
            } else if until == Until::All || successes.iter().any(|done| done.id == *id) {
                local.successes.push(pack.clone());
            }
        }
        Ok(local)
    }

    fn subscribe(&self, pack: Option<PackId>) -> Result<Events<DownloadStatusUpdate>, Error> {
        let app = self.caller.on_behalf_of();
        let mut replies = self.caller.stream(&StatusUpdates { app, pack })?;
        match replies.next().transpose()? {
            Some(StatusUpdateEvent::Subscribed {}) => {}
            _ => return Err(unexpected()),
        }
        let caller = self.caller.clone();
        Ok(Events::new(replies.filter_map(move |reply| match reply {
            Ok(event) => DownloadStatusUpdate::of_event(event, &caller).map(Ok),
            Err(error) => Some(Err(error)),
        })))
    }
}

impl Blocking for AssetPackManager {
    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn with_caller(&self, caller: Caller) -> Self {
        Self { caller, namespaces: Arc::clone(&self.namespaces) }
    }
}

/// An id that no pack can have is one that no pack has.
fn known(id: &str) -> Result<PackId, Error> {
    PackId::new(id).map_err(|_| Error::asset_pack_not_found(id))
}

fn not_an_app() -> Error {
    let text = "the service does not know this program as an installed app";
    let hint = "install the app (`headstart app install BUNDLE`), or for development install it \
                with --dev and set HEADSTART_APP to its id";
    Error::new(ErrorKind::Refused, "notAnApp", text).with_hint(hint)
}
