//! What can be done to an installation that is going on, and to apps under development; waiting.

use std::path::Path;

use headstart_model::AppId;
use headstart_model::protocol::apps::{
    AttachDebugger, Attached, ControlInstallation, InstallationAction, Override,
};

use super::Apps;
use super::apps::absolute;
use crate::error::Error;
use crate::run::Blocking as _;

impl Apps {
    /// Pauses, resumes or cancels the installation of an app, whoever began it. `Spec: concepts 8`.
    ///
    /// # Errors
    /// Of kind `notFound` when there is no such app, `conflict` when it is not being installed.
    pub fn control_installation(
        &self,
        app: &AppId,
        action: InstallationAction,
    ) -> Result<(), Error> {
        self.caller().call(&ControlInstallation { app: app.clone(), action }).map(drop)
    }

    /// Points an app that was installed for development at another repository or manifest; without
    /// one, back to that of its bundle. `root` is the file with the first root of that repository.
    /// `Spec: cli`, `debug override`.
    ///
    /// # Errors
    /// Of kind `notFound` when there is no such app, `refused` when it was not installed for
    /// development or the address is not allowed, `invalidInput` when the root is none.
    pub fn override_source(
        &self,
        app: &AppId,
        url: Option<&str>,
        root: Option<&Path>,
    ) -> Result<(), Error> {
        let root = root.map(absolute).transpose()?;
        let call = Override { app: app.clone(), url: url.map(str::to_owned), root };
        self.caller().call(&call).map(drop)
    }

    /// Waits for the next start of the app's extension, which then stops until a debugger lets it
    /// go. `Spec: cli`, `debug attach`.
    ///
    /// # Errors
    /// Of kind `notFound` when there is no such app, or it has no extension.
    pub fn attach_debugger(&self, app: &AppId) -> Result<Attached, Error> {
        self.caller().call(&AttachDebugger { app: app.clone() })
    }
}
