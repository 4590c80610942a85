//! Where the service and the packs are, and who the caller is.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use headstart_model::protocol::service::AppToken;
use headstart_model::{AppId, ErrorKind, Language};
use headstart_sys::dirs::{Environment, Home};
use headstart_sys::locale::preferred_languages;

use crate::error::Error;
use crate::link::port::PortChoice;
use crate::link::{Caller, Link};
use crate::{blocking, environment};

pub(crate) mod shared;

/// Whether a call may start the service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Start {
    /// When none listens.
    #[default]
    IfNeeded,
    /// Never: a call that needs the service fails with `serviceNotRunning` when none listens.
    Never,
}

/// Finds the service of a home, and says who calls. Whatever is opened through it may be cloned;
/// clones share connections.
///
/// [`new`](Self::new) takes what the process's environment says: `HEADSTART_HOME`,
/// `HEADSTART_SOCKET`, `HEADSTART_APP`, `HEADSTART_APP_TOKEN`. `Spec: cli`.
#[derive(Debug, Clone)]
pub struct Connector {
    environment: Environment,
    start: Start,
    daemon: Option<PathBuf>,
    claim: Option<OsString>,
    token: Option<AppToken>,
    on_behalf_of: Option<AppId>,
    languages: Vec<Language>,
    pub(crate) port: PortChoice,
}

impl Default for Connector {
    fn default() -> Self {
        Self::new()
    }
}

impl Connector {
    /// A connector for what the environment says.
    #[must_use]
    pub fn new() -> Self {
        let token = environment::token().and_then(|token| token.into_string().ok());
        Self {
            environment: Environment::read(),
            start: Start::default(),
            daemon: None,
            claim: environment::app(),
            token: token.map(AppToken::new),
            on_behalf_of: None,
            languages: preferred_languages(),
            port: PortChoice::default(),
        }
    }

    /// For the device in this folder, instead of `HEADSTART_HOME`. `HEADSTART_SOCKET` is left out
    /// of account with it.
    #[must_use]
    pub fn home(mut self, folder: impl Into<PathBuf>) -> Self {
        self.environment.home = Some(folder.into().into_os_string());
        self.environment.socket = None;
        self.port = PortChoice::None;
        self
    }

    /// Through this socket, instead of the one that belongs to the home. To be called after
    /// [`home`](Self::home).
    #[must_use]
    pub fn socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.environment.socket = Some(path.into().into_os_string());
        self.port = PortChoice::None;
        self
    }

    /// Whether calls may start the service.
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// The service's program, instead of `HEADSTART_DAEMON`, `headstartd` beside this program, or
    /// `headstartd` in the path.
    #[must_use]
    pub fn daemon(mut self, program: impl Into<PathBuf>) -> Self {
        self.daemon = Some(program.into());
        self
    }

    /// Says that this process is `app`, instead of `HEADSTART_APP`. The service believes it of apps
    /// that were installed for development; others are told by their executable, and the service
    /// then refuses a process that says something else.
    ///
    /// Installed files can be read with it without any service.
    #[must_use]
    pub fn app(mut self, app: AppId) -> Self {
        self.claim = Some(String::from(app).into());
        self
    }

    /// Says what the person before this process reads, best first, instead of `LANGUAGE`, `LC_ALL`, `LC_MESSAGES` and
    /// `LANG`. The service has it decide which localized packs come by themselves. `Spec: packs 9`.
    ///
    /// An app that lets people set a language of its own sets it with
    /// [`set_resolved_language`](crate::AssetPackManager::set_resolved_language) instead: that lasts.
    #[must_use]
    pub fn preferred_languages(mut self, languages: impl IntoIterator<Item = Language>) -> Self {
        self.languages = languages.into_iter().collect();
        self
    }

    /// Makes every call about `app`, for programs that administrate: a launcher, a command line. It
    /// does not make this process that app.
    #[must_use]
    pub fn on_behalf_of(mut self, app: AppId) -> Self {
        self.on_behalf_of = Some(app);
        self
    }

    /// The asset packs of the app.
    ///
    /// Asks the service who this process is unless [`app`](Self::app),
    /// [`on_behalf_of`](Self::on_behalf_of) or the environment says it.
    ///
    /// # Errors
    /// Of kind `refused` (`notAnApp`) when this process is no app, `unavailable` when the service
    /// is needed and cannot be had, `usage` when the home or the app's id cannot be used.
    ///
    /// # Cancel safety
    /// A future that is dropped changes nothing.
    pub async fn asset_packs(&self) -> Result<crate::AssetPackManager, Error> {
        crate::AssetPackManager::open(self.caller()?).await
    }

    /// As [`asset_packs`](Self::asset_packs), waiting.
    ///
    /// # Errors
    /// As [`asset_packs`](Self::asset_packs).
    pub fn asset_packs_blocking(&self) -> Result<blocking::AssetPackManager, Error> {
        blocking::AssetPackManager::open(self.caller()?)
    }

    /// The service itself. Does not connect yet.
    ///
    /// # Errors
    /// Of kind `usage` when the home or the app's id cannot be used.
    pub fn service(&self) -> Result<crate::service::Service, Error> {
        Ok(crate::service::Service::new(self.service_blocking()?))
    }

    /// As [`service`](Self::service), for calls that wait.
    ///
    /// # Errors
    /// As [`service`](Self::service).
    pub fn service_blocking(&self) -> Result<blocking::Service, Error> {
        Ok(blocking::Service::new(self.caller()?))
    }

    /// Installed apps. Does not connect yet.
    ///
    /// # Errors
    /// Of kind `usage` when the home or the app's id cannot be used.
    pub fn apps(&self) -> Result<crate::apps::Apps, Error> {
        Ok(crate::apps::Apps::new(self.apps_blocking()?))
    }

    /// As [`apps`](Self::apps), for calls that wait.
    ///
    /// # Errors
    /// As [`apps`](Self::apps).
    pub fn apps_blocking(&self) -> Result<blocking::Apps, Error> {
        Ok(blocking::Apps::new(self.caller()?))
    }

    /// The packs of one app or of all, for programs that administrate. Does not connect yet.
    ///
    /// # Errors
    /// Of kind `usage` when the home or the app's id cannot be used.
    pub fn packs(&self) -> Result<crate::packs::Packs, Error> {
        Ok(crate::packs::Packs::new(self.packs_blocking()?))
    }

    /// As [`packs`](Self::packs), for calls that wait.
    ///
    /// # Errors
    /// As [`packs`](Self::packs).
    pub fn packs_blocking(&self) -> Result<blocking::Packs, Error> {
        Ok(blocking::Packs::new(self.caller()?))
    }

    /// The single downloads of the app. Does not connect yet.
    ///
    /// # Errors
    /// Of kind `usage` when the home or the app's id cannot be used.
    pub fn downloads(&self) -> Result<crate::DownloadManager, Error> {
        Ok(crate::DownloadManager::new(self.downloads_blocking()?))
    }

    /// As [`downloads`](Self::downloads), for calls that wait.
    ///
    /// # Errors
    /// As [`downloads`](Self::downloads).
    pub fn downloads_blocking(&self) -> Result<blocking::DownloadManager, Error> {
        Ok(blocking::DownloadManager::new(self.caller()?))
    }

    pub(crate) fn caller(&self) -> Result<Caller, Error> {
        let home = Home::resolve(&self.environment)
            .map_err(|error| Error::of(ErrorKind::Usage, "homeUnusable", &error))?;
        let mut link = Link::new(home, self.start);
        link.daemon.clone_from(&self.daemon);
        link.claim = self.claimed_app()?;
        link.token.clone_from(&self.token);
        link.on_behalf_of.clone_from(&self.on_behalf_of);
        link.languages.clone_from(&self.languages);
        link.port = self.port.find()?;
        Ok(Caller::new(Arc::new(link)))
    }

    fn claimed_app(&self) -> Result<Option<AppId>, Error> {
        let Some(claim) = &self.claim else {
            return Ok(None);
        };
        let app = AppId::new(claim.to_string_lossy())
            .map_err(|error| Error::of(ErrorKind::Usage, "invalidAppId", &error))?;
        Ok(Some(app))
    }
}
