//! The localized packs of a manifest. `Spec: packs 9`.

use std::collections::BTreeSet;

use headstart_model::Language;
use headstart_model::language::{nearest, resolve};
use headstart_sys::locale::preferred_languages;

use super::AssetPackManifest;
use crate::AssetPack;

/// What is known of an app's languages beside its packs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AppLanguages {
    pub(crate) primary: Option<Language>,
    pub(crate) resolved: Option<Language>,
}

impl AppLanguages {
    /// For a manifest that no service has to do with: the person's languages are those of this process.
    pub(super) fn of_process(packs: &[AssetPack]) -> Self {
        let resolved = resolve(&preferred_languages(), &available(packs), None).cloned();
        Self { primary: None, resolved }
    }
}

fn available(packs: &[AssetPack]) -> Vec<Language> {
    let languages: BTreeSet<&Language> = packs.iter().filter_map(AssetPack::language).collect();
    languages.into_iter().cloned().collect()
}

impl AssetPackManifest {
    /// The app's own first language, as its bundle names it; none when it names none, and in a manifest that was read from a
    /// file. `Spec: packs 9`.
    #[must_use]
    pub fn primary_language(&self) -> Option<&Language> {
        self.languages.primary.as_ref()
    }

    /// The languages of the packs, each once, by tag. `Spec: packs 9`.
    #[must_use]
    pub fn available_languages(&self) -> Vec<Language> {
        available(&self.packs)
    }

    /// The language that suits the app's person, as it was when this manifest was given. In a manifest that was read from a
    /// file: the one that suits the locale of this process. `Spec: packs 9`.
    #[must_use]
    pub fn resolved_language(&self) -> Option<&Language> {
        self.languages.resolved.as_ref()
    }

    /// The packs of the resolved language. `Spec: packs 9`.
    pub fn localized_asset_packs(&self) -> impl Iterator<Item = &AssetPack> {
        self.of_language(self.languages.resolved.clone())
    }

    /// The packs of the language that is nearest to `language` by CLDR's language distance, which may be another one; none
    /// when none is near. `Spec: packs 9`.
    pub fn localized_asset_packs_for(
        &self,
        language: &Language,
    ) -> impl Iterator<Item = &AssetPack> {
        let available = available(&self.packs);
        self.of_language(nearest(language, &available).cloned())
    }

    /// Whether a pack is for everybody or in the resolved language.
    pub(super) fn applies(&self, pack: &AssetPack) -> bool {
        match (pack.language(), &self.languages.resolved) {
            (None, _) => true,
            (Some(own), Some(resolved)) => own.is_same_as(resolved),
            (Some(_), None) => false,
        }
    }

    fn of_language(&self, language: Option<Language>) -> impl Iterator<Item = &AssetPack> {
        self.packs.iter().filter(move |pack| match (pack.language(), &language) {
            (Some(own), Some(language)) => own.is_same_as(language),
            _ => false,
        })
    }
}
