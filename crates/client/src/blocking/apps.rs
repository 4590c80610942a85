//! Installed apps, waiting.

use std::path::Path;

use headstart_model::protocol::apps::{
    AppDetails, AppInfo, Info, Install, InstallEvent, LaunchEvent, List, PrepareLaunch,
    SimulateEvent, SimulationEvent, Uninstall, Update,
};
use headstart_model::{AppId, ContentRequest, ErrorKind};

use super::{Events, Installation};
use crate::apps::{Data, InstallOptions, UpdateOptions, WhilePending};
use crate::bundle;
use crate::error::Error;
use crate::link::Caller;
use crate::run::Blocking;

/// Installed apps: [`crate::apps::Apps`] for programs without an executor.
#[derive(Debug, Clone)]
pub struct Apps {
    caller: Caller,
}

impl Apps {
    pub(crate) const fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// Installs the app of a bundle. `Spec: cli`.
    ///
    /// # Errors
    /// What the service says about the bundle; the events end with an error when the installation
    /// fails.
    pub fn install(
        &self,
        bundle: &Path,
        options: InstallOptions,
    ) -> Result<Events<InstallEvent>, Error> {
        let InstallOptions { copy, dev, insecure, headers } = options;
        let install = Install { bundle: absolute(bundle)?, copy, dev, insecure, headers };
        self.caller.stream(&install).map(Events::new)
    }

    /// Replaces an installed app by the version of a bundle. `Spec: cli`.
    ///
    /// # Errors
    /// As [`install`](Self::install).
    pub fn update(
        &self,
        bundle: &Path,
        options: UpdateOptions,
    ) -> Result<Events<InstallEvent>, Error> {
        let UpdateOptions { insecure } = options;
        self.caller.stream(&Update { bundle: absolute(bundle)?, insecure }).map(Events::new)
    }

    /// Installs the app of a bundle, and gives the installation to be driven and watched: what a
    /// launcher or store does.
    ///
    /// The installation is the service's. Whoever asks for the same bundle again, after a crash of
    /// the launcher or of the service or beside another launcher, joins the one that is under way.
    ///
    /// # Errors
    /// `bundleUnreadable` and `bundleMalformed` when the description of the app cannot be used; else
    /// as [`install`](Self::install).
    pub fn begin_install(
        &self,
        bundle: &Path,
        options: InstallOptions,
    ) -> Result<Installation, Error> {
        let app = bundle::app_of(bundle)?;
        Ok(Installation::new(app, self.clone(), self.install(bundle, options)?))
    }

    /// Replaces an installed app by the version of a bundle, as
    /// [`begin_install`](Self::begin_install) installs one.
    ///
    /// # Errors
    /// As [`begin_install`](Self::begin_install).
    pub fn begin_update(
        &self,
        bundle: &Path,
        options: UpdateOptions,
    ) -> Result<Installation, Error> {
        let app = bundle::app_of(bundle)?;
        Ok(Installation::new(app, self.clone(), self.update(bundle, options)?))
    }

    /// Removes an app.
    ///
    /// # Errors
    /// Of kind `notFound` when it is not installed.
    pub fn uninstall(&self, app: &AppId, data: Data) -> Result<(), Error> {
        let keep_data = data == Data::Keep;
        self.caller.call(&Uninstall { app: app.clone(), keep_data }).map(drop)
    }

    /// Every installed app, by id.
    ///
    /// # Errors
    /// Of kind `unavailable` when the service cannot be had.
    pub fn list(&self) -> Result<Vec<AppInfo>, Error> {
        self.caller.call(&List {}).map(|list| list.apps)
    }

    /// One installed app in full.
    ///
    /// # Errors
    /// Of kind `notFound` when it is not installed.
    pub fn info(&self, app: &AppId) -> Result<AppDetails, Error> {
        self.caller.call(&Info { app: app.clone() })
    }

    /// Asks for what it takes to start an app; the last event says it. `Spec: concepts 5.1`.
    ///
    /// # Errors
    /// Of kind `notFound` when it is not installed; the events end with one of kind `refused` while
    /// essential packs have not concluded, unless `pending` says to wait.
    pub fn prepare_launch(
        &self,
        app: &AppId,
        pending: WhilePending,
    ) -> Result<Events<LaunchEvent>, Error> {
        let wait = pending == WhilePending::Wait;
        self.caller.stream(&PrepareLaunch { app: app.clone(), wait }).map(Events::new)
    }

    /// Fires an event of an app as if it had happened; for development. `Spec: packs 7`.
    ///
    /// # Errors
    /// Of kind `notFound` when the app is not installed.
    pub fn simulate_event(
        &self,
        app: &AppId,
        event: ContentRequest,
    ) -> Result<Events<SimulationEvent>, Error> {
        self.caller.stream(&SimulateEvent { app: app.clone(), event }).map(Events::new)
    }
}

impl Blocking for Apps {
    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn with_caller(&self, caller: Caller) -> Self {
        Self { caller }
    }
}

/// The service stands in another folder.
pub(super) fn absolute(path: &Path) -> Result<String, Error> {
    let path = std::path::absolute(path)
        .map_err(|error| Error::of(ErrorKind::Usage, "invalidBundlePath", &error))?;
    path.into_os_string().into_string().map_err(|path| {
        let text = format!("the path {} is not Unicode", path.display());
        Error::new(ErrorKind::Usage, "invalidBundlePath", text)
    })
}
