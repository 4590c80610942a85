//! The language of an app, waiting. `Spec: packs 9`.

use headstart_model::Language;
use headstart_model::protocol::packs::{
    Languages, LanguagesReply, ReconcileLanguages, Reconciliation, SetLanguage,
};

use super::AssetPackManager;
use crate::AssetPack;
use crate::error::{Error, LocalAvailabilityError};
use crate::run::Blocking as _;

impl AssetPackManager {
    /// As [`crate::AssetPackManager::resolved_language`].
    ///
    /// # Errors
    /// Of kind `unavailable` when the service cannot be had.
    pub fn resolved_language(&self) -> Result<Option<Language>, Error> {
        self.languages().map(|languages| languages.resolved)
    }

    pub(crate) fn languages(&self) -> Result<LanguagesReply, Error> {
        let app = self.caller().on_behalf_of();
        self.caller().call(&Languages { app })
    }

    /// As [`crate::AssetPackManager::set_resolved_language`].
    ///
    /// # Errors
    /// Of kind `unavailable` when the service cannot be had.
    pub fn set_resolved_language(
        &self,
        language: Option<&Language>,
    ) -> Result<Option<Language>, Error> {
        let (app, language) = (self.caller().on_behalf_of(), language.cloned());
        self.caller().call(&SetLanguage { app, language }).map(|set| set.resolved)
    }

    /// As [`crate::AssetPackManager::reconcile_preferred_languages`].
    ///
    /// # Errors
    /// `localAvailabilityFailure` when some packs could not be had: nothing was removed then. Of kind `network` when no
    /// catalog has ever been fetched and none can be; `unavailable`.
    pub fn reconcile_preferred_languages(&self) -> Result<(), Error> {
        let app = self.caller().on_behalf_of();
        let Reconciliation { successes, failures, .. } =
            self.caller().call(&ReconcileLanguages { app })?;
        if failures.is_empty() {
            return Ok(());
        }
        let manifest = self.manifest()?;
        let mut local = LocalAvailabilityError::default();
        local.successes.extend(successes.into_iter().map(AssetPack::new));
        for failed in failures {
            // One that was withdrawn meanwhile is missed by nobody.
            if let Some(pack) = manifest.asset_pack(failed.pack.as_str()) {
                local.failures.push((pack.clone(), failed.failure.into()));
            }
        }
        if local.failures.is_empty() { Ok(()) } else { Err(Error::of_batch(local)) }
    }
}
