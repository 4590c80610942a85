//! What can be done to an installation that is going on, and to apps under development.

use std::path::Path;

use headstart_model::AppId;
use headstart_model::protocol::apps::{Attached, InstallationAction};

use crate::apps::Apps;
use crate::error::Error;
use crate::run::run;

impl Apps {
    /// Pauses, resumes or cancels the installation of an app, whoever began it. `Spec: concepts 8`.
    ///
    /// # Errors
    /// As [`blocking::Apps::control_installation`](crate::blocking::Apps::control_installation).
    pub async fn control_installation(
        &self,
        app: &AppId,
        action: InstallationAction,
    ) -> Result<(), Error> {
        let app = app.clone();
        run(self.inner(), move |apps| apps.control_installation(&app, action)).await
    }

    /// Points an app that was installed for development at another repository or manifest; without
    /// one, back to that of its bundle. `root` is the file with the first root of that repository.
    /// `Spec: cli`, `debug override`.
    ///
    /// # Errors
    /// As [`blocking::Apps::override_source`](crate::blocking::Apps::override_source).
    pub async fn override_source(
        &self,
        app: &AppId,
        url: Option<&str>,
        root: Option<&Path>,
    ) -> Result<(), Error> {
        let (app, url) = (app.clone(), url.map(str::to_owned));
        let root = root.map(Path::to_owned);
        run(self.inner(), move |apps| apps.override_source(&app, url.as_deref(), root.as_deref()))
            .await
    }

    /// Waits for the next start of the app's extension, which then stops until a debugger lets it
    /// go. `Spec: cli`, `debug attach`.
    ///
    /// # Errors
    /// As [`blocking::Apps::attach_debugger`](crate::blocking::Apps::attach_debugger).
    pub async fn attach_debugger(&self, app: &AppId) -> Result<Attached, Error> {
        let app = app.clone();
        run(self.inner(), move |apps| apps.attach_debugger(&app)).await
    }
}
