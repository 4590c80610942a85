//! Languages: the tags of asset packs, which of them mean the same, and which suits what somebody reads.
//!
//! Tags are parsed, and implied subtags are filled in, by `icu_locale`; the distance between two is reckoned here, from CLDR's
//! data below `cldr/`, since no library has it.

use std::fmt;
use std::str::FromStr;

use icu_locale::LanguageIdentifier;
use serde::{Deserialize, Serialize};

mod choice;
mod posix;
mod subtags;
mod table;

pub use choice::{nearest, resolve};
pub use posix::LanguageVariables;
use subtags::Subtags;

/// Why a text is not a language tag that a pack may carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LanguageError {
    /// The text does not have the shape language, script, region.
    #[error(
        "`{text}` is not a language tag; give a language with an optional script and region, such as `ja`, `es-US` or `zh-Hans-VN`"
    )]
    Shape {
        /// The text as given.
        text: String,
    },
}

/// A BCP-47 tag of language, script and region only: `ja`, `es-US`, `zh-Hant`, `zh-Hans-VN`. `Spec: packs 2`.
///
/// Written in the canonical case whatever the case it was given in; `_` is not accepted for `-`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(String);

impl Language {
    /// Checks `text` and brings it into canonical case.
    ///
    /// # Errors
    /// [`LanguageError::Shape`] for anything but language, script, region; variants and extensions are not allowed.
    pub fn new(text: &str) -> Result<Self, LanguageError> {
        let tag = LanguageIdentifier::try_from_str(text).ok();
        let tag = tag.filter(|tag| tag.variants.is_empty() && !text.contains('_'));
        tag.map(|tag| Self::from_parts(&tag))
            .ok_or_else(|| LanguageError::Shape { text: text.chars().take(80).collect() })
    }

    /// `tag` has no variants.
    fn from_parts(tag: &LanguageIdentifier) -> Self {
        Self(tag.to_string())
    }

    /// Whether both tags mean the same when implied subtags are filled in: `en` is `en-US` and `en-Latn-US`, and is not
    /// `en-CA`. `Spec: packs 9`.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self == other || self.subtags().is_same(&other.subtags())
    }

    /// As [`is_same_as`](Self::is_same_as), of a tag that nobody has checked; none that is no language is the same.
    #[must_use]
    pub fn is_same_as_tag(&self, tag: &str) -> bool {
        self.0 == tag || Self::new(tag).is_ok_and(|other| self.is_same_as(&other))
    }

    fn subtags(&self) -> Subtags {
        // What does not parse cannot have become a tag; the unknown language is near to nothing.
        let tag = LanguageIdentifier::try_from_str(&self.0).unwrap_or(LanguageIdentifier::UNKNOWN);
        Subtags::of(&tag)
    }

    /// The tag as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Language {
    type Error = LanguageError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}

impl FromStr for Language {
    type Err = LanguageError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_examples_are_taken_in_canonical_case() {
        for (given, tag) in [
            ("ja", "ja"),
            ("es-us", "es-US"),
            ("zh-hant", "zh-Hant"),
            ("ZH-HANS-vn", "zh-Hans-VN"),
            ("es-419", "es-419"),
        ] {
            assert_eq!(Language::new(given).expect(given).as_str(), tag);
        }
    }

    #[test]
    fn variants_extensions_and_other_shapes_are_refused() {
        for text in [
            "",
            "e",
            "en_US",
            "de-1996",
            "Latn-US",
            "abcd",
            "en-u-ca-buddhist",
            "en-US-x-a",
            "1a",
            "en-",
            "en-Latn-US-US",
        ] {
            assert!(Language::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn implied_subtags_are_filled_in_before_tags_are_compared() {
        let tag = |text| Language::new(text).expect(text);
        for (one, other) in [
            ("en", "en-US"),
            ("en", "en-Latn-US"),
            ("zh-TW", "zh-Hant"),
            ("zh", "zh-Hans-CN"),
            ("iw", "he-IL"),
            ("pt", "pt-BR"),
        ] {
            assert!(tag(one).is_same_as(&tag(other)), "{one} {other}");
            assert!(tag(other).is_same_as(&tag(one)), "{other} {one}");
        }
        for (one, other) in [("en", "en-CA"), ("zh-TW", "zh"), ("sr", "sr-Latn"), ("und", "en")] {
            assert!(!tag(one).is_same_as(&tag(other)), "{one} {other}");
        }
    }
}
