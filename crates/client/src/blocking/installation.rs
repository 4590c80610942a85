//! An installation that is under way, waiting.

use std::fmt;

use headstart_model::AppId;
use headstart_model::protocol::apps::{InstallEvent, InstallationAction};

use super::{Apps, Events};
use crate::error::Error;

/// An installation or update of an app: [`crate::apps::Installation`] for programs without an
/// executor. An iterator of its events, each waited for.
///
/// Its methods are called from another thread than the one that waits:
/// [`controls`](Self::controls) gives what can be sent there.
pub struct Installation {
    controls: InstallationControls,
    events: Events<InstallEvent>,
}

/// Drives an [`Installation`] from anywhere. Clones are cheap.
#[derive(Debug, Clone)]
pub struct InstallationControls {
    app: AppId,
    apps: Apps,
}

impl Installation {
    pub(super) const fn new(app: AppId, apps: Apps, events: Events<InstallEvent>) -> Self {
        Self { controls: InstallationControls { app, apps }, events }
    }

    /// The app that is being installed.
    #[must_use]
    pub const fn app(&self) -> &AppId {
        &self.controls.app
    }

    /// What drives it.
    #[must_use]
    pub fn controls(&self) -> InstallationControls {
        self.controls.clone()
    }
}

impl InstallationControls {
    /// Stops what it waits for, which keeps what it has.
    ///
    /// # Errors
    /// As [`Apps::control_installation`].
    pub fn pause(&self) -> Result<(), Error> {
        self.apps.control_installation(&self.app, InstallationAction::Pause)
    }

    /// Goes on after a pause.
    ///
    /// # Errors
    /// As [`Apps::control_installation`].
    pub fn resume(&self) -> Result<(), Error> {
        self.apps.control_installation(&self.app, InstallationAction::Resume)
    }

    /// Ends it: a first installation is undone, and its events end in an error of kind `cancelled`;
    /// an update goes on without what has not arrived.
    ///
    /// # Errors
    /// As [`Apps::control_installation`].
    pub fn cancel(&self) -> Result<(), Error> {
        self.apps.control_installation(&self.app, InstallationAction::Cancel)
    }
}

impl Iterator for Installation {
    type Item = Result<InstallEvent, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.events.next()
    }
}

impl fmt::Debug for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Installation").field("app", self.app()).finish_non_exhaustive()
    }
}
