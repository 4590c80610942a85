//! The languages of an app, as far as its packs are concerned. `Spec: packs 9`.

use headstart_model::Language;
use headstart_model::language::{nearest, resolve};
use serde::{Deserialize, Serialize};

/// Who said what the person reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Teller {
    /// The device, for every app of which nobody else has said anything.
    Device,
    /// A process of the app. `Ours:` it runs in the person's own session, so its word goes before the device's.
    App,
}

/// What is known about the languages of an app.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Languages {
    /// What the person reads, best first, as last told; empty while nobody has told.
    pub preferred: Vec<Language>,
    /// Who told.
    pub told_by: Option<Teller>,
    /// What the app itself has set instead; none follows the person.
    pub chosen: Option<Language>,
    /// The language whose packs come by themselves; none when none suits, or no localized pack is offered.
    pub resolved: Option<Language>,
    /// `resolved` has changed, and no catalog has been looked at since for what has to come; where the extension decides:
    /// `preferred` has changed, and it was not asked about that.
    pub changed: bool,
}

impl Languages {
    /// The language of `available` that suits the app: near to what it has chosen, else to what the person reads, else to
    /// its primary language.
    pub(crate) fn resolve(
        &self,
        available: &[Language],
        primary: Option<&Language>,
    ) -> Option<Language> {
        let chosen = self.chosen.as_ref().and_then(|chosen| nearest(chosen, available));
        chosen.or_else(|| resolve(&self.preferred, available, primary)).cloned()
    }

    /// Whether packs of `language` belong to the resolved one.
    #[must_use]
    pub fn is_resolved(&self, language: &Language) -> bool {
        self.resolved.as_ref().is_some_and(|resolved| resolved.is_same_as(language))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_app_set_goes_before_the_person_and_that_before_the_primary_language() {
        let tag = |text: &str| text.parse::<Language>().expect("a tag");
        let available = ["de", "en", "fr"].map(tag);
        for (chosen, preferred, primary, expected) in [
            (Some("fr-CA"), &["de"][..], Some("en"), Some("fr")),
            (Some("ja"), &["de"], Some("en"), Some("de")),
            (Some("ja"), &["ko"], Some("en"), Some("en")),
            (None, &["ko", "de-AT"], Some("en"), Some("de")),
            (None, &[], Some("en-GB"), Some("en")),
            (None, &["ko"], Some("ja"), None),
            (None, &[], None, None),
        ] {
            let languages = Languages {
                chosen: chosen.map(tag),
                preferred: preferred.iter().map(|text| tag(text)).collect(),
                ..Languages::default()
            };
            let resolved = languages.resolve(&available, primary.map(tag).as_ref());
            assert_eq!(resolved, expected.map(tag), "{chosen:?} {preferred:?} {primary:?}");
        }
    }

    #[test]
    fn records_of_an_earlier_program_know_nothing_of_languages() {
        let nothing: Languages = serde_json::from_str("{}").expect("all of it has a default");
        assert_eq!(nothing, Languages::default());
    }
}
