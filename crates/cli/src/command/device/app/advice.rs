//! What a person is told after an installation beyond that it has ended: what is missing and when it comes, what cannot run,
//! and what is switched off.

use std::path::Path;

use headstart::AppId;
use headstart::apps::{AppDetails, Launchable};
use headstart::device::Setting;
use headstart_model::Failure;

use super::super::awaited::awaited;
use super::super::{connector, failed, time};
use crate::context::Context;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// The app is new.
    Install,
    /// It was there before.
    Update,
}

/// What is known of the app and of the device; nothing where the service does not answer.
#[derive(Debug, Default)]
pub(super) struct Advice {
    details: Option<AppDetails>,
    settings: Vec<Setting>,
    is_new: bool,
}

impl Advice {
    /// Asks the service.
    pub(super) async fn about(context: &Context, app: &AppId, doing: Doing) -> Self {
        let connector = connector(context, None);
        let details = async { connector.apps().map_err(failed)?.info(app).await.map_err(failed) };
        let settings =
            async { connector.device().map_err(failed)?.settings().await.map_err(failed) };
        Self {
            details: details.await.ok(),
            settings: settings.await.unwrap_or_default(),
            is_new: doing == Doing::Install,
        }
    }

    /// What is missing; nothing when all is well.
    pub(super) fn misses(&self, launchable: &Launchable) -> Vec<String> {
        let catalog = launchable.catalog.iter().flat_map(|failure| self.unknown(failure));
        let packs = launchable.failed.iter();
        let packs = packs.map(|it| format!("pack `{}` is missing: {}", it.pack, it.failure));
        let downloads = launchable.downloads.iter();
        let downloads =
            downloads.map(|it| format!("download `{}` is missing: {}", it.identifier, it.failure));
        catalog.chain(packs).chain(downloads).collect()
    }

    /// Why nobody knows yet what the app needs, and what is being waited for.
    fn unknown(&self, failure: &Failure) -> Vec<String> {
        let extension = self.details.as_ref().and_then(|details| details.extension.as_ref());
        let extension = extension.filter(|extension| extension.failure.as_ref() == Some(failure));
        let what = match (extension, &self.details) {
            (Some(_), _) => "its extension has not said what it needs",
            (None, Some(details)) if details.repository_url.is_none() => {
                "what it needs is not known yet"
            }
            (None, _) => "its packs are not known yet",
        };
        let mut lines = vec![format!("{what}: {failure}"), failure.hint.clone()];
        let held_back = extension.and_then(|extension| extension.held_back.as_ref());
        if let Some(at) = held_back.and_then(|reason| reason.until).and_then(time) {
            lines.push(format!("it is asked again at {at}"));
        }
        lines.extend(self.details.as_ref().and_then(|details| awaited(details, false)));
        lines.retain(|line| !line.is_empty());
        lines
    }

    /// What is no failure of the installation, and should be known all the same.
    pub(super) fn remarks(&self) -> Vec<String> {
        let Some(details) = &self.details else { return Vec::new() };
        let executable = (!details.executable.is_empty()).then_some(&details.executable);
        let extension = details.extension.as_ref().map(|extension| &extension.program);
        let programs = [("executable", executable), ("extension", extension)];
        let programs = programs.into_iter().filter_map(|(key, program)| {
            let (program, why) = (program?, unusable(Path::new(program?))?);
            Some(format!("warning: the bundle's `{key}` {why}: {program}"))
        });
        programs.chain(self.switched_off(&details.app.id)).collect()
    }

    /// What keeps content from coming by itself.
    fn switched_off(&self, app: &AppId) -> Option<String> {
        let is_off = |key: &str| {
            self.settings.iter().any(|setting| setting.key == key && setting.value == "off")
        };
        let of_app = format!("background-activity.{app}");
        let (key, what) = if self.is_new && is_off("in-app-content") {
            (
                "in-app-content",
                "in-app content is switched off: nothing is fetched before the first launch",
            )
        } else if is_off("background-activity") {
            (
                "background-activity",
                "background activity is switched off: what is not essential comes only when it is asked for",
            )
        } else if is_off(&of_app) {
            (
                &*of_app,
                "background activity is switched off for it: what is not essential comes only when it is asked for",
            )
        } else {
            return None;
        };
        Some(format!("note: {what}; `headstart settings set {key} on` switches it on"))
    }
}

/// Why this cannot be run as a program, as far as can be told without running it.
fn unusable(program: &Path) -> Option<&'static str> {
    match program.metadata() {
        Err(_) => Some("is not there"),
        Ok(found) if !found.is_file() => Some("is no file"),
        Ok(found) if !may_be_run(&found) => Some("may not be executed"),
        Ok(_) => None,
    }
}

#[cfg(unix)]
fn may_be_run(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    found.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
const fn may_be_run(_: &std::fs::Metadata) -> bool {
    true
}
