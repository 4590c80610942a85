//! Installed apps: for launchers and other programs that administrate.

use std::path::Path;

pub use headstart_model::protocol::apps::{
    AppDetails, AppInfo, AppState, Attached, ExtensionDetails, ExtensionRun, GroupFolder,
    InstallEvent, InstallationAction, Launch, LaunchEvent, Launchable, SimulationEvent,
    SimulationOutcome,
};
pub use headstart_model::protocol::downloads::DownloadFailure;
use headstart_model::{AppId, ContentRequest, Headers};

use crate::error::Error;
use crate::run::run;
use crate::{Events, blocking};

mod installation;

pub use installation::Installation;

/// How an app is installed. `Spec: cli`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstallOptions {
    /// Copies the bundle instead of registering it where it lies.
    pub copy: bool,
    /// A process may say itself that it is this app; for development.
    pub dev: bool,
    /// Accepts a repository over plain `http://` that is not on this machine.
    pub insecure: bool,
    /// Headers that its repository, or the server of its manifest, wants, such as a token: as with
    /// [`AssetPackManager::set_server_headers`](crate::AssetPackManager::set_server_headers).
    pub headers: Headers,
}

/// How an app is updated. `Spec: cli`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UpdateOptions {
    /// Accepts a repository over plain `http://` that is not on this machine.
    pub insecure: bool,
}

/// What becomes of the packs of an app that is removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Data {
    /// They are removed too.
    #[default]
    Remove,
    /// They stay, for a later installation.
    Keep,
}

/// What to do while essential packs have not concluded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WhilePending {
    /// Refuse.
    #[default]
    Refuse,
    /// Wait until they have.
    Wait,
}

/// Installed apps. Obtained from [`Connector::apps`](crate::Connector::apps).
///
/// # Cancel safety
/// Dropping a future or stream ends the wait. What the service has accepted by then goes on.
#[derive(Debug, Clone)]
pub struct Apps {
    inner: blocking::Apps,
}

impl Apps {
    pub(crate) const fn new(inner: blocking::Apps) -> Self {
        Self { inner }
    }

    pub(crate) const fn inner(&self) -> &blocking::Apps {
        &self.inner
    }

    /// Installs the app of a bundle. `Spec: cli`.
    ///
    /// # Errors
    /// As [`blocking::Apps::install`].
    pub async fn install(
        &self,
        bundle: &Path,
        options: InstallOptions,
    ) -> Result<Events<InstallEvent>, Error> {
        let bundle = bundle.to_owned();
        Events::start(&self.inner, move |apps| apps.install(&bundle, options)).await
    }

    /// Replaces an installed app by the version of a bundle. `Spec: cli`.
    ///
    /// # Errors
    /// As [`blocking::Apps::update`].
    pub async fn update(
        &self,
        bundle: &Path,
        options: UpdateOptions,
    ) -> Result<Events<InstallEvent>, Error> {
        let bundle = bundle.to_owned();
        Events::start(&self.inner, move |apps| apps.update(&bundle, options)).await
    }

    /// Installs the app of a bundle, and gives the installation to be driven and watched: what a
    /// launcher or store does. See [`blocking::Apps::begin_install`].
    ///
    /// # Errors
    /// As [`blocking::Apps::begin_install`].
    pub async fn begin_install(
        &self,
        bundle: &Path,
        options: InstallOptions,
    ) -> Result<Installation, Error> {
        let app = self.app_of(bundle).await?;
        let events = self.install(bundle, options).await?;
        Ok(Installation::new(app, self.clone(), events))
    }

    /// Replaces an installed app by the version of a bundle, as
    /// [`begin_install`](Self::begin_install) installs one.
    ///
    /// # Errors
    /// As [`blocking::Apps::begin_update`].
    pub async fn begin_update(
        &self,
        bundle: &Path,
        options: UpdateOptions,
    ) -> Result<Installation, Error> {
        let app = self.app_of(bundle).await?;
        let events = self.update(bundle, options).await?;
        Ok(Installation::new(app, self.clone(), events))
    }

    async fn app_of(&self, bundle: &Path) -> Result<AppId, Error> {
        let bundle = bundle.to_owned();
        ::blocking::unblock(move || crate::bundle::app_of(&bundle)).await
    }

    /// Removes an app.
    ///
    /// # Errors
    /// As [`blocking::Apps::uninstall`].
    pub async fn uninstall(&self, app: &AppId, data: Data) -> Result<(), Error> {
        let app = app.clone();
        run(&self.inner, move |apps| apps.uninstall(&app, data)).await
    }

    /// Every installed app, by id.
    ///
    /// # Errors
    /// As [`blocking::Apps::list`].
    pub async fn list(&self) -> Result<Vec<AppInfo>, Error> {
        run(&self.inner, |apps| apps.list()).await
    }

    /// One installed app in full.
    ///
    /// # Errors
    /// As [`blocking::Apps::info`].
    pub async fn info(&self, app: &AppId) -> Result<AppDetails, Error> {
        let app = app.clone();
        run(&self.inner, move |apps| apps.info(&app)).await
    }

    /// Asks for what it takes to start an app; the last event says it. `Spec: concepts 5.1`.
    ///
    /// # Errors
    /// As [`blocking::Apps::prepare_launch`].
    pub async fn prepare_launch(
        &self,
        app: &AppId,
        pending: WhilePending,
    ) -> Result<Events<LaunchEvent>, Error> {
        let app = app.clone();
        Events::start(&self.inner, move |apps| apps.prepare_launch(&app, pending)).await
    }

    /// Fires an event of an app as if it had happened; for development. `Spec: packs 7`.
    ///
    /// # Errors
    /// As [`blocking::Apps::simulate_event`].
    pub async fn simulate_event(
        &self,
        app: &AppId,
        event: ContentRequest,
    ) -> Result<Events<SimulationEvent>, Error> {
        let app = app.clone();
        Events::start(&self.inner, move |apps| apps.simulate_event(&app, event)).await
    }
}
