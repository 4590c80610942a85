//! The language of an app. `Spec: packs 9`.

use headstart_model::Language;

use crate::AssetPackManager;
use crate::error::Error;
use crate::run::run;

impl AssetPackManager {
    /// The language of the app's packs that suits its person: what the app has set, else what the person reads, and the app's
    /// primary language where nothing is near; the nearest among the packs that are offered, by CLDR's language distance.
    /// Packs of that language come by themselves, those of others do not. `Spec: packs 9`.
    ///
    /// None when no localized pack is offered, when not even the primary language has packs, or before the first catalog.
    ///
    /// # Errors
    /// Of kind `unavailable` when the service cannot be had.
    pub async fn resolved_language(&self) -> Result<Option<Language>, Error> {
        run(&self.to_blocking(), |packs| packs.resolved_language()).await
    }

    /// Sets the app's language; none has it follow its person again. Lasts until it is set anew. Gives what it comes to among
    /// the packs that are offered. `Spec: packs 9`.
    ///
    /// Nothing is downloaded or removed by it: [`reconcile_preferred_languages`](Self::reconcile_preferred_languages) does
    /// that, and so does the next update of the app.
    ///
    /// ```no_run
    /// # async fn switch(packs: headstart::AssetPackManager) -> Result<(), headstart::Error> {
    /// let german = "de".parse().expect("a language tag");
    /// packs.set_resolved_language(Some(&german)).await?;
    /// packs.reconcile_preferred_languages().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Of kind `unavailable` when the service cannot be had.
    pub async fn set_resolved_language(
        &self,
        language: Option<&Language>,
    ) -> Result<Option<Language>, Error> {
        let language = language.cloned();
        run(&self.to_blocking(), move |packs| packs.set_resolved_language(language.as_ref())).await
    }

    /// Downloads the essential and prefetched packs of the resolved language that are missing and waits for them; then removes
    /// localized packs of other languages, but for those that the app had asked for itself. Not for apps that show two
    /// languages at once. `Spec: packs 9`.
    ///
    /// # Errors
    /// `localAvailabilityFailure` when some packs could not be had: nothing was removed then. Of kind `network` when no
    /// catalog has ever been fetched and none can be; `unavailable`.
    ///
    /// # Cancel safety
    /// A future that is dropped ends the wait: what is being downloaded arrives all the same, and nothing is removed that was
    /// not yet.
    pub async fn reconcile_preferred_languages(&self) -> Result<(), Error> {
        run(&self.to_blocking(), |packs| packs.reconcile_preferred_languages()).await
    }
}
