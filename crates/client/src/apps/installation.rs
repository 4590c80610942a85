//! An installation that is under way.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_lite::Stream;
use headstart_model::AppId;
use headstart_model::protocol::apps::{InstallEvent, InstallationAction};

use super::Apps;
use crate::Events;
use crate::error::Error;

/// An installation or update of an app: a stream of its events, which can be paused, resumed and
/// cancelled. What a launcher or store needs to show it and to drive it. `Spec: concepts 7, 8`.
///
/// ```no_run
/// # async fn install(apps: headstart::apps::Apps) -> Result<(), headstart::Error> {
/// use futures_lite::StreamExt as _;
/// use headstart::apps::{InstallEvent, InstallOptions};
///
/// let bundle = std::path::Path::new("MyGame");
/// let mut installation = apps.begin_install(bundle, InstallOptions::default()).await?;
/// while let Some(event) = installation.next().await {
///     match event? {
///         // One progress over all phases: the app's files, the installation, essential packs.
///         InstallEvent::Progress(at) => println!("{:?}: {:.0} %", at.phase, at.fraction * 100.0),
///         InstallEvent::Launchable(_) => println!("may be launched"),
///         InstallEvent::Done(app) => println!("{} {} is installed", app.id, app.version),
///         _ => {}
///     }
/// }
/// # Ok(()) }
/// ```
///
/// The installation is the service's, not this value's: dropping it ends the events only. Whoever
/// [begins](Apps::begin_install) with the same bundle again joins the one that is under way, also
/// when launcher or service have crashed in between; nothing that arrived is fetched again.
pub struct Installation {
    app: AppId,
    apps: Apps,
    events: Events<InstallEvent>,
}

impl Installation {
    pub(super) const fn new(app: AppId, apps: Apps, events: Events<InstallEvent>) -> Self {
        Self { app, apps, events }
    }

    /// The app that is being installed.
    #[must_use]
    pub const fn app(&self) -> &AppId {
        &self.app
    }

    /// Stops what it waits for, which keeps what it has.
    ///
    /// # Errors
    /// As [`Apps::control_installation`].
    pub async fn pause(&self) -> Result<(), Error> {
        self.apps.control_installation(&self.app, InstallationAction::Pause).await
    }

    /// Goes on after a pause.
    ///
    /// # Errors
    /// As [`Apps::control_installation`].
    pub async fn resume(&self) -> Result<(), Error> {
        self.apps.control_installation(&self.app, InstallationAction::Resume).await
    }

    /// Ends it: a first installation is undone, and its events end in an error of kind `cancelled`;
    /// an update goes on without what has not arrived.
    ///
    /// # Errors
    /// As [`Apps::control_installation`].
    pub async fn cancel(&self) -> Result<(), Error> {
        self.apps.control_installation(&self.app, InstallationAction::Cancel).await
    }
}

impl Stream for Installation {
    type Item = Result<InstallEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.events).poll_next(context)
    }
}

impl fmt::Debug for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Installation").field("app", &self.app).finish_non_exhaustive()
    }
}
