//! The languages of a process's environment.

use super::Language;

/// What the environment says about languages: the values of these variables, empty where they are not set. `Ours:` the
/// variables and their order are those of POSIX and of GNU gettext.
#[derive(Debug, Clone, Copy, Default)]
pub struct LanguageVariables<'a> {
    /// `LANGUAGE`: a list, joined by `:`, best first.
    pub language: &'a str,
    /// `LC_ALL`.
    pub lc_all: &'a str,
    /// `LC_MESSAGES`.
    pub lc_messages: &'a str,
    /// `LANG`.
    pub lang: &'a str,
}

/// A list with more entries than this is cut: what comes later decides nothing.
const LANGUAGES_MAX: usize = 32;

impl LanguageVariables<'_> {
    /// The languages that the person reads, best first, each once. Empty when the environment says nothing, as where the
    /// locale is `C`: such a process was set up for programs, not for a person.
    #[must_use]
    pub fn preferred(&self) -> Vec<Language> {
        let locale =
            [self.lc_all, self.lc_messages, self.lang].into_iter().find(|text| !text.is_empty());
        let Some(locale) = locale.and_then(Language::of_locale) else { return Vec::new() };
        let mut languages: Vec<Language> = Vec::new();
        let listed = self.language.split(':').take(LANGUAGES_MAX).filter_map(Language::of_locale);
        for language in listed.chain([locale]) {
            if !languages.contains(&language) {
                languages.push(language);
            }
        }
        languages
    }
}

impl Language {
    /// The language of a locale's name, as systems write it: `de_AT.UTF-8@euro`, `sr_RS@latin`, `ca-ES-valencia`,
    /// `en-US-u-hc-h12`. Whatever a pack's tag cannot say is left out. None where no language is named, as in `C`.
    #[must_use]
    pub fn of_locale(name: &str) -> Option<Self> {
        let (name, modifier) = name.split_once('@').unwrap_or((name, ""));
        let name = name.split('.').next().unwrap_or_default();
        if ["C", "POSIX", ""].contains(&name) {
            return None;
        }
        let mut tag = icu_locale::Locale::try_from_str(&name.replace('_', "-")).ok()?.id;
        tag.variants.clear();
        if tag.script.is_none() {
            tag.script = match modifier {
                "latin" => icu_locale::subtags::Script::try_from_str("Latn").ok(),
                "cyrillic" => icu_locale::subtags::Script::try_from_str("Cyrl").ok(),
                "devanagari" => icu_locale::subtags::Script::try_from_str("Deva").ok(),
                _ => None,
            };
        }
        (!tag.is_unknown()).then(|| Self::from_parts(&tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(languages: &[Language]) -> Vec<&str> {
        languages.iter().map(Language::as_str).collect()
    }

    #[test]
    fn names_of_locales_become_tags() {
        for (name, tag) in [
            ("de_AT.UTF-8@euro", Some("de-AT")),
            ("sr_RS@latin", Some("sr-Latn-RS")),
            ("uz_UZ.UTF-8@cyrillic", Some("uz-Cyrl-UZ")),
            ("ca_ES@valencia", Some("ca-ES")),
            ("ca-ES-valencia", Some("ca-ES")),
            ("en-US-u-hc-h12", Some("en-US")),
            ("zh-Hant", Some("zh-Hant")),
            ("pt", Some("pt")),
            ("C", None),
            ("C.UTF-8", None),
            ("POSIX", None),
            ("", None),
            ("../etc", None),
            ("english", None),
        ] {
            assert_eq!(Language::of_locale(name).as_ref().map(Language::as_str), tag, "{name}");
        }
    }

    #[test]
    fn the_list_goes_before_the_locale_and_the_locale_by_its_order() {
        let base = LanguageVariables { lang: "de_DE.UTF-8", ..LanguageVariables::default() };
        assert_eq!(tags(&base.preferred()), ["de-DE"]);
        let messages = LanguageVariables { lc_messages: "fr_CH", ..base };
        assert_eq!(tags(&messages.preferred()), ["fr-CH"]);
        let all = LanguageVariables { lc_all: "it_IT", ..messages };
        assert_eq!(tags(&all.preferred()), ["it-IT"]);
        let listed = LanguageVariables { language: "de_AT:de::en_GB:it_IT", ..all };
        assert_eq!(tags(&listed.preferred()), ["de-AT", "de", "en-GB", "it-IT"]);
    }

    #[test]
    fn the_locale_for_programs_says_nothing() {
        let variables = LanguageVariables {
            language: "de",
            lc_all: "C",
            lang: "fr_FR",
            ..LanguageVariables::default()
        };
        assert!(variables.preferred().is_empty(), "LC_ALL=C silences the rest");
        assert!(LanguageVariables::default().preferred().is_empty());
    }

    #[test]
    fn a_list_without_end_is_cut() {
        let long = "de_AT:fr_CH:".repeat(10_000);
        let variables =
            LanguageVariables { language: &long, lang: "en_US", ..LanguageVariables::default() };
        assert_eq!(tags(&variables.preferred()), ["de-AT", "fr-CH", "en-US"]);
    }
}
